"""How a comparison with the directory went."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class DirectoryPassSerializer(serializers.Serializer[Any]):
    """How the last pass went."""

    finishedAt = serializers.DateTimeField(source="finished_at", allow_null=True)
    succeeded = serializers.BooleanField()
    said = serializers.CharField()
    people = serializers.IntegerField()
    ended = serializers.IntegerField()
    dueAt = serializers.DateTimeField(source="due_at")
