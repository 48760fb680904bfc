"""A service account's spec."""

from __future__ import annotations

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer
from kubecarrier.lib.spec import NAME_MAX_LENGTH, name_validators


class ServiceAccountSpecSerializer(StrictSerializer):
    """Whom a machine logs in as."""

    description = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=2000
    )
    project = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=NAME_MAX_LENGTH,
        validators=name_validators,
        help_text="The project that owns it; empty: the platform.",
    )
    active = serializers.BooleanField(
        required=False, default=True, source="user.is_active", help_text="Its tokens work."
    )

    def to_internal_value(self, data: object) -> dict[str, object]:
        """`active` is a column of its user: flat for the service."""
        found = dict(super().to_internal_value(data))
        found["active"] = found.pop("user", {}).get("is_active", True)
        return found
