"""Login by device code."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer


class DeviceCodeSerializer(StrictSerializer):
    """Who wants to be let in, and for what."""

    name = serializers.CharField(max_length=100, required=False, default="cli")
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, default=list
    )


class DeviceBegunSerializer(serializers.Serializer[Any]):
    """What to show to the person, and what to poll with."""

    deviceCode = serializers.CharField()
    userCode = serializers.CharField()
    verificationUri = serializers.CharField()
    verificationUriComplete = serializers.CharField()
    expiresIn = serializers.IntegerField(help_text="Seconds.")
    interval = serializers.IntegerField(help_text="Seconds between two polls.")


class DeviceTokenSerializer(StrictSerializer):
    """One poll."""

    deviceCode = serializers.CharField(max_length=100)
