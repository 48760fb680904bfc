"""Who says that it works, and since when not: rows on the database's clock.

Names are `controller:<host>-<pid>` and `worker:<queue>@<host>`. A process group
is fresh while its row is younger than STALE_SECONDS.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from kubecarrier.lib.lease import in_seconds
from kubecarrier.models import Heartbeat

BEAT_SECONDS = 5.0
STALE_SECONDS = 20.0
_FORGET_SECONDS = 3600.0
CONTROLLER = "controller:"


def host() -> str:
    """This machine's name in heartbeats (in a container: the container's)."""
    return socket.gethostname()[:60]


def worker_name(queue: str) -> str:
    """The heartbeat of this machine's worker group of `queue`."""
    return f"worker:{queue}@{host()}"


def controller_name() -> str:
    """The heartbeat of this controller process."""
    return f"{CONTROLLER}{host()}-{os.getpid()}"


def beat(name: str, **detail: Any) -> None:
    """Say that `name` works now; one statement."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, beat_at=Now(), detail=detail)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at", "detail"],
    )


def is_fresh(prefix: str, *, within_seconds: float = STALE_SECONDS) -> bool:
    """Whether one of the heartbeats whose name starts with `prefix` is young enough."""
    young = Heartbeat.objects.filter(beat_at__gte=in_seconds(-within_seconds))
    return young.filter(_named(prefix)).exists()


def fresh_names(prefix: str) -> list[str]:
    """Names of the fresh heartbeats that start with `prefix`, sorted."""
    young = Heartbeat.objects.filter(beat_at__gte=in_seconds(-STALE_SECONDS))
    return sorted(young.filter(_named(prefix)).values_list("name", flat=True))


def _named(prefix: str) -> Q:
    """Exactly that name, or all below a prefix that ends in `:` or `@`."""
    below = Q(name__startswith=prefix) if prefix.endswith((":", "@")) else Q()
    return Q(name=prefix) | below


def forget(name: str) -> None:
    """A clean stop leaves no row that would look like a death."""
    Heartbeat.objects.filter(name=name).delete()


def forget_old() -> int:
    """Remove the rows of processes that are long gone; how many."""
    gone, _ = Heartbeat.objects.filter(beat_at__lt=in_seconds(-_FORGET_SECONDS)).delete()
    return gone
