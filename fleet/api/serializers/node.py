"""What nodes look like live, and what their actions take."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer

_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"]


class NodeDetailSerializer(serializers.Serializer[Any]):
    """A node with what is on it; `used` is null where no metrics API is served."""

    node = serializers.DictField()
    conditions = serializers.ListField(child=serializers.DictField())
    taints = serializers.ListField(child=serializers.DictField())
    unschedulable = serializers.BooleanField()
    capacity = serializers.DictField()
    allocatable = serializers.DictField()
    requested = serializers.DictField()
    used = serializers.DictField(allow_null=True)
    pods = serializers.ListField(child=serializers.DictField())


class NodeChangedSerializer(serializers.Serializer[Any]):
    """The node after it."""

    object = serializers.DictField()


class NodeLabelSerializer(StrictSerializer):
    """Labels to set; null takes one away."""

    labels = serializers.DictField(
        child=serializers.CharField(allow_null=True, allow_blank=True, max_length=63),
        allow_empty=False,
    )


class TaintSerializer(StrictSerializer):
    """A taint."""

    key = serializers.CharField(max_length=317)
    value = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    effect = serializers.ChoiceField(choices=_EFFECTS)


class TaintRemovalSerializer(StrictSerializer):
    """A taint to take away; without effect, every effect of the key."""

    key = serializers.CharField(max_length=317)
    effect = serializers.ChoiceField(choices=_EFFECTS, required=False, allow_blank=True, default="")


class NodeTaintSerializer(StrictSerializer):
    """Taints to add and to take away."""

    add = TaintSerializer(many=True, required=False, default=list)
    remove = TaintRemovalSerializer(many=True, required=False, default=list)


class NodeDrainSerializer(StrictSerializer):
    """How to drain."""

    force = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Pods without a controller too: nobody makes them anew.",
    )
    deleteEmptyDirData = serializers.BooleanField(
        required=False, default=False, source="delete_empty_dir",
        help_text="Pods with emptyDir volumes too: what is in them is lost.",
    )  # fmt: skip
    gracePeriodSeconds = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, max_value=86400,
        source="grace_period_seconds", help_text="Instead of each pod's own.",
    )  # fmt: skip
    timeoutSeconds = serializers.IntegerField(
        required=False, default=900, min_value=5, max_value=86400, source="timeout_seconds",
        help_text="After that it ends as failed; the node stays cordoned.",
    )  # fmt: skip


class NodeDrainStartedSerializer(serializers.Serializer[Any]):
    """The pods that go and those that stay, and the operation (null for a dry run)."""

    evict = serializers.ListField(child=serializers.CharField())
    ignored = serializers.ListField(child=serializers.DictField())
    operation = serializers.DictField(allow_null=True)
