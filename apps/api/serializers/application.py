"""The documents of applications."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

from apps.api.serializers.context import ConfigMapSerializer, EnvField, SecretSerializer
from apps.choices import DriftPolicy, OnFailure
from kubecarrier.api import placement
from kubecarrier.api.placement import plain, whole
from kubecarrier.api.serializers import DescriptionField, StrictSerializer, SuspendedField
from kubecarrier.lib.spec import NAME_PATTERN, name_validators

# Matched in full: `$` would let a line break at the end pass.
_REGISTRY = re.compile(r"^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:\d{1,5})?(/[-._a-z0-9/]+)?$")


class OverrideSerializer(StrictSerializer):
    """What differs on one cluster."""

    values = serializers.DictField(required=False, default=dict)


class PlacementSerializer(placement.PlacementSerializer):
    """On which clusters, and what differs there."""

    overrides = serializers.DictField(
        child=OverrideSerializer(), required=False, default=dict, help_text="By cluster name."
    )


class ApplicationSpecSerializer(StrictSerializer):
    """A chart at a version with values and context, placed on clusters."""

    chart = serializers.RegexField(
        r"^[a-z0-9-]+/[A-Za-z0-9._/-]+$", max_length=307, help_text="repository/chart"
    )
    version = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=100,
        help_text="A version or a constraint such as ^1.2; resolved and pinned when saved.",
    )
    namespace = serializers.RegexField(
        NAME_PATTERN, max_length=63, help_text="Created in the clusters when missing."
    )
    values = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=1048576,
        trim_whitespace=False,
        help_text="YAML, validated by the chart's schema.",
    )
    configMaps = ConfigMapSerializer(many=True, required=False, default=list, source="config_maps")
    secrets = SecretSerializer(many=True, required=False, default=list)
    imageRegistry = serializers.RegexField(
        _REGISTRY,
        required=False,
        allow_blank=True,
        default="",
        max_length=253,
        source="image_registry",
        help_text="Images are pulled from here: sets global.imageRegistry, image.registry or image.repository.",
    )
    env = EnvField(
        required=False, default=dict, help_text="Merged into the chart's value at envKey."
    )
    envKey = serializers.RegexField(
        r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        required=False,
        default="env",
        max_length=100,
        source="env_key",
    )
    dependsOn = serializers.ListField(
        child=serializers.CharField(validators=name_validators),
        required=False,
        default=list,
        max_length=50,
        source="depends_on",
        help_text="Applications that must be ready on the cluster first.",
    )
    placement = PlacementSerializer(required=False, default=dict)
    keepResources = serializers.BooleanField(required=False, default=False, source="keep_resources")
    onFailure = serializers.ChoiceField(
        choices=OnFailure.values, required=False, default=OnFailure.KEEP.value, source="on_failure"
    )
    timeoutSeconds = serializers.IntegerField(
        required=False, default=300, min_value=10, max_value=3600, source="timeout_seconds"
    )
    maxHistory = serializers.IntegerField(
        required=False, default=10, min_value=1, max_value=100, source="max_history"
    )
    driftPolicy = serializers.ChoiceField(
        choices=DriftPolicy.values,
        required=False,
        default=DriftPolicy.DETECT.value,
        source="drift_policy",
    )
    description = DescriptionField()
    suspended = SuspendedField(what="nothing is deployed, corrected or removed.")

    def validate_placement(self, value: dict[str, Any]) -> dict[str, Any]:
        """The whole form, so that equal placements are equal in the database."""
        return whole(PlacementSerializer, value)

    def validate_configMaps(self, value: Any) -> Any:  # noqa: N802 - DRF's hook is named by the field
        return _once(plain(value))

    def validate_secrets(self, value: Any) -> Any:
        found = _once(plain(value))
        for item in found:
            item.pop("keys", None)
        return found


def _once(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two items of one name would write one object."""
    names = [item["name"] for item in items]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise serializers.ValidationError(f"“{twice}” is there twice.", "name_duplicate")
    return items
