"""The one place that talks to the queue: wake-ups out, task entry in.

A task carries ids or nothing, and may be lost, doubled or killed at any
instruction: the sweep over due rows is the truth, this only makes it quick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec

import structlog
from django.db import transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.tasks import async_task

from kubecarrier.lib import audit

P = ParamSpec("P")
log = structlog.get_logger(__name__)


class Queue:
    """The queues by name: quick passes, and those that run Helm for minutes."""

    DEFAULT = "default"
    HELM = "helm"


def wake_on_commit(path: str, *, queue: str = Queue.DEFAULT) -> None:
    """Enqueue the task at dotted `path` once this transaction is committed.

    Several wake-ups of the same task in one transaction become one: the task
    claims whatever is due, it is not told.
    """
    # Django's own list is asked: a rolled back transaction or savepoint takes its wake-ups with
    # it, so a list of ours would go on saying that one is on its way.
    wake = _Wake(path, queue)
    if all(waiting != wake for _, waiting, _ in transaction.get_connection().run_on_commit):
        transaction.on_commit(wake, robust=True)


@dataclass(frozen=True, slots=True)
class _Wake:
    """One wake-up that waits for its transaction; equal ones are one."""

    path: str
    queue: str

    def __call__(self) -> None:
        enqueue(self.path, queue=self.queue)


def enqueue(path: str, *, queue: str = Queue.DEFAULT) -> None:
    """Enqueue now, unless what this process sent last still waits: that will see the change too.

    A queue that cannot be reached is logged: the sweep will find the row.
    """
    try:
        if not _waits(path, queue):
            broker = _Broker(queue)
            async_task(path, cluster=queue, broker=broker)
            _sent[path, queue] = broker.sent
    except Exception:
        log.warning("enqueue failed", task=path, queue=queue, exc_info=True)


class _Broker(ORM):  # type: ignore[misc]
    """The queue's table; keeps which row it wrote."""

    sent: tuple[int, str]

    def enqueue(self, task: str) -> int:
        pk: int = super().enqueue(task)
        self.sent = pk, task
        return pk


_sent: dict[tuple[str, str], tuple[int, str]] = {}


def _waits(path: str, queue: str) -> bool:
    """Whether no worker group has taken it: then it starts after whatever was committed before.

    A look by primary key is a tenth of what a task costs to write, take, run and
    delete. The payload is compared because another database counts its own keys.
    """
    pk, payload = _sent.get((path, queue), (0, ""))
    rows = OrmQ.objects.filter(pk=pk, key=queue, payload=payload, lock__lte=timezone.now())
    return bool(pk) and rows.exists()


def task_entry[**P](function: Callable[P, object]) -> Callable[P, None]:
    """Decorates every task: a request id of its own, errors logged, never raised to the queue."""

    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        context = audit.AuditContext(audit.Channel.RECONCILER, request_id=audit.new_request_id())
        structlog.contextvars.bind_contextvars(request_id=context.request_id)
        try:
            with audit.acting(context):
                function(*args, **kwargs)
        except Exception:
            log.exception("task failed", task=function.__qualname__)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")

    run.__name__ = function.__name__
    run.__qualname__ = function.__qualname__
    run.__module__ = function.__module__
    return run
