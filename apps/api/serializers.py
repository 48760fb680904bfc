"""Specs of this app's kinds, and the bodies of their actions."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

from apps.choices import DriftPolicy, OnFailure, RepositoryType
from kubecarrier.api.serializers import StrictSerializer
from kubecarrier.lib.spec import NAME_PATTERN, name_validators

# Matched in full: `$` would let a line break at the end pass.
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_REGISTRY = re.compile(r"^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:\d{1,5})?(/[-._a-z0-9/]+)?$")
_MAX_DATA = 1024 * 1024


class RepositorySpecSerializer(StrictSerializer):
    """Where charts come from."""

    type = serializers.ChoiceField(
        choices=RepositoryType.values,
        required=False,
        default=RepositoryType.HTTP.value,
        help_text="http: an index.yaml; oci: a registry, its charts named; local: uploaded here.",
    )
    url = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    username = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    password = serializers.CharField(
        required=False,
        allow_blank=True,
        write_only=True,
        max_length=4000,
        trim_whitespace=False,
        help_text="Goes in, never comes out; absent keeps what is stored.",
    )
    caCertificate = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=262144,
        source="ca_pem",
        help_text="PEM.",
    )
    plainHttp = serializers.BooleanField(
        required=False,
        default=False,
        source="plain_http",
        help_text="OCI only, and only for a registry on this machine.",
    )
    charts = serializers.ListField(
        child=serializers.RegexField(r"^[a-z0-9]([-._a-z0-9/]*[a-z0-9])?$", max_length=200),
        required=False,
        default=list,
        source="references",
        max_length=500,
        help_text="OCI only: the names of its charts, for a registry cannot be listed.",
    )
    refreshSeconds = serializers.IntegerField(
        required=False, default=3600, min_value=30, max_value=604800, source="refresh_seconds"
    )
    description = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=2000
    )
    suspended = serializers.BooleanField(
        required=False,
    )


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


class OverrideSerializer(StrictSerializer):
    """What differs on one cluster."""

    values = serializers.DictField(required=False, default=dict)


class PlacementSerializer(StrictSerializer):
    """On which clusters: the named, the selected, less the excluded."""

    clusters = serializers.ListField(
        child=serializers.CharField(validators=name_validators),
        required=False,
        default=list,
        max_length=1000,
    )
    selector = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=2000,
        help_text="Kubernetes' selector over the clusters' labels; * is everywhere.",
    )
    exclude = serializers.ListField(
        child=serializers.CharField(validators=name_validators),
        required=False,
        default=list,
        max_length=1000,
    )
    overrides = serializers.DictField(
        child=OverrideSerializer(), required=False, default=dict, help_text="By cluster name."
    )


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
    description = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=2000
    )
    suspended = serializers.BooleanField(
        required=False,
        help_text="Paused: nothing is deployed, corrected or removed. Absent keeps what is.",
    )

    def validate_placement(self, value: dict[str, Any]) -> dict[str, Any]:
        """The whole form, so that equal placements are equal in the database."""
        whole = PlacementSerializer(data=value)
        whole.is_valid(raise_exception=True)
        return _plain(whole.validated_data)  # type: ignore[no-any-return]

    def validate_configMaps(self, value: Any) -> Any:  # noqa: N802 - DRF's hook is named by the field
        return _once(_plain(value))

    def validate_secrets(self, value: Any) -> Any:
        found = _once(_plain(value))
        for item in found:
            item.pop("keys", None)
        return found


def _once(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two items of one name would write one object."""
    names = [item["name"] for item in items]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise serializers.ValidationError(f"“{twice}” is there twice.", "name_duplicate")
    return items


def _plain(value: Any) -> Any:
    """DRF's ordered mappings as plain dicts and lists, as JSON columns hold them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


class ScaleSerializer(StrictSerializer):
    """A number of replicas, everywhere or on one cluster."""

    replicas = serializers.IntegerField(min_value=0, max_value=10000)
    cluster = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)


class UpgradeSerializer(StrictSerializer):
    """A version; without one, the newest that the constraint allows."""

    version = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)


class RollbackSerializer(StrictSerializer):
    """A revision, everywhere or on one cluster."""

    revision = serializers.IntegerField(min_value=1)
    cluster = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)


class RedeploySerializer(StrictSerializer):
    """Everywhere, or on one cluster."""

    cluster = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)


class PreviewGroupSerializer(serializers.Serializer[Any]):
    """Clusters on which the same would change."""

    clusters = serializers.ListField(child=serializers.CharField())
    diff = serializers.CharField()
    summary = serializers.DictField()
    error = serializers.DictField(allow_null=True)


class PreviewSerializer(serializers.Serializer[Any]):
    """What a save would change on every cluster."""

    groups = PreviewGroupSerializer(many=True)


class RevisionSerializer(serializers.Serializer[Any]):
    """One saved spec."""

    number = serializers.IntegerField()
    author = serializers.CharField(allow_null=True)
    channel = serializers.CharField()
    reason = serializers.CharField()
    createdAt = serializers.DateTimeField()
    diff = serializers.CharField()
    spec = serializers.DictField()


class RevisionListSerializer(serializers.Serializer[Any]):
    """The saved specs, newest first."""

    items = RevisionSerializer(many=True)


class EffectiveValuesSerializer(serializers.Serializer[Any]):
    """The merged values, and which layer set each key."""

    values = serializers.DictField()
    origins = serializers.DictField()
    registryKeys = serializers.ListField(child=serializers.CharField())


class ChartVersionSerializer(serializers.Serializer[Any]):
    """A version of a chart; readme, values and schema once it was opened."""

    version = serializers.CharField()
    appVersion = serializers.CharField()
    description = serializers.CharField()
    digest = serializers.CharField()
    releasedAt = serializers.DateTimeField(allow_null=True)
    deprecated = serializers.BooleanField()
    details = serializers.DictField()
    readme = serializers.CharField(required=False)
    values = serializers.CharField(required=False)
    schema = serializers.DictField(required=False, allow_null=True)
    dependencies = serializers.ListField(required=False)


class ChartVersionListSerializer(serializers.Serializer[Any]):
    """The versions of a chart, newest first."""

    items = ChartVersionSerializer(many=True)


class HelmHistorySerializer(serializers.Serializer[Any]):
    """Helm's own revisions of a release."""

    items = serializers.ListField(child=serializers.DictField())
