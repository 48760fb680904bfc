"""What every action answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ActionResultSerializer(serializers.Serializer[Any]):
    """What an action answers: the object as it stands, and the operation that was begun."""

    object = serializers.DictField(allow_null=True)
    operation = serializers.DictField(allow_null=True)
