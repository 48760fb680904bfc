"""Audit policies: save and delete, and what holds with all of them together."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import AuditPolicy
from kubecarrier.lib import access
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.manifests import Applied, Result, Wish


def kept_days() -> int:
    """For how many days entries are kept, 0: for ever. Without a policy the setting says it."""
    found = list(AuditPolicy.objects.values_list("retention_days", flat=True))
    if not found:
        days: int = settings.KUBECARRIER_AUDIT_RETENTION_DAYS
        return days
    return 0 if 0 in found else max(found)


@transaction.atomic
def audit_policy_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a policy; raises DeniedError, InvalidError."""
    row = AuditPolicy.objects.select_for_update().filter(name=wish.name).first()
    fresh = row is None
    access.require(actor, f"auditpolicies.{'create' if fresh else 'edit'}", row)
    if row is None:
        row = AuditPolicy(name=wish.name, generation=0)
    else:
        wish.check(row)
    _check(wish.spec["retention_days"])
    columns = {"labels": wish.labels, **wish.spec}
    if not fresh and all(getattr(row, name) == value for name, value in columns.items()):
        return Applied(row, Result.UNCHANGED)
    for name, value in columns.items():
        setattr(row, name, value)
    row.generation += 1
    row.full_clean()
    row.save()
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


@transaction.atomic
def audit_policy_delete(*, actor: Any, row: AuditPolicy) -> None:
    """The others hold, or the setting; raises DeniedError."""
    access.require(actor, "auditpolicies.delete", row)
    row.delete()


def _check(days: int) -> None:
    least: int = settings.KUBECARRIER_AUDIT_MINIMUM_DAYS
    if 0 < days < least:
        raise InvalidError(
            "retention_too_short",
            f"The audit is kept for {least} days at least.",
            field="spec.retentionDays",
            hint="The operator sets the least by KUBECARRIER_AUDIT_MINIMUM_DAYS.",
            least=least,
        )
