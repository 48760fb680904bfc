"""Making a token."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer


class NewTokenSerializer(StrictSerializer):
    """A token of one's own, or of a service account."""

    title = serializers.CharField(max_length=100, help_text="What will use it.")
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        default=list,
        help_text="read-only, or kind and verb such as clusters.view; none: all that you may.",
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        default=list,
        help_text="From where it may be used, such as 10.0.0.0/8; none: from everywhere.",
    )
    lifetimeSeconds = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=60,
        max_value=100 * 366 * 86400,
        help_text="Until it ends; the portal sets the most.",
    )
    serviceAccount = serializers.CharField(
        max_length=100, required=False, default="", help_text="Whose token; empty: your own."
    )


class MadeTokenSerializer(serializers.Serializer[Any]):
    """The secret, shown this once, and the token's document."""

    token = serializers.CharField()
    object = serializers.DictField()
