"""What a release finds around it: config maps, secrets and environment variables."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer

# Matched in full: `$` would let a line break at the end pass.
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_MAX_DATA = 1024 * 1024


class DataField(serializers.DictField):
    """Keys and texts of a ConfigMap or Secret, Kubernetes' rules for keys, at most 1 MiB."""

    child = serializers.CharField(allow_blank=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        found: dict[str, str] = super().to_internal_value(data)
        if (bad := next((key for key in found if not _KEY.fullmatch(key)), None)) is not None:
            raise serializers.ValidationError(f"“{bad[:80]}” is no valid key.", "key_invalid")
        if sum(len(key) + len(text.encode()) for key, text in found.items()) > _MAX_DATA:
            raise serializers.ValidationError("More than 1 MiB of data.", "data_too_large")
        return found


class ConfigMapSerializer(StrictSerializer):
    """A config map created beside the release, or one that must exist already."""

    name = serializers.RegexField(r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", max_length=253)
    data = DataField(required=False)  # type: ignore[assignment]  # a field called like DRF's own
    existing = serializers.BooleanField(required=False)


class SecretSerializer(StrictSerializer):
    """A secret created beside the release, or one that must exist. Its data never comes out."""

    name = serializers.RegexField(r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", max_length=253)
    type = serializers.CharField(required=False, max_length=253)
    data = DataField(  # type: ignore[assignment]  # the same
        required=False, write_only=True, help_text="Absent keeps what is stored."
    )
    keys = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Which keys it has."
    )
    existing = serializers.BooleanField(required=False)


class EnvField(serializers.DictField):
    """Environment variables by name."""

    child = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=32768)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        found: dict[str, str] = super().to_internal_value(data)
        if (
            bad := next((name for name in found if not _ENV_NAME.fullmatch(name)), None)
        ) is not None:
            raise serializers.ValidationError(f"“{bad[:80]}” is no valid name.", "env_invalid")
        return found
