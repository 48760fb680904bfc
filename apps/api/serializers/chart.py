"""Versions of charts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


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
