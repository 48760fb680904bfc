"""The answer about capacity."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from fleet.capacity.listing import BY


class MeasureSerializer(serializers.Serializer[Any]):
    """CPU in millicores, memory in bytes; null: not known, or there is none."""

    allocatable = serializers.IntegerField(allow_null=True)
    requested = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField(allow_null=True)
    quota = serializers.IntegerField(allow_null=True)
    free = serializers.IntegerField(allow_null=True)
    block = serializers.IntegerField(
        allow_null=True, help_text="The most that is free on one node."
    )
    waste = serializers.IntegerField(allow_null=True, help_text="Requested and not used.")


class CapacityItemSerializer(serializers.Serializer[Any]):
    """A cluster, a namespace or a project."""

    name = serializers.CharField()
    cluster = serializers.CharField(allow_null=True)
    project = serializers.CharField(allow_null=True)
    seenAt = serializers.DateTimeField(allow_null=True)
    reachable = serializers.BooleanField()
    standing = serializers.ChoiceField(choices=["over", "under", "fair", "unknown"])
    fits = serializers.BooleanField(allow_null=True)
    nodes = serializers.IntegerField(allow_null=True, help_text="Nodes that hold it alone.")
    cpu = MeasureSerializer()
    memory = MeasureSerializer()


class CapacitySerializer(serializers.Serializer[Any]):
    """Over- and under-used first; with `fits` the most room first."""

    by = serializers.ChoiceField(choices=BY)
    items = CapacityItemSerializer(many=True)
    unknown = serializers.ListField(
        child=serializers.CharField(), help_text="Of these it is not known whether there is room."
    )
