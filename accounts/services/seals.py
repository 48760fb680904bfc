"""Seals: made every minute over what came since, by one controller of however many.

Entries become visible at their commit, not in the order of their keys: one
with a lower key may come after a seal passed it. So a seal covers a set and
not a range: the keys above the highest sealed one, and those below it, at most
`GRACE` of sealing back, that no seal has. What appears still further back was
put there by somebody.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone

from accounts.models import AuditEntry, AuditSeal
from accounts.trail import chain, keys, record
from accounts.trail.head import GRACE, floor_of, newest

log = structlog.get_logger(__name__)
SEAL_SECONDS = 60.0
_MOST = 5000  # entries of one seal: on SQLite nobody else writes meanwhile
_LOCK = 0x6B63_6175_6469_74  # "kcaudit"


def seal_all() -> int:
    """Seal whatever is there; the number of seals made. Somebody else's turn makes none."""
    made = 0
    while _seal_next():
        made += 1
    return made


def append(seal: AuditSeal, head: AuditSeal | None) -> AuditSeal:
    """Sign the seal as the one after `head`, and store it."""
    seal.number = head.number + 1 if head else 1
    seal.sealed_at = timezone.now()
    seal.key_id, seal.public_key = keys.current()
    seal.signature = keys.sign(chain.statement_line(seal))[2]
    seal.save()
    log.info("audit sealed", number=seal.number, entries=seal.count, hash=chain.hash_of(seal))
    return seal


def take_turn() -> bool:
    """Whether this transaction may append; SQLite has one writer anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _seal_next() -> bool:
    """One seal over at most so many entries; False when nothing is left to seal."""
    if not _anything():
        return False
    try:
        with transaction.atomic():
            return take_turn() and _seal()
    except IntegrityError:  # another one was quicker: a number is there once
        return False


def _anything() -> bool:
    """A look that takes no lock: an idle portal's minute costs three SELECTs."""
    head = newest()
    high = head.last_id if head else 0
    return AuditEntry.objects.filter(pk__gt=high).exists() or bool(_late(head))


def _seal() -> bool:
    head = newest()
    high = head.last_id if head else 0
    entries = AuditEntry.objects.filter(Q(pk__gt=high) | Q(pk__in=_late(head)))
    rows = record.rows(entries.order_by("pk")[:_MOST])
    leaves = [(values[0], chain.leaf(record.canonical(values))) for values in rows]
    if not leaves:
        return False
    previous = chain.hash_of(head) if head else chain.START
    seal = AuditSeal(
        purpose=AuditSeal.Purpose.ENTRIES,
        first_id=leaves[0][0],
        last_id=max(high, leaves[-1][0]),
        count=len(leaves),
        previous=previous,
        digest=chain.digest(previous, (found for _, found in leaves)),
        leaves=chain.packed(leaves),
    )
    append(seal, head)
    return True


def _late(head: AuditSeal | None) -> list[int]:
    """Keys below the highest sealed one that no seal has; usually found to be none by counting."""
    if head is None:
        return []
    floor = floor_of(head)
    window: Any = AuditSeal.objects.filter(
        sealed_at__gt=head.sealed_at - GRACE, purpose=AuditSeal.Purpose.ENTRIES
    )
    there = AuditEntry.objects.filter(pk__gt=floor, pk__lte=head.last_id)
    if there.count() == (window.aggregate(Sum("count"))["count__sum"] or 0):
        return []
    stored = window.values_list("leaves", flat=True).iterator()
    sealed = {key for leaves in stored for key, _ in chain.unpacked(leaves)}
    present = there.order_by("pk").values_list("pk", flat=True)
    return [key for key in present.iterator() if key not in sealed][:_MOST]
