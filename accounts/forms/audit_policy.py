"""The form of an audit policy."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.api.kinds import AUDIT_POLICY
from accounts.models import AuditPolicy
from kubecarrier.console.forms import LabelsField, WishForm, prose, text_input


class AuditPolicyForm(WishForm):
    """So many days, and why."""

    kind = AUDIT_POLICY
    error_fields: ClassVar[dict[str, str]] = {"spec.retentionDays": "retention_days"}
    name = forms.CharField(label=_("Name"), widget=text_input(placeholder="legal"))
    retention_days = forms.IntegerField(
        label=_("Kept for (days)"), min_value=0, widget=text_input(inputmode="numeric"),
        help_text=_("0 keeps everything. Of several policies the longest counts."),
    )  # fmt: skip
    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose(),
        help_text=_("Which rule asks for it."),
    )  # fmt: skip
    labels = LabelsField(label=_("Labels"), required=False)

    class Meta:
        model = AuditPolicy
        fields = ("name", "retention_days", "description", "labels")

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"retentionDays": given["retention_days"], "description": given["description"]}
