"""The sweep: whatever is due gets its task, also when a wake-up was lost."""

from __future__ import annotations

from kubecarrier import tasks
from kubecarrier.lib import sweeps
from kubecarrier.lib.tasks import enqueue


def sweep() -> int:
    """Enqueue the task of every kind with due rows, unless it waits already; how many.

    A task that a group has taken does not count as waiting: its worker may be
    dead. So at most one more task per kind waits, whatever happens to the
    workers.
    """
    sent = 0
    waiting: dict[str, set[str]] = {}
    for found in sweeps.waiting():
        if found.queue not in waiting:
            waiting[found.queue] = tasks.queued(found.queue)
        if found.task not in waiting[found.queue]:
            waiting[found.queue].add(found.task)
            enqueue(found.task, queue=found.queue)
            sent += 1
    return sent
