"""The head of the chain, and how far back an entry may still come without a seal."""

from __future__ import annotations

from datetime import timedelta

from accounts.models import AuditSeal

#: No transaction of ours is open for minutes; a backup's or an operator's may be for longer.
GRACE = timedelta(hours=6)


def newest() -> AuditSeal | None:
    """The head of the chain."""
    return AuditSeal.objects.defer("leaves").order_by("-number").first()


def floor_of(head: AuditSeal | None) -> int:
    """The key above which an entry may still come without having been put there."""
    if head is None:
        return 0
    older = AuditSeal.objects.filter(sealed_at__lte=head.sealed_at - GRACE).order_by("-number")
    return older.values_list("last_id", flat=True).first() or 0
