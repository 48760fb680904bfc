"""Questions about access, and their answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api.serializers.binding import ScopeSerializer
from accounts.review.deciding import Why
from accounts.review.people import Sort, Through
from kubecarrier.api.serializers import StrictSerializer

_NAME = 253
_KINDS = " or ".join(one.value for one in Sort)


class CanISerializer(StrictSerializer):
    """May `user` (absent: who asks) do it, to one object or in a place?"""

    verb = serializers.CharField(
        max_length=80, help_text="A verb of the kind, or a whole right: applications.edit."
    )
    kind = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    name = serializers.CharField(max_length=_NAME, required=False, default="", allow_blank=True)
    project = serializers.CharField(max_length=_NAME, required=False, default="", allow_blank=True)
    cluster = serializers.CharField(max_length=_NAME, required=False, default="", allow_blank=True)
    namespace = serializers.CharField(
        max_length=_NAME, required=False, default="", allow_blank=True
    )
    user = serializers.CharField(max_length=150, required=False, default="", allow_blank=True)


class WaySerializer(serializers.Serializer[Any]):
    """One way to a right; `on` is the object that it is held on."""

    through = serializers.ChoiceField(choices=[one.value for one in Through])
    binding = serializers.CharField(allow_null=True)
    role = serializers.CharField(allow_null=True)
    where = serializers.CharField(allow_null=True)
    on = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)


class DecisionSerializer(serializers.Serializer[Any]):
    """Yes or no, and by what; where it is no, `by` says where the right is held instead."""

    allowed = serializers.BooleanField()
    reason = serializers.ChoiceField(choices=[one.value for one in Why])
    message = serializers.CharField()
    user = serializers.CharField()
    right = serializers.CharField()
    on = serializers.CharField()
    by = WaySerializer(many=True)


class HolderSerializer(serializers.Serializer[Any]):
    """Somebody who may; `tokens` living tokens of his let it through."""

    user = serializers.CharField()
    kind = serializers.CharField(help_text=_KINDS)
    active = serializers.BooleanField()
    allowed = serializers.BooleanField()
    tokens = serializers.IntegerField()
    by = WaySerializer(many=True)


class ReviewMetadataSerializer(serializers.Serializer[Any]):
    """Where the next page begins."""

    vars()["continue"] = serializers.CharField(allow_null=True)


class HolderListSerializer(serializers.Serializer[Any]):
    """Everybody who may, by name."""

    metadata = ReviewMetadataSerializer()
    right = serializers.CharField()
    on = serializers.CharField()
    items = HolderSerializer(many=True)


class ReviewLineSerializer(serializers.Serializer[Any]):
    """One binding that reaches one person."""

    user = serializers.CharField()
    kind = serializers.CharField(help_text=_KINDS)
    active = serializers.BooleanField()
    superuser = serializers.BooleanField()
    role = serializers.CharField()
    scope = ScopeSerializer()
    where = serializers.CharField()
    binding = serializers.CharField()
    through = serializers.ChoiceField(choices=[one.value for one in Through])
    group = serializers.CharField(allow_null=True)
    since = serializers.DateTimeField()


class ReviewSerializer(serializers.Serializer[Any]):
    """A page of the review."""

    metadata = ReviewMetadataSerializer()
    items = ReviewLineSerializer(many=True)
