"""What is asked of a kubeconfig."""

from __future__ import annotations

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer


class NewKubeconfigSerializer(StrictSerializer):
    """How long it is to work."""

    expirationSeconds = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=2**31 - 1,
        help_text="600 up to the portal's maximum; an hour unless told.",
    )
