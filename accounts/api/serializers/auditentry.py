"""What is asked of an export of the audit."""

from __future__ import annotations

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer


class AuditExportSerializer(StrictSerializer):
    """The form, and the filters of the list."""

    form = serializers.ChoiceField(choices=["jsonl", "csv"], required=False, default="jsonl")
    filters = serializers.DictField(
        child=serializers.CharField(max_length=300),
        required=False,
        default=dict,
        help_text="Those of the list: who, kind, since and so on.",
    )
