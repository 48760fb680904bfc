"""Prune: old sealed entries go, the seals over them stay, and a seal says what was removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, models, transaction
from django.utils import timezone

from accounts.models import AuditEntry, AuditSeal
from accounts.services import seals
from accounts.services.audit_policies import kept_days
from accounts.trail import chain, guard
from accounts.trail.head import newest
from kubecarrier.lib import audit
from kubecarrier.lib.errors import ConflictError, InvalidError

PRUNE_SECONDS = 3600.0
_SEALS_AT_ONCE = 200
_KEYS_AT_ONCE = 500


def prune_by_policy() -> int:
    """What the policies say, or without any the setting; 0 keeps everything."""
    days = kept_days()
    return audit_prune(days=days) if days else 0


def audit_prune(*, days: int) -> int:
    """Remove the entries of seals older than `days`; how many went.

    In steps of so many seals, each a transaction with its own seal and event. Raises
    InvalidError for a time so short that it would touch what may still be sealed.
    """
    if days < 1:
        raise InvalidError(
            "retention_invalid", "Entries are kept for a day at least.", field="days"
        )
    removed = 0
    while found := _prune_some(timezone.now() - timedelta(days=days)):
        removed += found
    return removed


@transaction.atomic
def _prune_some(before: datetime) -> int:
    if not seals.take_turn():
        raise ConflictError("audit_busy", "The audit is being sealed just now.", hint="Try again.")
    head = newest()
    old = _oldest(before)
    if head is None or not old:
        return 0
    removed = _remove(old)
    previous = chain.hash_of(head)
    seal = AuditSeal(
        purpose=AuditSeal.Purpose.PRUNED,
        first_id=old[0].first_id,
        last_id=head.last_id,
        count=removed,
        pruned_through=old[-1].number,
        previous=previous,
        digest=chain.digest(previous, (bytes.fromhex(chain.hash_of(one)) for one in old)),
        leaves=b"",
    )
    seals.append(seal, head)
    through = old[-1].sealed_at.date().isoformat()
    audit.event("audit-pruned", seal, said=f"{removed} entries up to {through}")
    return removed


def _oldest(before: datetime) -> Sequence[AuditSeal]:
    """The next seals whose entries are still there, all of them older than that."""
    pruned = AuditSeal.objects.aggregate(models.Max("pruned_through"))["pruned_through__max"] or 0
    rows = AuditSeal.objects.filter(
        purpose=AuditSeal.Purpose.ENTRIES, number__gt=pruned, sealed_at__lt=before
    )
    return list(rows.order_by("number")[:_SEALS_AT_ONCE])


def _remove(old: Sequence[AuditSeal]) -> int:
    """Past the managers, which refuse; the database lets it pass inside the open guard only."""
    removed = 0
    with guard.opened(connection):
        for seal in old:
            leaves = [key for key, _ in chain.unpacked(seal.leaves)]
            for start in range(0, len(leaves), _KEYS_AT_ONCE):
                some = leaves[start : start + _KEYS_AT_ONCE]
                entries: models.QuerySet[AuditEntry] = models.QuerySet(AuditEntry).filter(
                    pk__in=some
                )
                removed += entries._raw_delete(entries.db)
        numbers = [seal.number for seal in old]
        models.QuerySet(AuditSeal).filter(number__in=numbers).update(leaves=b"")
    return removed
