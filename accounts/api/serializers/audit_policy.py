"""An audit policy's spec."""

from __future__ import annotations

from rest_framework import serializers

from kubecarrier.api.serializers import DescriptionField, StrictSerializer

MOST_DAYS = 36_500


class AuditPolicySpecSerializer(StrictSerializer):
    """How long the audit is kept."""

    retentionDays = serializers.IntegerField(
        min_value=0, max_value=MOST_DAYS, source="retention_days",
        help_text="Days after which sealed entries are removed; 0 keeps everything.",
    )  # fmt: skip
    description = DescriptionField(required=False, help_text="Which rule asks for it.")
