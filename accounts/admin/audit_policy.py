"""The console's pages of audit policies."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import AuditPolicyForm
from accounts.models import AuditPolicy
from accounts.permissions import visible_audit_policies
from accounts.services.audit_policies import audit_policy_apply, audit_policy_delete
from kubecarrier.console.actions import Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin


def _delete(row: AuditPolicy, given: dict[str, Any], user: Any) -> Done:
    audit_policy_delete(actor=user, row=row)
    return Done(_("The other policies hold, or what the operator set."), leave=True)


@admin.register(AuditPolicy)
class AuditPolicyAdmin(PortalAdmin):
    """How long the audit is kept."""

    rows = visible_audit_policies
    form = AuditPolicyForm
    writes = True
    live = False
    list_display = ("name", "retention_days", "description")
    search_fields = ("name", "description")
    ordering = ("name",)
    fields = ("name", "retention_days", "description", "labels", "read_generation")
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True,
        text=gettext_lazy("Entries that only this policy keeps are removed within the hour."),
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, audit_policy_apply(actor=request.user, wish=form.wish).row)
