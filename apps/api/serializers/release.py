"""What is asked of a release."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class HelmHistorySerializer(serializers.Serializer[Any]):
    """Helm's own revisions of a release."""

    items = serializers.ListField(child=serializers.DictField())
