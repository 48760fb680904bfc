"""Whether the chain holds, and where it first does not. Read only."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db import connection
from django.db.models import Max

from accounts.models import AuditEntry, AuditSeal
from accounts.trail import chain, guard, keys, record
from accounts.trail.head import floor_of, newest

_KEYS_AT_ONCE = 500


class Fault(StrEnum):
    """What is wrong with a link, or with what it covers."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    CHAIN = "chain"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the audit is not what was sealed; `entry` is None for a seal's own fault."""

    fault: Fault
    seal: int
    entry: int | None
    message: str


@dataclass(slots=True)
class Verdict:
    """What a check found. `breaks` are in the order of the chain; `head` is the last hash."""

    seals: int = 0
    entries: int = 0
    pruned: int = 0
    unsealed: int = 0
    head: str = ""
    head_number: int = 0
    breaks: list[Break] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def audit_verdict(
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    anchor: tuple[int, str] | None = None,
) -> Verdict:
    """Check the chain, or the part of it that was sealed in that time, and all that it covers.

    `anchor` is number and hash of a seal that was kept elsewhere: only that tells
    whether the end of the chain was cut off and written anew with the same keys.
    """
    check = _Check()
    seals = AuditSeal.objects.order_by("number")
    if since:
        before = AuditSeal.objects.filter(sealed_at__lt=since).order_by("-number").first()
        check.begin_after(before)
        seals = seals.filter(number__gt=before.number if before else 0)
    for seal in seals.filter(sealed_at__lte=until) if until else seals:
        check.seal(seal, anchor)
    check.end(anchor)
    check.strangers(whole=not since and not until)
    check.verdict.warnings += [
        f"The trigger audit_guard_{name} is missing: run manage.py audit guard."
        for name in guard.missing(connection)
    ]
    check.verdict.breaks.sort(key=lambda one: (one.seal, one.entry or 0))
    return check.verdict


class _Check:
    """Walks the chain once, forward."""

    def __init__(self) -> None:
        self.verdict = Verdict()
        self._public = keys.public_keys()
        self._previous = chain.START
        self._number = 0
        self._begins_after = 0
        self._sealed = array("Q")
        self._pruned_through = (
            AuditSeal.objects.aggregate(Max("pruned_through"))["pruned_through__max"] or 0
        )
        self._last: AuditSeal | None = None
        self._anchored = False

    def begin_after(self, seal: AuditSeal | None) -> None:
        """Take that seal as given."""
        if seal is not None:
            self._previous, self._number = chain.hash_of(seal), seal.number
            self._begins_after = seal.last_id

    def seal(self, seal: AuditSeal, anchor: tuple[int, str] | None) -> None:
        """One link: its place, its signature, and what it covers."""
        if seal.number != self._number + 1:
            self._break(Fault.CHAIN, self._number + 1, f"Seal {self._number + 1} is missing.")
        elif seal.previous != self._previous:
            self._break(Fault.CHAIN, seal.number, "The seal before it is another one.")
        if not keys.is_signed(chain.statement_line(seal), seal.public_key, seal.signature):
            self._break(Fault.SIGNATURE, seal.number, "The seal was edited, or nobody signed it.")
        elif self._public.get(seal.key_id, seal.public_key) != seal.public_key:
            self._break(Fault.SIGNATURE, seal.number, f"It is not signed by key {seal.key_id}.")
        self._previous, self._number = chain.hash_of(seal), seal.number
        if anchor and anchor[0] == seal.number:
            self._anchored = True
            if anchor[1] != self._previous:
                self._break(Fault.CHAIN, seal.number, "Its hash is not the one that you kept.")
        self._covered(seal)
        self._last = seal
        self.verdict.seals += 1

    def _covered(self, seal: AuditSeal) -> None:
        if seal.purpose == AuditSeal.Purpose.PRUNED:
            self.verdict.pruned += seal.count
            return
        if seal.number <= self._pruned_through and not seal.leaves:
            return
        leaves = list(chain.unpacked(seal.leaves))
        if chain.digest(seal.previous, (found for _, found in leaves)) != seal.digest:
            self._break(Fault.CHAIN, seal.number, "Its list of entries was edited.")
        for start in range(0, len(leaves), _KEYS_AT_ONCE):
            self._compare(seal.number, leaves[start : start + _KEYS_AT_ONCE])
        self._sealed.extend(key for key, _ in leaves)
        self.verdict.entries += len(leaves)

    def _compare(self, number: int, leaves: Sequence[chain.Leaf]) -> None:
        there = _hashes([key for key, _ in leaves])
        for key, sealed in leaves:
            if key not in there:
                self._break(Fault.DELETED, number, f"Entry {key} was deleted.", key)
            elif there[key] != sealed:
                self._break(Fault.EDITED, number, f"Entry {key} was edited.", key)

    def end(self, anchor: tuple[int, str] | None) -> None:
        """The head must be signed by a key of ours: it vouches for seals of keys that are gone."""
        last = self._last
        if last is not None and self._public.get(last.key_id) != last.public_key:
            text = f"The last seal is signed by key {last.key_id}, which is not configured."
            self._break(Fault.SIGNATURE, last.number, text)
        if anchor and not self._anchored:
            self._break(Fault.CHAIN, anchor[0], f"Seal {anchor[0]}, which you kept, is missing.")
        self.verdict.head, self.verdict.head_number = self._previous, self._number

    def strangers(self, *, whole: bool) -> None:
        """Entries that no seal has although their time for it is over; the rest wait for theirs."""
        ordered = array("Q", sorted(self._sealed))
        head = newest()
        floor = floor_of(head)
        high = floor if whole or self._last is None else min(floor, self._last.last_id)
        for key in self._unsealed(ordered, self._begins_after, high):
            number = self._number_over(key)
            self._break(Fault.INSERTED, number, f"Entry {key} was inserted.", key)
        if whole:
            above = AuditEntry.objects.filter(pk__gt=floor).values_list("pk", flat=True)
            waiting = (key for key in above.iterator() if not _holds(ordered, key))
            self.verdict.unsealed = sum(1 for _ in waiting)

    def _unsealed(self, ordered: array[int], low: int, high: int) -> Iterator[int]:
        present = AuditEntry.objects.filter(pk__gt=low, pk__lte=high).order_by("pk")
        for key in present.values_list("pk", flat=True).iterator(chunk_size=10_000):
            if not _holds(ordered, key):
                yield key

    def _number_over(self, key: int) -> int:
        over = AuditSeal.objects.filter(last_id__gte=key).order_by("number")
        return over.values_list("number", flat=True).first() or 0

    def _break(self, fault: Fault, seal: int, message: str, entry: int | None = None) -> None:
        self.verdict.breaks.append(Break(fault, seal, entry, message))


def _hashes(wanted: Sequence[int]) -> dict[int, bytes]:
    """What stands there now; an entry that cannot even be read has no hash that fits."""
    try:
        rows = record.rows(AuditEntry.objects.filter(pk__in=wanted))
        return {values[0]: chain.leaf(record.canonical(values)) for values in rows}
    except (ValueError, TypeError):
        if len(wanted) == 1:
            return {wanted[0]: b""}
        return {key: found for one in wanted for key, found in _hashes([one]).items()}


def _holds(ordered: array[int], key: int) -> bool:
    found = bisect_left(ordered, key)
    return found < len(ordered) and ordered[found] == key
