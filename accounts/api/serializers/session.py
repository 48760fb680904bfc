"""Logging in by password, and who is asking."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer


class LoginSerializer(StrictSerializer):
    """A name, a password, and what to call the token."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, write_only=True, trim_whitespace=False)
    code = serializers.CharField(
        max_length=40, required=False, default="", write_only=True, allow_blank=True,
        help_text="Of the second factor, where one is set up.",
    )  # fmt: skip
    name = serializers.CharField(max_length=100, required=False, default="cli")
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, default=list
    )


class TokenSerializer(serializers.Serializer[Any]):
    """A new token, shown this once."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField(allow_null=True)


class PersonSerializer(serializers.Serializer[Any]):
    """Who is asking. `scopes` are the token's; null: it may whatever its owner may."""

    username = serializers.CharField()
    email = serializers.CharField()
    isStaff = serializers.BooleanField()
    isSuperuser = serializers.BooleanField()
    groups = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField(), allow_null=True)
    expiry = serializers.DateTimeField(allow_null=True)
