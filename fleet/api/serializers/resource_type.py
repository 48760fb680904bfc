"""What the catalogue answers beyond documents."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ExplainedSerializer(serializers.Serializer[Any]):
    """A field of a kind; `field.fields` are the fields below it, of the same form."""

    resource = serializers.CharField()
    kind = serializers.CharField()
    apiVersion = serializers.CharField()
    path = serializers.ListField(child=serializers.CharField())
    clusters = serializers.ListField(child=serializers.CharField())
    field = serializers.DictField()
