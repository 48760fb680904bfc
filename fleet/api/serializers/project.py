"""The documents of projects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from fleet.projects.quota import check_hard, check_limits
from fleet.projects.rules import DEFAULT_KINDS, check_namespace_labels
from kubecarrier.api import placement
from kubecarrier.api.placement import plain, whole
from kubecarrier.api.serializers import DescriptionField, StrictSerializer, SuspendedField
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.spec import NAME_PATTERN

_PATTERN = r"^[-a-z0-9*?]+$"
_KIND_PATTERN = r"^!?[A-Za-z0-9*?]+(\.[-a-z0-9.*?]+)?$"


class QuantitiesField(serializers.DictField):
    """Names and Kubernetes quantities; numbers are taken as they are written."""

    child = serializers.CharField(max_length=64)


class HardField(QuantitiesField):
    """What a ResourceQuota limits."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        return _checked(check_hard, super().to_internal_value(data))


class NamespaceLabelsField(serializers.DictField):
    """Labels for namespaces; those that say whose a namespace is are the portal's."""

    child = serializers.CharField(allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        return _checked(check_namespace_labels, super().to_internal_value(data))


def _checked[T](check: Callable[[T], T], value: T) -> T:
    """A rule's refusal at the field that it is asked for."""
    try:
        return check(value)
    except InvalidError as error:
        raise serializers.ValidationError(
            f"{error.message} {error.hint or ''}".strip(), error.code
        ) from error


class LimitsSerializer(StrictSerializer):
    """What a LimitRange says of each container."""

    default = QuantitiesField(
        required=False, default=dict, help_text="Limits of a container that says none."
    )
    defaultRequest = QuantitiesField(
        required=False, default=dict, help_text="Requests of a container that says none."
    )
    min = QuantitiesField(required=False, default=dict)
    max = QuantitiesField(required=False, default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return _checked(check_limits, plain(attrs))


class QuotaSerializer(StrictSerializer):
    """Limits of each of the namespaces: a ResourceQuota and a LimitRange."""

    hard = HardField(
        required=False,
        default=dict,
        help_text="As in a ResourceQuota: requests.cpu, limits.memory, pods, count/jobs.batch ...",
    )
    limits = LimitsSerializer(required=False, default=dict)


class NamespaceItemSerializer(StrictSerializer):
    """One namespace, on each of the project's clusters."""

    name = serializers.RegexField(NAME_PATTERN, max_length=63)
    adopt = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Take over a namespace of this name that is there already.",
    )
    quota = HardField(
        required=False, default=dict, help_text="Over spec.quota.hard, for this namespace."
    )


class ProjectOverrideSerializer(StrictSerializer):
    """What differs on one cluster."""

    quota = HardField(
        required=False, default=dict, help_text="Over spec.quota.hard, on this cluster."
    )


class ProjectPlacementSerializer(placement.PlacementSerializer):
    """On which clusters the namespaces are."""

    overrides = serializers.DictField(
        child=ProjectOverrideSerializer(), required=False, default=dict, help_text="By cluster."
    )


class AllowSerializer(StrictSerializer):
    """What may be placed in the project."""

    clusters = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=2000,
        help_text="A selector of further clusters, beside those of the placement; * is every cluster.",
    )
    repositories = serializers.ListField(
        child=serializers.RegexField(_PATTERN, max_length=63),
        required=False,
        default=["*"],
        max_length=200,
        help_text="Chart repositories by name; * and ? as in a shell.",
    )
    kinds = serializers.ListField(
        child=serializers.RegexField(_KIND_PATTERN, max_length=320),
        required=False,
        default=list(DEFAULT_KINDS),
        max_length=200,
        help_text="Kinds with a namespace: Deployment, *.apps, !Secret; the last that matches decides.",
    )
    clusterKinds = serializers.ListField(
        child=serializers.RegexField(_KIND_PATTERN, max_length=320),
        required=False,
        default=list,
        max_length=200,
        help_text="Kinds without a namespace that charts may bring; none unless told.",
    )
    namespaces = serializers.ListField(
        child=serializers.RegexField(_PATTERN, max_length=63),
        required=False,
        default=list,
        max_length=200,
        help_text="Further namespaces, beside the project's own; * and ? as in a shell.",
    )


class ProjectSpecSerializer(StrictSerializer):
    """Namespaces over clusters, their quota, and what may be placed in them."""

    description = DescriptionField()
    placement = ProjectPlacementSerializer(required=False, default=dict)
    namespaces = NamespaceItemSerializer(many=True, required=False, default=list)
    namespaceLabels = NamespaceLabelsField(
        required=False,
        default=dict,
        source="namespace_labels",
        help_text="Labels of its namespaces, such as pod-security.kubernetes.io/enforce: baseline.",
    )
    allow = AllowSerializer(required=False, default=dict)
    quota = QuotaSerializer(required=False, default=dict)
    requireReason = serializers.BooleanField(
        required=False,
        default=False,
        source="require_reason",
        help_text="Who changes something in the project must say why.",
    )
    suspended = SuspendedField(what="nothing of it is changed in the clusters.")

    def validate_placement(self, value: dict[str, Any]) -> dict[str, Any]:
        return whole(ProjectPlacementSerializer, value)

    def validate_allow(self, value: dict[str, Any]) -> dict[str, Any]:
        return whole(AllowSerializer, value)

    def validate_quota(self, value: dict[str, Any]) -> dict[str, Any]:
        found = whole(QuotaSerializer, value)
        return {**found, "limits": whole(LimitsSerializer, found["limits"])}

    def validate_namespaces(self, value: Any) -> Any:
        found = plain(value)
        names = [item["name"] for item in found]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise serializers.ValidationError(f"“{twice}” is there twice.", "name_duplicate")
        return found


class ProjectNamespaceSerializer(serializers.Serializer[Any]):
    """A namespace of a project on one cluster."""

    cluster = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField()
    message = serializers.CharField()
    made = serializers.BooleanField(help_text="By the portal; an adopted one is not.")
    quota = serializers.DictField(
        allow_null=True, help_text="hard and used; null where there is none, or none was seen."
    )
    limits = serializers.DictField()
    seenAt = serializers.DateTimeField(allow_null=True)


class ProjectNamespaceListSerializer(serializers.Serializer[Any]):
    """The namespaces of a project on all its clusters, and their quotas summed."""

    items = ProjectNamespaceSerializer(many=True)
    totals = serializers.DictField()


class KeptNamespaceSerializer(serializers.Serializer[Any]):
    """What a deletion leaves of a namespace."""

    cluster = serializers.CharField()
    name = serializers.CharField()
    made = serializers.BooleanField()
    pods = serializers.IntegerField(allow_null=True, help_text="null: not known.")


class DeletionSerializer(serializers.Serializer[Any]):
    """What deleting a project would take, and what it would leave."""

    members = serializers.ListField(
        child=serializers.CharField(), help_text="What is still in it: it cannot be deleted then."
    )
    clusters = serializers.ListField(child=serializers.CharField())
    namespaces = KeptNamespaceSerializer(
        many=True, help_text="They stay, without our marks and quotas, unless named."
    )
