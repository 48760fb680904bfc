"""A console session."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class LoginSessionSerializer(serializers.Serializer[Any]):
    """Who is logged in to the console, from where, since when."""

    id = serializers.UUIDField()
    method = serializers.CharField()
    address = serializers.IPAddressField(allow_null=True)
    agent = serializers.CharField()
    createdAt = serializers.DateTimeField(source="created_at")
    lastSeenAt = serializers.DateTimeField(source="last_seen_at")


class LoginSessionListSerializer(serializers.Serializer[Any]):
    """One's own sessions."""

    items = LoginSessionSerializer(many=True)
