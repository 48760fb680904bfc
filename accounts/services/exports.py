"""Exports of the audit: each is itself on record before its first byte goes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import AuditEntry, AuditSeal
from accounts.permissions import auditentries_within
from accounts.services import seals
from accounts.trail import export
from accounts.trail.head import newest
from kubecarrier.lib import access, audit


def audit_export(
    *,
    actor: Any,
    entries: QuerySet[AuditEntry],
    form: export.Form = export.Form.JSONL,
    filters: Mapping[str, str] | None = None,
) -> Iterator[export.Part]:
    """Seal, record the export, and answer its parts; raises DeniedError. No actor: the operator.

    Of `entries` those that the actor may export: whose scope he holds that on, and his own.
    """
    if actor is not None:
        access.require_somewhere(actor, "auditentries.export")
        entries = auditentries_within(entries, actor, "auditentries.export")
    seals.seal_all()
    head = newest()
    asked = dict(filters or {})
    with transaction.atomic():
        said = " ".join([str(form), *(f"{name}={value}" for name, value in sorted(asked.items()))])
        audit.event("audit-exported", head or AuditSeal(number=0), said=said)
    return export.parts(entries, form=form, filters=asked, head=head)
