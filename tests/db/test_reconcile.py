"""The runner: slots, bulkheads, errors, renewals. A small reconciler of clusters stands in."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from fleet.models import Cluster
from kubecarrier.lib import lease
from kubecarrier.lib.conditions import Condition, Status
from kubecarrier.lib.errors import TerminalError
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Pass, record_pass, run_due

# Threads of the pool must not see the ORM; the calling one does.
pytestmark = pytest.mark.django_db
READY = Condition("Ready", Status.TRUE, "Done", "Done.")


@dataclass(frozen=True, slots=True)
class FakeJob:
    claim: Claim
    group: Any
    row: Cluster


class Fake:
    """Runs `act` per row; remembers how many passes of a group ran at once."""

    model = Cluster
    group_column: str | None = "provider"
    lease_seconds = 30.0
    slots = 6
    slots_per_group = 2

    def __init__(self, act: Callable[[Cluster], Pass]) -> None:
        self.act = act
        self.lock = threading.Lock()
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def load(self, claims: Sequence[Claim]) -> list[FakeJob]:
        rows = Cluster.objects.in_bulk([claim.pk for claim in claims])
        return [FakeJob(c, rows[c.pk].provider, rows[c.pk]) for c in claims if c.pk in rows]

    def run(self, job: FakeJob) -> Pass:
        with self.lock:
            self.running[job.group] += 1
            self.most[job.group] = max(self.most[job.group], self.running[job.group])
        try:
            return self.act(job.row)
        finally:
            with self.lock:
                self.running[job.group] -= 1

    def record(self, job: FakeJob, result: Pass) -> None:
        record_pass(job.row, job.claim, result)


def make(*names: str, provider: str = "p") -> None:
    for name in names:
        Cluster.objects.create(name=name, server="https://x.example.org", provider=provider)


def state(name: str) -> Cluster:
    return Cluster.objects.get(name=name)


def fine(row: Cluster) -> Pass:
    return Pass([READY])


def test_everything_due_is_worked_on_once() -> None:
    make("a", "b", "c")
    assert run_due(Fake(fine), budget_seconds=10) == 3
    assert run_due(Fake(fine), budget_seconds=10) == 0
    assert {c.ready for c in Cluster.objects.all()} == {"True"}
    assert {(c.failures, c.observed_generation) for c in Cluster.objects.all()} == {(0, 1)}


def test_no_group_takes_more_than_its_share() -> None:
    make(*(f"a{n}" for n in range(8)), provider="a")
    make("b0", "b1", provider="b")
    gate = threading.Event()
    together = threading.Barrier(2, action=gate.set, timeout=20)

    def act(row: Cluster) -> Pass:
        if row.provider == "b":
            together.wait()  # both of b run at once, while a's are held
        gate.wait(20)
        return Pass([READY])

    fake = Fake(act)
    assert run_due(fake, budget_seconds=20) == 10
    assert fake.most == {"a": 2, "b": 2}


def test_a_hanging_group_leaves_the_slots_of_others() -> None:
    make(*(f"slow{n}" for n in range(8)), provider="slow")
    make("quick", provider="quick")
    quick_done = threading.Event()

    def act(row: Cluster) -> Pass:
        if row.provider == "quick":
            quick_done.set()
        elif not quick_done.wait(20):
            raise AssertionError("the quick one never got a slot")
        return Pass([READY])

    run_due(Fake(act), budget_seconds=20)
    assert set(Cluster.objects.values_list("ready", flat=True)) == {"True"}


def test_our_errors_become_conditions_and_back_off() -> None:
    make("a")

    def act(row: Cluster) -> Pass:
        raise TerminalError("no_such_thing", "There is no such thing.")

    run_due(Fake(act), budget_seconds=10)
    row = state("a")
    assert row.condition("Ready")["reason"] == "NoSuchThing"
    assert row.condition("Ready")["message"] == "There is no such thing."
    assert (row.ready, row.failures, row.observed_generation) == ("Unknown", 1, 0)
    assert not Cluster.objects.filter(lease.due()).exists()  # it waits


def test_other_errors_say_their_type_only() -> None:
    make("a")

    def act(row: Cluster) -> Pass:
        raise RuntimeError("canary-secret")

    run_due(Fake(act), budget_seconds=10)
    assert state("a").condition("Ready")["message"] == "Internal error: RuntimeError."


def test_failures_add_up_and_end_with_success() -> None:
    make("a")

    def fail(row: Cluster) -> Pass:
        raise TerminalError("bad", "Bad.")

    for expected in (1, 2, 3):
        lease.wake(Cluster.objects.all())
        run_due(Fake(fail), budget_seconds=10)
        assert state("a").failures == expected
    lease.wake(Cluster.objects.all())
    run_due(Fake(fine), budget_seconds=10)
    assert state("a").failures == 0


def test_one_that_cannot_be_loaded_leaves_the_others_alone() -> None:
    make("a", "poison", "z")

    class Loading(Fake):
        def load(self, claims: Sequence[Claim]) -> list[FakeJob]:
            jobs = super().load(claims)
            if any(job.row.name == "poison" for job in jobs):
                raise TerminalError("credential_unreadable", "It does not open.")
            return jobs

    run_due(Loading(fine), budget_seconds=10)
    assert {c.name: c.ready for c in Cluster.objects.all()} == {
        "a": "True",
        "poison": "Unknown",
        "z": "True",
    }
    poison = state("poison")
    assert poison.condition("Ready")["reason"] == "CredentialUnreadable"
    assert (poison.failures, poison.lease_expires_at) == (1, None)


def test_a_record_that_fails_leaves_the_others_alone() -> None:
    make("a", "b")

    class Recording(Fake):
        def record(self, job: FakeJob, result: Pass) -> None:
            if job.row.name == "a":
                raise RuntimeError("the database said no")
            super().record(job, result)

    assert run_due(Recording(fine), budget_seconds=10) == 2
    assert state("b").ready == "True"
    assert state("a").ready == "Unknown"
    assert state("a").lease_expires_at is not None  # due again when the lease ends


def test_leases_are_renewed_while_passes_run(monkeypatch: pytest.MonkeyPatch) -> None:
    make("a")
    renewed = threading.Event()
    kept: list[UUID] = []
    real = lease.renew

    def renew(model: Any, claims: Any, *, lease_seconds: float) -> int:
        count = real(model, claims, lease_seconds=lease_seconds)
        kept.extend(claim.pk for claim in claims)
        renewed.set()
        return count

    monkeypatch.setattr(lease, "renew", renew)

    class Short(Fake):
        lease_seconds = 0.3

    def act(row: Cluster) -> Pass:
        assert renewed.wait(20)
        return Pass([READY])

    run_due(Short(act), budget_seconds=10)
    assert state("a").pk in kept
    assert state("a").ready == "True"


def test_a_spent_budget_claims_nothing() -> None:
    make("a")
    assert run_due(Fake(fine), budget_seconds=0) == 0
    assert Cluster.objects.filter(lease.due()).count() == 1


def test_a_spec_that_moved_during_the_pass_is_looked_at_again() -> None:
    make("a")
    seen: list[int] = []

    class Moving(Fake):
        def record(self, job: FakeJob, result: Pass) -> None:
            seen.append(job.claim.generation)
            if len(seen) == 1:
                row = state("a")
                row.generation += 1
                row.save()
            super().record(job, result)

    run_due(Moving(fine), budget_seconds=10)
    assert seen == [1, 2]
    assert state("a").observed_generation == 2
