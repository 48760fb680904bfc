"""What live objects of clusters look like over REST, and what their actions take."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from fleet.kube import Propagation
from kubecarrier.api.serializers import ErrorDetailSerializer, StrictSerializer

_PROPAGATIONS = [str(one).lower() for one in Propagation]


class ResourceKindSerializer(serializers.Serializer[Any]):
    """A kind that the cluster serves, in its preferred version."""

    group = serializers.CharField(help_text="`core` for the group without a name.")
    version = serializers.CharField()
    apiVersion = serializers.CharField()
    kind = serializers.CharField()
    plural = serializers.CharField()
    singular = serializers.CharField()
    shortNames = serializers.ListField(child=serializers.CharField())
    categories = serializers.ListField(child=serializers.CharField())
    namespaced = serializers.BooleanField()
    verbs = serializers.ListField(child=serializers.CharField())
    versions = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())


class ResourceKindListSerializer(serializers.Serializer[Any]):
    """Every kind; `unknownGroups` are served by somebody who does not answer."""

    items = ResourceKindSerializer(many=True)
    unknownGroups = serializers.ListField(child=serializers.CharField())


class ResourceColumnSerializer(serializers.Serializer[Any]):
    """A column as the server defines it; priority 1 and more is wide."""

    name = serializers.CharField()
    type = serializers.CharField()
    format = serializers.CharField()
    description = serializers.CharField()
    priority = serializers.IntegerField()


class ResourceRowMetadataSerializer(serializers.Serializer[Any]):
    """What tells one object from another."""

    name = serializers.CharField()
    namespace = serializers.CharField()
    uid = serializers.CharField()
    resourceVersion = serializers.CharField()
    createdAt = serializers.CharField()
    labels = serializers.DictField()
    deleting = serializers.BooleanField()


class ResourceRowSerializer(serializers.Serializer[Any]):
    """One object; `cells` in the order of the columns."""

    cells = serializers.ListField()
    metadata = ResourceRowMetadataSerializer()


_TableMetadataSerializer = type(  # “continue” cannot be written as a class attribute
    "ResourceTableMetadataSerializer",
    (serializers.Serializer,),
    {
        "continue": serializers.CharField(allow_null=True),
        "remaining": serializers.IntegerField(allow_null=True),
        "resourceVersion": serializers.CharField(),
        "scanned": serializers.IntegerField(help_text="Rows that a search looked at."),
    },
)


class ResourceTableSerializer(serializers.Serializer[Any]):
    """One page of a list, as the server prints it."""

    apiVersion = serializers.CharField()
    kind = serializers.CharField()
    metadata = _TableMetadataSerializer()
    columns = ResourceColumnSerializer(many=True)
    items = ResourceRowSerializer(many=True)


class ResourceEventSerializer(serializers.Serializer[Any]):
    """An event about an object."""

    type = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField()
    count = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field called like DRF's own
    firstAt = serializers.CharField()
    lastAt = serializers.CharField()


class ResourceEventListSerializer(serializers.Serializer[Any]):
    """The newest first, at most 200."""

    items = ResourceEventSerializer(many=True)


class ResourceOwnersSerializer(serializers.Serializer[Any]):
    """Owners upwards, dependents downwards, both as trees; `unseen` kinds could not be read."""

    object = serializers.DictField()
    owners = serializers.ListField(child=serializers.DictField())
    dependents = serializers.ListField(child=serializers.DictField())
    unseen = serializers.ListField(child=serializers.DictField())


class ResourceChangeSerializer(serializers.Serializer[Any]):
    """One field before and after; secrets as fingerprints."""

    path = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class ResourceWrittenSerializer(serializers.Serializer[Any]):
    """What a write made of the object, or would make (`?dryRun=All`)."""

    object = serializers.DictField()
    result = serializers.ChoiceField(choices=["created", "configured", "unchanged"])
    dryRun = serializers.BooleanField()
    changes = ResourceChangeSerializer(many=True)
    diff = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())


class ResourceActedSerializer(serializers.Serializer[Any]):
    """What an action found, and what it made of it."""

    object = serializers.DictField()
    before = serializers.JSONField(required=False)
    after = serializers.JSONField(required=False)
    restartedAt = serializers.CharField(required=False)
    gone = serializers.BooleanField(required=False)
    warnings = serializers.ListField(child=serializers.CharField())


class ResourceRevealSerializer(serializers.Serializer[Any]):
    """The values of a Secret; `base64:` before what is no text."""

    data = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]


class LogLineSerializer(serializers.Serializer[Any]):
    """A line with the time at which it was written; "" where the runtime wrote none."""

    time = serializers.CharField()
    text = serializers.CharField()


class PodLogsSerializer(serializers.Serializer[Any]):
    """The oldest line first; `truncated`: there were more, newer ones than fit into 2 MiB."""

    container = serializers.CharField()
    containers = serializers.ListField(child=serializers.CharField())
    lines = LogLineSerializer(many=True)
    truncated = serializers.BooleanField()


class ResourceScaleSerializer(StrictSerializer):
    """How many."""

    replicas = serializers.IntegerField(min_value=0, max_value=100_000)


class ResourceItemSerializer(StrictSerializer):
    """One chosen object; with `uid` only that very one."""

    apiVersion = serializers.CharField(max_length=317, source="api_version")
    kind = serializers.CharField(max_length=63)
    namespace = serializers.CharField(max_length=63, required=False, allow_blank=True, default="")
    name = serializers.CharField(max_length=253)
    uid = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")


class ResourceBulkSerializer(StrictSerializer):
    """One act on several objects."""

    action = serializers.ChoiceField(choices=["delete", "restart", "scale", "suspend", "resume"])
    objects = ResourceItemSerializer(many=True)
    replicas = serializers.IntegerField(
        min_value=0, max_value=100_000, required=False, allow_null=True, default=None
    )
    propagationPolicy = serializers.ChoiceField(
        choices=_PROPAGATIONS, required=False, default="background", source="propagation"
    )


class ResourceApplySerializer(StrictSerializer):
    """Documents for server-side apply, in their order."""

    objects = serializers.ListField(child=serializers.DictField(), min_length=1)
    force = serializers.BooleanField(required=False, default=False)


class ResourceOutcomeSerializer(serializers.Serializer[Any]):
    """What became of one object."""

    apiVersion = serializers.CharField()
    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    result = serializers.CharField(help_text="`error` where it failed.")
    error = ErrorDetailSerializer(allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment]  # a field called like DRF's own


class ResourceOutcomeListSerializer(serializers.Serializer[Any]):
    """A result per object, in the order of the request."""

    items = ResourceOutcomeSerializer(many=True)
    failed = serializers.IntegerField()
