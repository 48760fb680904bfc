"""One at a time makes, stores or deletes a token of the portal's account on a cluster.

The lease is a column, because what is made is in the cluster: a transaction holds nothing
there. What is about to be made is noted first, so that whoever comes after a kill knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from fleet.connection import Connection
from fleet.errors import ClusterStateError
from fleet.grants import portal_tokens
from fleet.models import Cluster
from fleet.queries import connection_of

_LEASE = timedelta(minutes=5)  # a dozen calls of 15 s at most, and two waits of 10 s


class BusyError(ClusterStateError):
    """Somebody else works on it at this moment."""


@contextmanager
def claimed(cluster: Cluster) -> Iterator[datetime]:
    """The end of the lease, which is its token as well; raises BusyError."""
    now = timezone.now()
    free = Q(rotation_until=None) | Q(rotation_until__lte=now)
    until = now + _LEASE
    mine = Cluster.objects.filter(pk=cluster.pk)
    if not mine.filter(free).status_update(rotation_until=until):
        raise BusyError(
            "rotation_running", f"The credential of “{cluster}” is being renewed at this moment."
        )
    try:
        yield until
    finally:
        mine.filter(rotation_until=until).status_update(rotation_until=None)


def noted_name(cluster: Cluster, until: datetime) -> str:
    """The name of a Secret that is made next; raises ClusterStateError where the lease is lost."""
    name = portal_tokens.fresh_name()
    noted = Cluster.objects.values_list("own_tokens", flat=True).get(pk=cluster.pk)
    mine = Cluster.objects.filter(pk=cluster.pk, rotation_until=until)
    if not mine.status_update(own_tokens=sorted({*noted, name})):
        raise _changed(cluster)
    return name


def refuse_changed(locked: Cluster, present: Connection, until: datetime) -> None:
    """Asked with the row locked: whether what is replaced is still what was read."""
    if locked.rotation_until != until or connection_of(locked) != present:
        raise _changed(locked)


def _changed(cluster: Cluster) -> ClusterStateError:
    return ClusterStateError(
        "credential_changed",
        f"Somebody gave “{cluster}” another credential meanwhile: that one was kept.",
    )
