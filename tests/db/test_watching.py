"""Events become alarms and earlier times on release rows; clusters are shared by lease."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from apps import placing, watching
from apps.models import Application, ApplicationRevision, Release
from apps.watching import HEALTH_SECONDS, RECORDS, ReleaseWatcher
from fleet.models import Cluster, WatchLease
from kubecarrier import heartbeats, tasks
from kubecarrier.controller import sharing, sweeping
from kubecarrier.controller.sharing import fair_share
from kubecarrier.lib import crypto, lease
from kubecarrier.lib.tasks import Queue, enqueue
from kubecarrier.lib.watching import Event, EventType, WatchSpec
from kubecarrier.models import Heartbeat

pytestmark = pytest.mark.django_db

DEPLOYMENTS = WatchSpec("apps/v1", "Deployment", watching.OWNED_SELECTOR)
ENTRY = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "namespace": "shop",
    "name": "web",
    "uid": "a",
    "generation": "2",
    "health": "Healthy",
}


def cluster(name: str = "one") -> Cluster:
    row = Cluster(name=name, server="https://192.0.2.1")
    crypto.seal(row, "credential", '{"token": "t"}')
    row.save()
    return row


def release(on: Cluster, name: str = "web", **status: Any) -> Release:
    application = Application(name=name, chart="local/web", namespace="shop")
    application.save()
    revision = ApplicationRevision(application=application, number=1, spec={})
    revision.save()
    row = Release(
        application=application,
        cluster=on,
        name=f"{name}.{on.name}",
        release_name=name,
        namespace="shop",
        revision=revision,
        wanted_version="1.0.0",
        desired_digest="d",
    )
    row.save()
    quiet = {"objects_seen": [ENTRY], "record_fingerprint": "3:deployed:u3"}
    tomorrow = timezone.now() + timedelta(days=1)
    found = Release.objects.filter(pk=row.pk)
    found.status_update(**{"next_reconcile_at": tomorrow} | quiet | status)
    row.refresh_from_db()
    return row


def deployment(kind: EventType = EventType.MODIFIED, **metadata: Any) -> Event:
    annotations = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}
    full = {"namespace": "shop", "name": "web", "annotations": annotations, "uid": "a"} | metadata
    return Event(kind, DEPLOYMENTS, {"metadata": full})


def due_in(row: Release) -> float:
    row.refresh_from_db()
    assert row.next_reconcile_at is not None
    return float((row.next_reconcile_at - timezone.now()).total_seconds())


@pytest.fixture
def watcher() -> ReleaseWatcher:
    return ReleaseWatcher()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    yield now


# --- what is watched -------------------------------------------------------------------------


def test_specs_are_the_records_and_the_kinds_that_were_seen(
    watcher: ReleaseWatcher, django_assert_num_queries: Any
) -> None:
    row = cluster()
    assert watcher.specs(row.pk) == []
    on_it = release(row)
    assert watcher.specs(row.pk) == [RECORDS, DEPLOYMENTS]
    with django_assert_num_queries(1):  # nothing moved: the large column is not read
        watcher.specs(row.pk)
    service = ENTRY | {"apiVersion": "v1", "kind": "Service"}
    Release.objects.filter(pk=on_it.pk).status_update(
        objects_seen=[ENTRY, service], seen_at=timezone.now()
    )
    assert watcher.specs(row.pk) == [
        RECORDS,
        DEPLOYMENTS,
        WatchSpec("v1", "Service", watching.OWNED_SELECTOR),
    ]


# --- waking ----------------------------------------------------------------------------------


def test_a_change_wakes_at_once_with_one_task(watcher: ReleaseWatcher) -> None:
    row = cluster()
    web, other = release(row), release(row, "other")
    watcher.changed(row.pk, [deployment(generation=3), deployment(generation=4)])
    assert due_in(web) <= 0
    assert web.alarm == 1  # one batch, one alarm
    assert due_in(other) > 1000
    assert tasks.queued(Queue.HELM) == {watching.TASK}
    assert tasks.lengths()[Queue.HELM].waiting == 1


def test_nothing_new_writes_nothing(
    watcher: ReleaseWatcher, django_assert_num_queries: Any
) -> None:
    row = cluster()
    web = release(row)
    again = Event(EventType.ADDED, DEPLOYMENTS, deployment(generation=2).obj, initial=True)
    listed = Event(EventType.LISTED, DEPLOYMENTS, present=frozenset({("shop", "web")}))
    with django_assert_num_queries(1):
        watcher.changed(row.pk, [again, listed])
    assert due_in(web) > 1000
    assert tasks.queued(Queue.HELM) == set()


def test_another_clusters_release_is_left_alone(watcher: ReleaseWatcher) -> None:
    web = release(cluster())
    watcher.changed(cluster("two").pk, [deployment(generation=3)])
    assert due_in(web) > 1000


def test_health_wakes_once_per_two_seconds_and_the_last_is_kept(
    watcher: ReleaseWatcher, clock: list[float]
) -> None:
    row = cluster()
    web = release(row)
    watcher.changed(row.pk, [deployment(generation=2)])
    assert due_in(web) <= 0
    tomorrow = timezone.now() + timedelta(days=1)
    Release.objects.filter(pk=web.pk).status_update(next_reconcile_at=tomorrow)  # it was looked at
    clock[0] += 0.5
    watcher.changed(row.pk, [deployment(generation=2)])
    assert 0 < due_in(web) <= HEALTH_SECONDS
    assert web.alarm == 2
    planned = web.next_reconcile_at
    clock[0] += 0.5
    watcher.changed(row.pk, [deployment(generation=2)])
    web.refresh_from_db()
    assert web.next_reconcile_at == planned  # never later
    assert web.alarm == 3
    clock[0] += HEALTH_SECONDS
    watcher.changed(row.pk, [deployment(generation=2)])
    assert due_in(web) <= 0


def test_a_leased_release_hears_the_alarm_and_is_due_after_its_pass(
    watcher: ReleaseWatcher,
) -> None:
    row = cluster()
    web = release(row, next_reconcile_at=timezone.now())
    (claim,) = lease.claim_due(Release, limit=1, lease_seconds=60)
    watcher.changed(row.pk, [deployment(EventType.ADDED, name="new", uid="n", generation=1)])
    web.refresh_from_db()
    assert web.alarm == 1
    assert lease.record(Release, claim, next_in_seconds=3600, alarm_seen=0)
    assert due_in(web) <= 0


def test_an_object_that_vanished_unseen_wakes(watcher: ReleaseWatcher) -> None:
    row = cluster()
    web = release(row)
    watcher.changed(row.pk, [Event(EventType.LISTED, DEPLOYMENTS)])
    assert due_in(web) <= 0


# --- sharing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clusters", "controllers", "share"), [(0, 1, 0), (5, 1, 5), (5, 2, 3), (1, 2, 1), (3, 0, 3)]
)
def test_fair_shares(clusters: int, controllers: int, share: int) -> None:
    assert fair_share(clusters, controllers=controllers) == share


def holders() -> dict[str, int]:
    listed = list(WatchLease.objects.values_list("holder", flat=True))
    return {name: listed.count(name) for name in set(listed)}


def expire(holder: str) -> None:
    past = timezone.now() - timedelta(seconds=1)
    WatchLease.objects.filter(holder=holder).update(expires_at=past)


def test_one_controller_takes_all_and_gives_the_half_to_another() -> None:
    for number in range(4):
        cluster(f"c{number}")
    assert len(sharing.share("controller:a")) == 4
    heartbeats.beat("controller:b")
    assert sharing.share("controller:b") == []  # all are held
    assert len(sharing.share("controller:a")) == 2
    assert len(sharing.share("controller:b")) == 2
    assert holders() == {"controller:a": 2, "controller:b": 2}


def test_what_a_dead_controller_held_is_taken() -> None:
    for number in range(3):
        cluster(f"c{number}")
    sharing.share("controller:a")
    token = WatchLease.objects.first().token  # type: ignore[union-attr]
    expire("controller:a")
    assert len(sharing.share("controller:b")) == 3
    assert WatchLease.objects.first().token == token + 1  # type: ignore[union-attr]
    assert sharing.share("controller:a") == []


def test_a_clean_stop_frees_at_once() -> None:
    cluster()
    sharing.share("controller:a")
    sharing.release("controller:a")
    assert len(sharing.share("controller:b")) == 1


def test_a_cluster_where_another_answers_is_not_watched() -> None:
    row = cluster()
    (held,) = sharing.share("controller:a")
    Cluster.objects.filter(pk=row.pk).status_update(conditions={"Identified": {"status": "False"}})
    assert sharing.share("controller:a") == []
    assert held.name == "one"


def test_a_credential_that_does_not_open_is_no_crash() -> None:
    row = cluster()
    assert sharing.connection_for(row.pk) is not None
    row.credential = "v1:lost:AAAA"
    row.save()
    assert sharing.connection_for(row.pk) is None
    assert sharing.connection_for(uuid.uuid4()) is None


def test_the_round_fits_into_the_promise() -> None:
    """A killed controller's clusters are taken within 30 s."""
    assert sharing.LEASE_SECONDS + sharing.ROUND_SECONDS < 30


# --- sweeps and heartbeats -------------------------------------------------------------------


def test_a_sweep_enqueues_each_task_once() -> None:
    cluster()
    assert sweeping.sweep() == 1
    assert sweeping.sweep() == 0
    assert tasks.queued(Queue.DEFAULT) == {"fleet.tasks.probe_clusters"}


def test_a_taken_task_does_not_hold_the_sweep_up() -> None:
    """Its worker may be dead, and the queue would repeat it in minutes only."""
    cluster()
    sweeping.sweep()
    taken_until = timezone.now() + timedelta(hours=1)
    OrmQ.objects.update(lock=taken_until)
    assert sweeping.sweep() == 1
    assert tasks.lengths()[Queue.DEFAULT] == tasks.Length(waiting=1, taken=1)


def test_heartbeats_age_by_the_databases_clock() -> None:
    heartbeats.beat("worker:helm@here", pid=1)
    heartbeats.beat("worker:helm@here", pid=2)
    assert Heartbeat.objects.get().detail == {"pid": 2}
    assert heartbeats.is_fresh("worker:helm@")
    assert not heartbeats.is_fresh("worker:default@")
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(seconds=25))
    assert not heartbeats.is_fresh("worker:helm@")
    assert heartbeats.forget_old() == 0
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(hours=2))
    assert heartbeats.forget_old() == 1


def test_queued_names_no_more_than_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_DECODED_AT_MOST", 1)
    enqueue("a.tasks.first")
    enqueue("a.tasks.second")
    assert tasks.queued(Queue.DEFAULT) == {"a.tasks.first"}


def test_the_watcher_wakes_the_reconcilers_task() -> None:
    assert watching.TASK == placing.RECONCILE_TASK


def test_the_queue_is_looked_at_cheaply(django_assert_num_queries: Any) -> None:
    broker = tasks._Broker(Queue.DEFAULT)
    assert broker.dequeue()  # the first is a beat
    with django_assert_num_queries(1):
        assert broker.dequeue() is None
    enqueue("a.tasks.first")
    ((row, package),) = broker.dequeue() or []
    assert row is not None
    assert SignedPackage.loads(package)["func"] == "a.tasks.first"
    assert broker.dequeue() is None  # taken
