"""Who may see this app's kinds: the only place where their rows are fetched for people."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from accounts.models import AuditEntry
from kubecarrier.lib import access
from kubecarrier.lib.audit import may_operate


def visible_auditentries(user: Any) -> QuerySet[AuditEntry]:
    """The whole stream for who may read it, to everybody else what he did himself."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if not may_operate(user):
        return rows.none()
    return rows if access.may(user, "auditentries.view") else rows.filter(actor=user)
