"""What the actions on applications take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer


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
