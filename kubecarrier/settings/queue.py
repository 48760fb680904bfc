"""django-q2: the ORM broker (transactional), two queues, ids as the only payload.

Source of the numbers: prefetched tasks run twice unless `queue_limit` equals
the workers and `retry` covers everything that may wait before a task.
"""

from __future__ import annotations

from kubecarrier.settings.base import env

_WORKERS = env.int("KUBECARRIER_WORKERS", default=2)
# Longer than the longest time-out of an application (one hour), with room for what waits before it.
_HELM_TIMEOUT_SECONDS = 2 * 3600
_HELM_WORKERS = env.int("KUBECARRIER_HELM_WORKERS", default=1)


def _cluster(workers: int, timeout_seconds: int) -> dict[str, object]:
    return {
        "workers": workers,
        "queue_limit": workers,
        "timeout": timeout_seconds,
        "retry": timeout_seconds * 3 + 60,
    }


Q_CLUSTER = {
    "name": "default",
    "orm": "default",
    "poll": 0.05,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "scheduler": False,  # the controller keeps the schedules: django-q2 looks every 30 s only
    "save_limit": -1,
    "label": "Queue",
    **_cluster(_WORKERS, 120),
    "ALT_CLUSTERS": {"helm": _cluster(_HELM_WORKERS, _HELM_TIMEOUT_SECONDS)},
}
