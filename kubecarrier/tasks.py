"""The worker group of one queue, its heartbeat, and what still waits in a queue.

django-q2 forks its processes: the parent starts no thread and opens no
connection. A worker that is killed while it holds the group's internal lock
leaves a group that looks alive and does nothing, so every few seconds a beat
is sent the way of all tasks, through the lock; only a worker that gets it
writes the heartbeat. The beat is made inside the group and not enqueued in the
database: it tells of this machine's group and needs no controller.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.db import close_old_connections, connections
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from django_q.brokers.orm import ORM
from django_q.cluster import Cluster
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signals import post_execute_in_worker, post_spawn, pre_execute
from django_q.signing import SignedPackage

from kubecarrier import heartbeats
from kubecarrier.lib import deathsig
from kubecarrier.lib.tasks import Queue, task_entry

_BEAT_TASK = "kubecarrier.tasks.beat"
_DECODED_AT_MOST = 50
_CONNECTION_CHECK_SECONDS = 10.0
_WAITING = f"SELECT 1 FROM {OrmQ._meta.db_table} WHERE key = %s AND lock < %s LIMIT 1"  # noqa: S608 - our own table  # nosec B608


@task_entry
def beat() -> None:
    """Runs in a worker: the group takes tasks."""
    heartbeats.beat(heartbeats.worker_name(Conf.CLUSTER_NAME), pid=os.getpid())


def queued(queue: str) -> set[str]:
    """Paths of the tasks that wait in `queue` and that no worker group has taken yet."""
    rows = OrmQ.objects.filter(key=queue, lock__lte=timezone.now()).order_by("pk")
    return {str(row.func()) for row in rows[:_DECODED_AT_MOST]}


@dataclass(frozen=True, slots=True)
class Length:
    """Tasks of one queue: not yet taken by a worker group, and taken."""

    waiting: int
    taken: int


def lengths() -> dict[str, Length]:
    """How long each queue is."""
    waiting = Q(lock__lte=timezone.now())
    found = {
        row["key"]: Length(row["waiting"], row["every"] - row["waiting"])
        for row in OrmQ.objects.values("key")
        .annotate(every=Count("pk"), waiting=Count("pk", filter=waiting))
        .order_by()
    }
    return {queue: found.get(queue, Length(0, 0)) for queue in (Queue.DEFAULT, Queue.HELM)}


def serve(queue: str) -> None:
    """Be the worker group of `queue` until SIGTERM. `Q_CLUSTER_NAME` must name it already."""
    if queue != Conf.CLUSTER_NAME:
        raise ValueError(f"started for the queue {Conf.CLUSTER_NAME}, not {queue}")
    autodiscover_modules("tasks")  # before the forks: they share the memory and start at once
    post_spawn.connect(_Busy.start)
    logging.getLogger("django-q").setLevel(logging.WARNING)  # else four lines per task
    deathsig.forks_die_with_us()
    gc.collect()
    gc.freeze()
    cluster = Cluster(_Broker(queue))
    cluster.start()
    if cluster.sentinel is not None:
        cluster.sentinel.join()


class _Broker(ORM):  # type: ignore[misc]
    """The queue's table, with a beat among its tasks.

    The table is looked at 20 times a second: the connection is kept in between
    (django-q2 would open it anew), and an empty queue costs one bare SELECT.
    """

    _checked_at = 0.0
    _beat_at = 0.0

    @classmethod
    def get_connection(cls, list_key: str | None = None) -> Any:
        rested = time.monotonic() - _Broker._checked_at > _CONNECTION_CHECK_SECONDS
        if rested and not connections[Conf.ORM].in_atomic_block:
            _Broker._checked_at = time.monotonic()
            close_old_connections()
        return OrmQ.objects.using(Conf.ORM)

    def dequeue(self) -> list[tuple[int | None, str]] | None:
        if time.monotonic() - self._beat_at >= heartbeats.BEAT_SECONDS:
            self._beat_at = time.monotonic()
            return [(None, _beat_package())]
        if self._empty():
            time.sleep(Conf.POLL)
            return None
        found: list[tuple[int | None, str]] | None = super().dequeue()
        return found

    def _empty(self) -> bool:
        self.get_connection()  # checks it from time to time
        database = connections[Conf.ORM]
        with database.cursor() as cursor:
            now = database.ops.adapt_datetimefield_value(timezone.now())
            cursor.execute(_WAITING, [self.list_key, now])
            return cursor.fetchone() is None


def _beat_package() -> str:
    """A beat in the form in which `async_task` packs tasks; nobody acknowledges it."""
    task = {
        "id": "beat",
        "name": "beat",
        "func": _BEAT_TASK,
        "args": (),
        "kwargs": {},
        "started": timezone.now(),
    }
    return str(SignedPackage.dumps(task))


class _Busy:
    """Beats for a worker whose task takes long: beats behind it would wait for its end.

    One sleeping thread per worker process (the child, never the forking
    parent). A task that hangs is ended by the queue's own time-out.
    """

    def __init__(self) -> None:
        self._task: tuple[str, float] | None = None
        pre_execute.connect(self._begin, weak=False)
        post_execute_in_worker.connect(self._end, weak=False)
        threading.Thread(target=self._run, name="busy-beat", daemon=True).start()

    @staticmethod
    def start(**_: Any) -> None:
        """Receiver of `post_spawn`."""
        _Busy()

    def _begin(self, task: dict[str, Any], **_: Any) -> None:
        self._task = str(task["func"]), time.monotonic()

    def _end(self, **_: Any) -> None:
        self._task = None

    def _run(self) -> None:
        while True:
            time.sleep(heartbeats.BEAT_SECONDS)
            running = self._task
            if running is not None and time.monotonic() - running[1] >= heartbeats.BEAT_SECONDS:
                self._beat(running[0])

    @staticmethod
    def _beat(task: str) -> None:
        try:
            heartbeats.beat(heartbeats.worker_name(Conf.CLUSTER_NAME), pid=os.getpid(), busy=task)
        except Exception:  # noqa: BLE001 - the database is away; the next beat tries again
            return
        finally:
            connections.close_all()
