"""Leases with fencing: who may work on a due row, by the database's clock.

A worker claims due rows by one conditional UPDATE that raises `lease_token`;
its result is written only while that token still stands, so a worker that was
stopped for a minute cannot overwrite its successor. Before it writes to a
cluster it asks its own clock: `Claim.require`. Attempts are counted at the
claim: a worker that dies in the middle counts too.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, Value, When
from django.db.models.functions import Now

from kubecarrier.lib.errors import TransientError
from kubecarrier.lib.spec import ReconciledModel


class LeaseLost(TransientError):  # noqa: N818
    """This process stood still for longer than its lease: somebody else may be at work."""


@dataclass(slots=True)
class Hold:
    """Until when a claim surely stands, by the clock of this process."""

    until: float = float("inf")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one row until `expires_at`.

    `generation` is the spec that was claimed; `failures` counts this attempt.
    """

    pk: uuid.UUID
    token: int
    generation: int
    failures: int
    expires_at: datetime
    hold: Hold = field(default_factory=Hold, compare=False)

    def require(self) -> None:
        """Called before something is changed outside the database; raises LeaseLost."""
        if time.monotonic() > self.hold.until:
            raise LeaseLost("lease_lost", "The lease was over before the change was made.")


@dataclass(frozen=True, slots=True)
class Bulkhead:
    """At most `size` rows of one value of `column` at once; `held` are those held already."""

    column: str
    size: int
    held: Mapping[Any, int]

    def full(self) -> list[Any]:
        """The groups that get nothing more."""
        return [group for group, count in self.held.items() if count >= self.size]


# How many due rows are looked at for each that may be claimed, when one group fills the front.
_LOOK_AHEAD = 8


def in_seconds(seconds: float) -> ExpressionWrapper[Any]:
    """The database's clock plus `seconds`, as an expression."""
    return ExpressionWrapper(
        Now() + Value(timedelta(seconds=seconds)), output_field=DateTimeField()
    )


def due() -> Q:
    """Rows whose time has come and which nobody holds.

    Paused rows too: their reconcilers look and change nothing, so that what is
    shown of them does not grow old.
    """
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=Now())
    return Q(next_reconcile_at__lte=Now()) & free


def claim_due(
    model: type[ReconciledModel],
    *,
    limit: int,
    lease_seconds: float,
    bulkhead: Bulkhead | None = None,
) -> list[Claim]:
    """Claim at most `limit` due rows, the longest waiting first.

    `bulkhead` bounds how many rows of one group (a cluster) are held at once.
    The first look takes no write lock, so that an idle sweep costs one SELECT.
    """
    rows = model.objects.filter(due())
    if bulkhead:
        rows = rows.exclude(**{f"{bulkhead.column}__in": bulkhead.full()})
    if limit < 1 or not rows.exists():
        return []
    using, until = router.db_for_write(model), time.monotonic() + lease_seconds
    with transaction.atomic(using=using):
        chosen = rows.order_by("next_reconcile_at")
        if connections[using].features.has_select_for_update_skip_locked:
            chosen = chosen.select_for_update(skip_locked=True)
        pks = _chosen(chosen, limit, bulkhead)
        # next_reconcile_at moves with the lease: a killed worker's row is due again
        # when its lease ends, and a wake-up in between shows as an earlier time.
        model.objects.filter(pk__in=pks).status_update(
            lease_token=F("lease_token") + 1,
            failures=F("failures") + 1,
            lease_expires_at=in_seconds(lease_seconds),
            next_reconcile_at=in_seconds(lease_seconds),
        )
        fields = ("pk", "lease_token", "generation", "failures", "lease_expires_at")
        claims = [Claim(*row) for row in model.objects.filter(pk__in=pks).values_list(*fields)]
    for claim in claims:
        claim.hold.until = until
    return claims


def _chosen(rows: models.QuerySet[Any], limit: int, bulkhead: Bulkhead | None) -> list[Any]:
    """The keys of at most `limit` rows, no group over its bulkhead."""
    if bulkhead is None:
        return list(rows.values_list("pk", flat=True)[:limit])
    held = Counter(bulkhead.held)
    chosen: list[Any] = []
    for pk, group in rows.values_list("pk", bulkhead.column)[: limit * _LOOK_AHEAD]:
        if held[group] < bulkhead.size and len(chosen) < limit:
            held[group] += 1
            chosen.append(pk)
    return chosen


def renew(model: type[ReconciledModel], claims: Collection[Claim], *, lease_seconds: float) -> int:
    """Keep the leases of passes that are still running; the count that still stood."""
    held = Q(pk__in=[])
    for claim in claims:
        held |= Q(pk=claim.pk, lease_token=claim.token)
    rows, until = model.objects.filter(held), time.monotonic() + lease_seconds
    count = rows.status_update(lease_expires_at=in_seconds(lease_seconds))
    standing = None if count == len(claims) else set(rows.values_list("pk", flat=True))
    for claim in claims:
        if standing is None or claim.pk in standing:
            claim.hold.until = until
    return count


def record(
    model: type[ReconciledModel],
    claim: Claim,
    *,
    next_in_seconds: float | None,
    **columns: Any,
) -> bool:
    """Write a pass's result and give the lease back; False when it came too late.

    Zero rows mean that the spec moved on or the lease is lost: the result is
    dropped and the row is due at once. A wake-up that arrived during the pass
    keeps its earlier time, so that nothing seen by a watch is lost.
    """
    # The claim set `next_reconcile_at` to `expires_at`: any other time is a wake-up, also one that
    # came after the first lease of a pass that was renewed.
    woken = When(~Q(next_reconcile_at=claim.expires_at), then=F("next_reconcile_at"))
    planned = None if next_in_seconds is None else in_seconds(next_in_seconds)
    held = model.objects.filter(pk=claim.pk, lease_token=claim.token)
    written = held.filter(generation=claim.generation).status_update(
        **columns,
        lease_expires_at=None,
        next_reconcile_at=Case(
            woken, default=Value(None) if planned is None else planned, output_field=DateTimeField()
        ),
    )
    if not written:
        held.status_update(lease_expires_at=None, next_reconcile_at=Now())
    return bool(written)


def wake(rows: models.QuerySet[Any]) -> int:
    """Make rows due now; a running pass notices and its row is due again after it."""
    return int(rows.status_update(next_reconcile_at=Now()))  # type: ignore[attr-defined]
