"""Questions to clusters about access, drift of grants, and orphans."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api.serializers.access_review import ReviewMetadataSerializer
from accounts.review.orphans import Reason
from fleet.grants.drift import State
from kubecarrier.api.serializers import StrictSerializer

UNKNOWN = "Unknown"
STATES = (*(one.value for one in State), UNKNOWN)
_NAME = 253


class ClusterCanISerializer(StrictSerializer):
    """May `user` (absent: who asks) do it there? As `kubectl auth can-i` asks."""

    verb = serializers.CharField(max_length=40, help_text="get, list, watch, create, delete …")
    resource = serializers.CharField(
        max_length=_NAME,
        help_text="A kind in any of kubectl's spellings, *, or a path such as /metrics.",
    )
    subresource = serializers.CharField(
        max_length=63, required=False, default="", allow_blank=True, help_text="log, exec, scale …"
    )
    name = serializers.CharField(max_length=_NAME, required=False, default="", allow_blank=True)
    namespace = serializers.CharField(
        max_length=63, required=False, default="", allow_blank=True,
        help_text="Absent: in the whole cluster.",
    )  # fmt: skip
    user = serializers.CharField(max_length=150, required=False, default="", allow_blank=True)


class PortalRightSerializer(serializers.Serializer[Any]):
    """What the portal asks for the same act through its own pages."""

    right = serializers.CharField()
    allowed = serializers.BooleanField()


class ClusterDecisionSerializer(serializers.Serializer[Any]):
    """What the cluster's authorizer says of the person as he is there."""

    allowed = serializers.BooleanField()
    message = serializers.CharField()
    user = serializers.CharField()
    cluster = serializers.CharField()
    actsAs = serializers.CharField(allow_null=True, help_text="null: the portal's own account.")
    groups = serializers.ListField(child=serializers.CharField())
    binding = serializers.CharField(allow_null=True)
    portal = PortalRightSerializer(allow_null=True)


class ClusterSubjectSerializer(serializers.Serializer[Any]):
    """Somebody whom the cluster's RBAC allows it."""

    kind = serializers.CharField()
    name = serializers.CharField()
    user = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)
    binding = serializers.CharField()
    role = serializers.CharField()
    namespace = serializers.CharField(allow_null=True)
    ours = serializers.BooleanField()


class ClusterSubjectListSerializer(serializers.Serializer[Any]):
    """All of them."""

    items = ClusterSubjectSerializer(many=True)


class DriftSerializer(serializers.Serializer[Any]):
    """One object that is not as it is granted; `Unknown` stands for a whole cluster."""

    cluster = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    kind = serializers.CharField(allow_null=True)
    namespace = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    binding = serializers.CharField(allow_null=True)
    message = serializers.CharField()
    settled = serializers.BooleanField(
        help_text="false: today's wish is on its way, so a difference is no surprise."
    )
    at = serializers.DateTimeField(allow_null=True)


class ReviewedClusterSerializer(serializers.Serializer[Any]):
    """A cluster that was asked; of one that is not known `at` is when it was last seen."""

    cluster = serializers.CharField()
    known = serializers.BooleanField()
    at = serializers.DateTimeField(allow_null=True)
    grants = serializers.IntegerField()
    findings = serializers.IntegerField()
    code = serializers.CharField(allow_null=True)
    message = serializers.CharField(allow_null=True)


class DriftListSerializer(serializers.Serializer[Any]):
    """What differs, and which clusters were asked: no finding is only then no drift."""

    metadata = ReviewMetadataSerializer()
    clusters = ReviewedClusterSerializer(many=True)
    items = DriftSerializer(many=True)


class OrphanSerializer(serializers.Serializer[Any]):
    """What nobody needs, or nobody should have."""

    reason = serializers.ChoiceField(choices=[one.value for one in Reason])
    kind = serializers.CharField()
    name = serializers.CharField()
    cluster = serializers.CharField(allow_null=True)
    namespace = serializers.CharField(allow_null=True)
    message = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)


class OrphanListSerializer(serializers.Serializer[Any]):
    """The report, for a page of clusters; what is of the portal itself stands on the first."""

    metadata = ReviewMetadataSerializer()
    items = OrphanSerializer(many=True)
