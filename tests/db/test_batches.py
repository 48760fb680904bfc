"""Batches of short passes: bulkheads, a group that does not answer, late results, rows that do not load."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from fleet.models import ConfigCopy
from kubecarrier.lib import lease
from kubecarrier.lib.batches import run_batches
from kubecarrier.lib.conditions import Condition, Status
from kubecarrier.lib.errors import TransientError
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Pass, record_pass
from tests.portal import Portal

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Job:
    claim: Claim
    group: UUID
    row: ConfigCopy


class Reconciler:
    """Notes what happens; `broken` are namespaces that raise, `unloadable` those that cannot be read."""

    model = ConfigCopy
    group_column = "cluster_id"
    lease_seconds = 30.0
    rows = 100
    rows_per_group = 50
    lanes = 8
    lanes_per_group = 2

    def __init__(self, **how: Any) -> None:
        self.broken: set[str] = how.get("broken", set())
        self.unloadable: set[str] = how.get("unloadable", set())
        self.seconds: float = how.get("seconds", 0.0)
        self.ran: list[str] = []
        self.opened: Counter[UUID] = Counter()
        self.most: Counter[UUID] = Counter()
        self.recorded: list[int] = []
        self._now: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    def load(self, claims: Sequence[Claim]) -> list[Job]:
        rows = ConfigCopy.objects.in_bulk([claim.pk for claim in claims])
        if self.unloadable & {row.namespace for row in rows.values()}:
            raise ValueError("unreadable")
        return [Job(claim, rows[claim.pk].cluster_id, rows[claim.pk]) for claim in claims]

    def open(self, job: Job) -> str:
        with self._lock:
            self.opened[job.group] += 1
        return "connection"

    def run(self, job: Job, shared: str) -> Pass:
        with self._lock:
            self._now[job.group] += 1
            self.most[job.group] = max(self.most[job.group], self._now[job.group])
            self.ran.append(job.row.name)
        time.sleep(self.seconds)
        with self._lock:
            self._now[job.group] -= 1
        if job.row.namespace in self.broken:
            raise TransientError("silent", "No answer.")
        return Pass([Condition("Ready", Status.TRUE, "Fine")])

    def ends_lane(self, error: Exception) -> bool:
        return isinstance(error, TransientError)

    def record(self, results: Sequence[tuple[Job, Pass]]) -> None:
        self.recorded.append(len(results))
        for job, result in results:
            record_pass(job.row, job.claim, result)


@pytest.fixture
def copies(fleet: Portal) -> Portal:
    """Two clusters with six namespaces each."""
    spec = {"namespaces": [f"n{i}" for i in range(6)], "placement": {"clusters": ["one", "two"]}}
    fleet.call("put", "configitems/settings", {"spec": spec})
    return fleet


def ready() -> int:
    return ConfigCopy.objects.filter(ready="True").count()


def test_all_of_it_over_few_connections(copies: Portal) -> None:
    reconciler = Reconciler(seconds=0.02)
    assert run_batches(reconciler, budget_seconds=10) == 12
    assert ready() == 12
    assert set(reconciler.opened.values()) == {2}
    assert max(reconciler.most.values()) <= 2
    assert sum(reconciler.recorded) == 12
    assert run_batches(Reconciler(), budget_seconds=10) == 0


def test_a_group_that_does_not_answer_is_asked_once_a_lane(copies: Portal) -> None:
    reconciler = Reconciler(broken={f"n{i}" for i in range(6)})
    assert run_batches(reconciler, budget_seconds=10) == 12
    assert len(reconciler.ran) == 4  # two lanes in each of two clusters
    found = ConfigCopy.objects.filter(ready="Unknown", failures=1, next_reconcile_at__gt=Now())
    assert found.count() == 12
    assert {row.condition("Ready")["reason"] for row in found} == {"Silent"}


def test_a_row_that_does_not_load_leaves_the_others_alone(copies: Portal) -> None:
    run_batches(Reconciler(unloadable={"n3"}), budget_seconds=10)
    assert ready() == 10
    put_off = ConfigCopy.objects.filter(namespace="n3", next_reconcile_at__gt=Now())
    assert {row.condition("Ready")["reason"] for row in put_off} == {"InternalError"}


def test_a_result_that_comes_too_late_is_dropped(copies: Portal) -> None:
    class Slow(Reconciler):
        def record(self, results: Sequence[tuple[Job, Pass]]) -> None:
            for job, _ in results:  # somebody else took over meanwhile
                ConfigCopy.objects.filter(pk=job.claim.pk).status_update(
                    lease_token=job.claim.token + 1, next_reconcile_at=None
                )
            super().record(results)

    run_batches(Slow(), budget_seconds=10)
    assert ready() == 0


def test_a_wake_up_during_a_pass_is_kept(copies: Portal) -> None:
    class Woken(Reconciler):
        def record(self, results: Sequence[tuple[Job, Pass]]) -> None:
            if len(self.recorded) < 1:
                lease.wake(ConfigCopy.objects.filter(pk=results[0][0].claim.pk))
            super().record(results)

    assert run_batches(Woken(), budget_seconds=10) == 13
