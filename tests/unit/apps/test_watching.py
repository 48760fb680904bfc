"""What an event means for a release, as tables."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.watching import BESIDE_SELECTOR, OWNED_SELECTOR, RECORDS, Recorded, Urgency, urgencies
from kubecarrier.lib.watching import Event, EventType, WatchSpec

DEPLOYMENTS = WatchSpec("apps/v1", "Deployment", OWNED_SELECTOR)
CONFIG_MAPS = WatchSpec("v1", "ConfigMap", OWNED_SELECTOR)
PK, APPLICATION = uuid.uuid4(), uuid.uuid4()
BESIDE = WatchSpec("v1", "ConfigMap", BESIDE_SELECTOR)
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "settings"}

Json = dict[str, Any]


def release(*entries: Json, fingerprint: str = "3:deployed:u3", leased: bool = False) -> Recorded:
    objects = {(e["apiVersion"], e["kind"], e["namespace"], e["name"]): e for e in entries}
    return Recorded(PK, ("shop", "web"), fingerprint, objects, leased, APPLICATION)


def record(revision: int, status: str, uid: str, kind: EventType = EventType.MODIFIED) -> Event:
    labels = {"owner": "helm", "name": "web", "version": str(revision), "status": status}
    name = f"sh.helm.release.v1.web.v{revision}"
    metadata = {"namespace": "shop", "name": name, "uid": uid, "labels": labels}
    return Event(kind, RECORDS, {"metadata": metadata}, initial=kind is EventType.ADDED)


def owned(
    spec: WatchSpec,
    *,
    kind: EventType = EventType.MODIFIED,
    initial: bool = False,
    of: str = "web",
    **metadata: Any,
) -> Event:
    annotations = {"meta.helm.sh/release-name": of, "meta.helm.sh/release-namespace": "shop"}
    name = {"Deployment": "web", "ConfigMap": "settings"}[spec.kind]
    full = {"namespace": "shop", "name": name, "annotations": annotations, **metadata}
    return Event(kind, spec, {"metadata": full}, initial=initial)


def outcome(recorded: Recorded, *events: Event) -> Urgency:
    return urgencies([recorded], events).get(PK, Urgency.NOTHING)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([record(3, "deployed", "u3")], Urgency.NOTHING),
        ([record(3, "deployed", "u3", EventType.ADDED)], Urgency.NOTHING),
        ([record(3, "failed", "u3")], Urgency.CHANGE),
        ([record(3, "deployed", "other")], Urgency.CHANGE),
        ([record(4, "pending-upgrade", "u4")], Urgency.CHANGE),
        ([record(2, "superseded", "u2")], Urgency.NOTHING),
        ([record(2, "superseded", "u2"), record(4, "deployed", "u4")], Urgency.CHANGE),
        ([record(2, "superseded", "u2", EventType.DELETED)], Urgency.NOTHING),
        ([record(3, "deployed", "u3", EventType.DELETED)], Urgency.CHANGE),
    ],
)
def test_records(events: list[Event], expected: Urgency) -> None:
    assert outcome(release(), *events) is expected


def test_a_record_without_a_recorded_one_is_new() -> None:
    assert outcome(release(fingerprint=""), record(1, "deployed", "u1")) is Urgency.CHANGE


def test_a_leased_release_hears_of_its_own_record() -> None:
    """Its pass may have looked before the event."""
    assert outcome(release(leased=True), record(3, "deployed", "u3")) is Urgency.HEALTH


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (owned(DEPLOYMENTS, uid="a", generation=2, initial=True), Urgency.NOTHING),
        (owned(DEPLOYMENTS, uid="a", generation=2), Urgency.HEALTH),
        (owned(DEPLOYMENTS, uid="a", generation=3), Urgency.CHANGE),
        (owned(DEPLOYMENTS, uid="a", generation=3, initial=True), Urgency.CHANGE),
        (owned(DEPLOYMENTS, uid="b", generation=2), Urgency.CHANGE),
        (owned(DEPLOYMENTS, uid="a", generation=2, kind=EventType.DELETED), Urgency.CHANGE),
        (owned(DEPLOYMENTS, uid="a", generation=2, of="other"), Urgency.NOTHING),
        (owned(CONFIG_MAPS, uid="c", resourceVersion="7"), Urgency.NOTHING),
        (owned(CONFIG_MAPS, uid="c", resourceVersion="8"), Urgency.HEALTH),
        (owned(CONFIG_MAPS, uid="c", resourceVersion="8", initial=True), Urgency.HEALTH),
    ],
)
def test_owned_objects(event: Event, expected: Urgency) -> None:
    recorded = release(
        DEPLOYMENT | {"uid": "a", "generation": "2"},
        CONFIG_MAP | {"uid": "c", "generation": "rv:7"},
    )
    assert outcome(recorded, event) is expected


@pytest.mark.parametrize(
    ("version", "initial", "expected"),
    [
        ("7", True, Urgency.NOTHING),
        ("7", False, Urgency.NOTHING),
        ("8", True, Urgency.HEALTH),
        ("8", False, Urgency.HEALTH),
    ],
)
def test_a_noted_version_tells_status_changes_apart(
    version: str, initial: bool, expected: Urgency
) -> None:
    recorded = release(DEPLOYMENT | {"uid": "a", "generation": "2", "resourceVersion": "7"})
    event = owned(DEPLOYMENTS, uid="a", generation=2, resourceVersion=version, initial=initial)
    assert outcome(recorded, event) is expected


def test_an_unknown_object_matters_only_to_a_running_pass() -> None:
    event = owned(DEPLOYMENTS, uid="a", generation=1, kind=EventType.ADDED)
    assert outcome(release(), event) is Urgency.NOTHING
    assert outcome(release(leased=True), event) is Urgency.HEALTH


def test_an_object_that_was_missing_and_appears_is_a_change() -> None:
    recorded = release(DEPLOYMENT | {"uid": "", "generation": ""})
    event = owned(DEPLOYMENTS, uid="a", generation=1, kind=EventType.ADDED)
    assert outcome(recorded, event) is Urgency.CHANGE


def test_what_was_missing_already_is_no_news() -> None:
    recorded = release(DEPLOYMENT | {"uid": "", "generation": ""})
    assert outcome(recorded, Event(EventType.LISTED, DEPLOYMENTS)) is Urgency.NOTHING


@pytest.mark.parametrize(
    ("spec", "present", "expected"),
    [
        (DEPLOYMENTS, {("shop", "web")}, Urgency.NOTHING),
        (DEPLOYMENTS, {("other", "web")}, Urgency.CHANGE),
        (CONFIG_MAPS, set(), Urgency.NOTHING),
        (RECORDS, {("shop", "sh.helm.release.v1.web.v3")}, Urgency.NOTHING),
        (RECORDS, {("shop", "sh.helm.release.v1.web.v2")}, Urgency.CHANGE),
    ],
)
def test_a_complete_list_tells_what_vanished_unseen(
    spec: WatchSpec, present: set[tuple[str, str]], expected: Urgency
) -> None:
    recorded = release(DEPLOYMENT | {"uid": "a", "generation": "2"})
    event = Event(EventType.LISTED, spec, present=frozenset(present))
    assert outcome(recorded, event) is expected


def beside(kind: EventType = EventType.MODIFIED, *, owner: str = "", **metadata: Any) -> Event:
    annotations = {"kubecarrier.io/owner": owner or f"application/{APPLICATION}"}
    full = {"namespace": "shop", "name": "settings", "annotations": annotations, **metadata}
    return Event(kind, BESIDE, {"metadata": full}, initial=kind is EventType.ADDED)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (beside(uid="u", resourceVersion="7"), Urgency.NOTHING),
        (beside(uid="u", resourceVersion="8"), Urgency.HEALTH),
        (beside(uid="other", resourceVersion="8"), Urgency.CHANGE),
        (beside(EventType.DELETED, uid="u", resourceVersion="7"), Urgency.CHANGE),
        (
            beside(EventType.DELETED, uid="u", owner=f"application/{uuid.uuid4()}"),
            Urgency.NOTHING,
        ),
        (beside(EventType.DELETED, uid="u", owner="application/no-uuid"), Urgency.NOTHING),
        (beside(EventType.DELETED, uid="u", owner=f"configitem/{APPLICATION}"), Urgency.NOTHING),
        (Event(EventType.LISTED, BESIDE), Urgency.CHANGE),
        (Event(EventType.LISTED, CONFIG_MAPS), Urgency.NOTHING),
        (
            Event(EventType.LISTED, BESIDE, present=frozenset({("shop", "settings")})),
            Urgency.NOTHING,
        ),
    ],
)
def test_what_stands_beside_a_release(event: Event, expected: Urgency) -> None:
    entry = {**CONFIG_MAP, "uid": "u", "generation": "rv:7", "resourceVersion": "7", "beside": True}
    assert outcome(release(entry), event) is expected
