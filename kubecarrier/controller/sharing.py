"""Which clusters this controller watches: leases by conditional UPDATE, on the database's clock.

Each living controller takes its fair share. What a killed one held is free
once its lease is over, and taken at somebody's next round: within
LEASE_SECONDS + ROUND_SECONDS. A clean stop frees at once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import structlog
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from fleet.conditions import IDENTIFIED
from fleet.connection import Connection
from fleet.models import Cluster, WatchLease
from fleet.queries import connection_of
from kubecarrier import heartbeats
from kubecarrier.lib.conditions import Status
from kubecarrier.lib.crypto import SealError
from kubecarrier.lib.lease import in_seconds

log = structlog.get_logger(__name__)
ROUND_SECONDS = 4.0
LEASE_SECONDS = 18.0


@dataclass(frozen=True, slots=True)
class Held:
    """A cluster to watch; `generation` moves whenever its connection may have changed."""

    cluster_id: uuid.UUID
    name: str
    generation: int


def share(holder: str) -> list[Held]:
    """One round: renew, give up what is too much, take what is free; what is held now."""
    _create_missing()
    mine = WatchLease.objects.filter(holder=holder)
    if mine.exists():
        mine.update(expires_at=in_seconds(LEASE_SECONDS))
    held = list(mine.order_by("pk").values_list("pk", flat=True))
    fair = fair_share(WatchLease.objects.count(), controllers=_controllers(holder))
    if len(held) > fair:
        _free(mine.filter(pk__in=held[fair:]))
    elif len(held) < fair:
        _take(holder, fair - len(held))
    return _watchable(mine)


def release(holder: str) -> None:
    """At a clean stop: others need not wait for the end of the leases."""
    _free(WatchLease.objects.filter(holder=holder))


def connection_for(cluster_id: uuid.UUID) -> Connection | None:
    """The stored connection, not yet address-checked; None when it is gone or does not open."""
    row = Cluster.objects.filter(pk=cluster_id).first()
    if row is None:
        return None
    try:
        return connection_of(row)
    except SealError as error:
        log.warning("not watched", cluster=row.name, code=error.code)
        return None


def fair_share(clusters: int, *, controllers: int) -> int:
    """At most so many for one controller: the quotient, rounded up."""
    return -(-clusters // max(1, controllers))


def _create_missing() -> None:
    missing = Cluster.objects.filter(watch_lease__isnull=True).values_list("pk", flat=True)
    WatchLease.objects.bulk_create(
        [WatchLease(cluster_id=pk) for pk in missing], ignore_conflicts=True
    )


def _controllers(holder: str) -> int:
    """Living controllers; this one counts although its first heartbeat may be to come."""
    return len({*heartbeats.fresh_names(heartbeats.CONTROLLER), holder})


def _unheld() -> Q:
    return Q(expires_at__isnull=True) | Q(expires_at__lt=Now())


def _take(holder: str, count: int) -> None:
    """Each by its own conditional UPDATE: two controllers never get the same one."""
    for pk in WatchLease.objects.filter(_unheld()).values_list("pk", flat=True)[:count]:
        WatchLease.objects.filter(_unheld(), pk=pk).update(
            holder=holder, token=F("token") + 1, expires_at=in_seconds(LEASE_SECONDS)
        )


def _free(leases: QuerySet[WatchLease]) -> None:
    leases.update(holder="", expires_at=None)


def _watchable(mine: QuerySet[WatchLease]) -> list[Held]:
    """Not those where another cluster answers: what happens there is none of ours."""
    columns = ("pk", "cluster__name", "cluster__generation", "cluster__conditions")
    return [
        Held(pk, name, generation)
        for pk, name, generation, conditions in mine.order_by("pk").values_list(*columns)
        if (conditions.get(IDENTIFIED) or {}).get("status") != Status.FALSE.value
    ]
