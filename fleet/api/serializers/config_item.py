"""The documents of config items, and what their actions take."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from fleet.choices import ConfigKind, ConflictChoice, Propagation, PrunePolicy
from kubecarrier.api.placement import PlacementSerializer, plain, whole
from kubecarrier.api.serializers import DescriptionField, StrictSerializer, SuspendedField
from kubecarrier.lib.spec import NAME_PATTERN

_OBJECT_NAME = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_MAX_TEXT = 2 * 1024 * 1024  # base64 of the most that an object holds, and more


class TextField(serializers.CharField):
    """A value as it was written."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"allow_blank": True, "trim_whitespace": False, "max_length": _MAX_TEXT, **kwargs}
        )


class KeysField(serializers.ListField):
    """Names of keys."""

    child = serializers.CharField(max_length=253)


class ConfigOverrideSerializer(StrictSerializer):
    """What differs on one cluster: other values, and keys that are not there."""

    data = serializers.DictField(  # type: ignore[assignment]  # a field called like DRF's own
        child=TextField(), required=False
    )
    binaryData = serializers.DictField(child=TextField(), required=False)
    remove = KeysField(required=False, default=list)
    keys = KeysField(required=False, help_text="Of a secret: which keys have other values.")


class ConfigPlacementSerializer(PlacementSerializer):
    """On which clusters, and what differs there."""

    overrides = serializers.DictField(
        child=ConfigOverrideSerializer(), required=False, default=dict, help_text="By cluster name."
    )


class WorkloadSerializer(StrictSerializer):
    """A workload of the item's namespaces."""

    kind = serializers.ChoiceField(choices=_WORKLOADS)
    name = serializers.RegexField(_OBJECT_NAME, max_length=253)


class ConfigItemSpecSerializer(StrictSerializer):
    """A ConfigMap or Secret, written once and kept the same on the chosen clusters."""

    type = serializers.ChoiceField(
        choices=ConfigKind.values,
        required=False,
        default=ConfigKind.CONFIG_MAP.value,
        source="object_kind",
    )
    secretType = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=253,
        source="secret_type",
        help_text="Of a secret: Opaque, kubernetes.io/tls, kubernetes.io/dockerconfigjson, …",
    )
    objectName = serializers.RegexField(
        _OBJECT_NAME,
        required=False,
        allow_blank=True,
        default="",
        max_length=253,
        source="object_name",
        help_text="The name in the clusters; absent: that of this item.",
    )
    namespaces = serializers.ListField(
        child=serializers.RegexField(NAME_PATTERN, max_length=63),
        min_length=1,
        max_length=200,
        help_text="Created in the clusters when missing.",
    )
    data = serializers.DictField(  # type: ignore[assignment]  # a field called like DRF's own
        child=TextField(),
        required=False,
        help_text="Text by key. A secret's goes in and never comes out; absent keeps what is stored.",
    )
    binaryData = serializers.DictField(
        child=TextField(), required=False, source="binary_data", help_text="Base64 by key."
    )
    keys = KeysField(required=False, help_text="Which keys there are; not written.")
    placement = ConfigPlacementSerializer(required=False, default=dict)
    immutable = serializers.BooleanField(required=False, default=False)
    prune = serializers.ChoiceField(
        choices=PrunePolicy.values,
        required=False,
        default=PrunePolicy.DELETE.value,
        help_text="delete: an object that is no longer wanted goes; keep: it stays, without our marks.",
    )
    propagation = serializers.ChoiceField(
        choices=Propagation.values,
        required=False,
        default=Propagation.ONE_WAY.value,
        help_text="A change made in a cluster: put back, taken over everywhere, or asked about.",
    )
    adopt = serializers.BooleanField(
        required=False, default=False, help_text="Take over objects that are there already."
    )
    restart = WorkloadSerializer(
        many=True, required=False, default=list, help_text="Restarted when the values change."
    )
    ignoredKeys = KeysField(
        required=False,
        default=list,
        source="ignored_keys",
        help_text="Keys that each cluster may change for itself.",
    )
    description = DescriptionField()
    suspended = SuspendedField(what="nothing is written, corrected or removed.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """A secret shows its keys; a config map shows its values, and its keys by them."""
        shown: dict[str, Any] = super().to_representation(instance)
        for name in ("data", "binaryData") if instance.is_secret else ("keys",):
            shown.pop(name, None)
        return shown

    def validate_namespaces(self, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))

    def validate_placement(self, value: dict[str, Any]) -> dict[str, Any]:
        """The whole form, so that equal placements are equal in the database."""
        return whole(ConfigPlacementSerializer, value)

    def validate_restart(self, value: Any) -> Any:
        return plain(value)


class SetKeysSerializer(StrictSerializer):
    """Single keys to change, everywhere or on one cluster; the others stay."""

    data = serializers.DictField(  # type: ignore[assignment]  # a field called like DRF's own
        child=TextField(), required=False, default=dict
    )
    binaryData = serializers.DictField(
        child=TextField(), required=False, default=dict, source="binary"
    )
    unset = KeysField(required=False, default=list)
    cluster = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)

    def validate(self, attrs: Any) -> Any:
        if not attrs["data"] and not attrs["binary"] and not attrs["unset"]:
            raise serializers.ValidationError("Name a key to set or to unset.", "nothing_given")
        return attrs


class ConfigRollbackSerializer(StrictSerializer):
    """A revision."""

    revision = serializers.IntegerField(min_value=1)


class RevealSerializer(StrictSerializer):
    """Which keys to show; none: all of them."""

    keys = KeysField(required=False, default=list)
    cluster = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    revision = serializers.IntegerField(required=False, default=0, min_value=0)


class RevealedSerializer(serializers.Serializer[Any]):
    """Values in clear."""

    data = serializers.DictField()  # type: ignore[assignment]  # a field called like DRF's own
    binaryData = serializers.DictField()


class AdoptSerializer(StrictSerializer):
    """Where to take over what is there; nothing given: everywhere."""

    cluster = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    namespace = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)


class ResolveSerializer(StrictSerializer):
    """What to do with a change that was made in a cluster."""

    choice = serializers.ChoiceField(choices=ConflictChoice.values)


class ConfigRevisionSerializer(serializers.Serializer[Any]):
    """One saved spec."""

    number = serializers.IntegerField()
    author = serializers.CharField(allow_null=True)
    channel = serializers.CharField()
    reason = serializers.CharField()
    createdAt = serializers.DateTimeField()
    changed = serializers.DictField()
    spec = serializers.DictField()


class ConfigRevisionListSerializer(serializers.Serializer[Any]):
    """The saved specs, newest first."""

    items = ConfigRevisionSerializer(many=True)


class ConfigDiffSerializer(serializers.Serializer[Any]):
    """Two revisions as one unified diff, secrets masked."""

    diff = serializers.CharField()


class ConfigPreviewGroupSerializer(serializers.Serializer[Any]):
    """Places in which the same would change."""

    clusters = serializers.ListField(child=serializers.CharField())
    diff = serializers.CharField()
    summary = serializers.DictField()
    error = serializers.DictField(allow_null=True)


class ConfigPreviewSerializer(serializers.Serializer[Any]):
    """What a save would change on every cluster."""

    groups = ConfigPreviewGroupSerializer(many=True)
