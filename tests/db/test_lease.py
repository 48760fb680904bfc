"""Leases: who may work on a due row, and whose result counts. Clusters serve as the rows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from fleet.models import Cluster
from kubecarrier.lib import lease, sweeps
from kubecarrier.lib.lease import Bulkhead, Claim, LeaseLost, in_seconds

pytestmark = pytest.mark.django_db


def row(name: str, *, due: float | None = 0, **columns: Any) -> Cluster:
    """A row that is due `due` seconds from now (None: never)."""
    made: Cluster = Cluster.objects.create(name=name, server="https://x.example.org", **columns)
    Cluster.objects.filter(pk=made.pk).status_update(
        next_reconcile_at=None if due is None else in_seconds(due)
    )
    return made


def claim(limit: int = 10, seconds: float = 30, bulkhead: Bulkhead | None = None) -> list[Claim]:
    return lease.claim_due(Cluster, limit=limit, lease_seconds=seconds, bulkhead=bulkhead)


def names(claims: list[Claim]) -> list[str]:
    return sorted(
        Cluster.objects.filter(pk__in=[c.pk for c in claims]).values_list("name", flat=True)
    )


def is_due(made: Cluster) -> bool:
    return bool(Cluster.objects.filter(lease.due(), pk=made.pk).exists())


def record(held: Claim, *, again: float | None = 60, **columns: Any) -> bool:
    return lease.record(Cluster, held, next_in_seconds=again, **columns)


def test_the_longest_waiting_first() -> None:
    for name, due in (("b", -20.0), ("c", -10.0), ("a", -30.0), ("later", 60.0), ("never", None)):
        row(name, due=due)
    assert names(claim(2)) == ["a", "b"]
    assert names(claim(10)) == ["c"]
    assert claim(10) == []


def test_a_new_row_is_due_at_once() -> None:
    made = Cluster.objects.create(name="new", server="https://x.example.org")
    assert is_due(made)


@pytest.mark.parametrize("limit", [0, -1])
def test_no_free_slot_claims_nothing(limit: int) -> None:
    made = row("a", due=-1)
    assert claim(limit) == []
    assert is_due(made)


def test_nothing_due_costs_one_look(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert claim() == []


def test_a_claim_raises_token_and_attempts() -> None:
    made = row("a", due=-1)
    (first,) = claim()
    assert (first.pk, first.token, first.failures, first.generation) == (made.pk, 1, 1, 1)
    lease.wake(Cluster.objects.all())
    assert claim() == []  # held, though it was woken


def test_result_is_written_and_the_lease_given_back() -> None:
    made = row("a", due=-1)
    (held,) = claim()
    assert record(held, ready="True", again=3600)
    made.refresh_from_db()
    assert (made.ready, made.lease_expires_at) == ("True", None)
    assert made.next_reconcile_at is not None
    assert made.next_reconcile_at > timezone.now()
    assert not is_due(made)


def test_none_sleeps_until_woken() -> None:
    made = row("a", due=-1)
    (held,) = claim()
    record(held, again=None)
    made.refresh_from_db()
    assert made.next_reconcile_at is None
    lease.wake(Cluster.objects.all())
    assert is_due(made)


def expired(held: Claim) -> None:
    """Time passes: the lease has run out, nobody woke the row."""
    Cluster.objects.filter(pk=held.pk).status_update(
        lease_expires_at=in_seconds(-1), next_reconcile_at=in_seconds(-1)
    )


def test_a_killed_worker_s_row_is_due_after_its_lease_and_the_attempt_counts() -> None:
    row("a", due=-1)
    (held,) = claim()
    assert claim() == []
    expired(held)
    (again,) = claim()
    assert (again.token, again.failures) == (held.token + 1, 2)


def test_a_late_record_is_dropped() -> None:
    made = row("a", due=-1)
    (late,) = claim()
    expired(late)
    (successor,) = claim()
    assert not record(late, ready="False")
    made.refresh_from_db()
    assert made.ready == "Unknown"
    assert made.lease_expires_at is not None  # the successor still holds it
    assert record(successor, ready="True")


def test_a_result_for_an_older_spec_is_dropped_and_the_row_is_due() -> None:
    made = row("a", due=-1)
    (held,) = claim()
    made.generation = 2
    made.save()
    assert not record(held, ready="True")
    made.refresh_from_db()
    assert (made.ready, made.lease_expires_at) == ("Unknown", None)
    assert is_due(made)


def test_a_wake_up_during_a_pass_is_not_lost() -> None:
    made = row("a", due=-1)
    (held,) = claim()
    lease.wake(Cluster.objects.all())
    assert record(held, again=3600)
    assert is_due(made)


def test_nor_one_that_comes_after_the_first_lease_of_a_long_pass() -> None:
    """The pass was renewed beyond `expires_at`, then the row was woken."""
    made = row("a", due=-1)
    (held,) = claim(seconds=-5)  # what the claim knows lies in the past already
    lease.renew(Cluster, [held], lease_seconds=30)
    lease.wake(Cluster.objects.all())
    assert record(held, again=3600)
    assert is_due(made)


def test_without_a_wake_up_a_long_pass_waits_as_planned() -> None:
    made = row("a", due=-1)
    (held,) = claim(seconds=-5)
    lease.renew(Cluster, [held], lease_seconds=30)
    assert record(held, again=3600)
    assert not is_due(made)


def test_renewing_counts_what_is_still_held() -> None:
    row("a", due=-1)
    row("b", due=-1)
    first, second = claim()
    expired(first)
    claim()
    assert lease.renew(Cluster, [first, second], lease_seconds=30) == 1
    assert lease.renew(Cluster, [], lease_seconds=30) == 0


def test_a_bulkhead_bounds_each_group() -> None:
    for number in range(4):
        row(f"a{number}", due=-10 + number, provider="a")
    row("b0", due=-1, provider="b")
    assert names(claim(5, bulkhead=Bulkhead("provider", 2, {}))) == ["a0", "a1", "b0"]
    assert claim(5, bulkhead=Bulkhead("provider", 2, {"a": 2, "b": 1})) == []
    assert names(claim(5, bulkhead=Bulkhead("provider", 2, {"a": 1}))) == ["a2"]


def test_paused_rows_are_looked_at_too() -> None:
    """Their reconcilers change nothing; what is shown of them must not grow old."""
    row("a", due=-1, suspended=True)
    assert names(claim()) == ["a"]


def test_the_sweep_sees_what_is_due() -> None:
    assert sweeps.waiting() == []
    row("a", due=-1)
    assert [getattr(s, "model", None) for s in sweeps.waiting()] == [Cluster]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs row locks")
def test_two_workers_at_once_share_without_overlap() -> None:
    for number in range(20):
        row(f"r{number}", due=-1)
    found: list[list[Claim]] = []
    together = threading.Barrier(2)

    def work() -> None:
        try:
            together.wait()
            for _ in range(4):
                found.append(claim(5))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [held.pk for claims in found for held in claims]
    assert len(keys) == len(set(keys)) == 20


def test_the_database_s_clock_counts() -> None:
    made = row("a", due=-1)
    Cluster.objects.filter(pk=made.pk).status_update(next_reconcile_at=Now())
    assert is_due(made)


def test_who_stood_still_for_too_long_changes_nothing_outside() -> None:
    """By the worker's own clock; a renewal counts only for what is still its own."""
    for name in ("a", "b"):
        row(name, due=-1)
    first, second = claim()
    first.require()
    for held in (first, second):
        held.hold.until = 0.0  # as after a minute of SIGSTOP
        with pytest.raises(LeaseLost):
            held.require()
    expired(second)
    (taken,) = claim()
    assert taken.pk == second.pk
    assert lease.renew(Cluster, [first, second], lease_seconds=30) == 1
    first.require()
    taken.require()
    with pytest.raises(LeaseLost):
        second.require()
