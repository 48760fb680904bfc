"""What an event in a cluster means for a project's namespace."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.models import Project, ProjectNamespace
from fleet.projects.objects import NamespaceWish, Owner, namespace_body, owner_mark, quota_body
from fleet.watching.projects import differs, missing, namespace_of, quota_of
from kubecarrier.lib.watching import Event, EventType, WatchSpec

PROJECT = Project(name="team")
US = Owner("team", owner_mark(PROJECT.pk))
WISH = NamespaceWish("shop", hard={"pods": "10"})
NAMESPACE, QUOTA = (
    WatchSpec("v1", "Namespace", "kubecarrier.io/project"),
    WatchSpec("v1", "ResourceQuota"),
)


def row(**more: Any) -> ProjectNamespace:
    columns = {"state": "Ready", "hard": {"pods": "10"}, **more}
    return ProjectNamespace(project=PROJECT, name="shop", **columns)


def namespace(type_: EventType = EventType.MODIFIED, **labels: str) -> Event:
    obj = namespace_body(WISH, US)
    obj["metadata"] |= {"resourceVersion": "7"}
    obj["metadata"]["labels"] |= labels
    return Event(type_, NAMESPACE, obj)


def quota(type_: EventType = EventType.MODIFIED, pods: str = "10", owner: Owner = US) -> Event:
    obj = quota_body("ResourceQuota", WISH, owner)
    assert obj is not None
    obj["spec"] = {"hard": {"pods": pods}}
    return Event(type_, QUOTA, {**obj, "status": {"hard": {"pods": pods}, "used": {"pods": "3"}}})


@pytest.mark.parametrize(
    ("claim", "event", "expected"),
    [
        (row(), namespace(), False),
        (row(), namespace(theirs="x"), False),
        (row(), namespace(EventType.MODIFIED, **{"kubecarrier.io/project": "other"}), True),
        (row(), namespace(EventType.DELETED), True),
        (row(), quota(), False),
        (row(), quota(pods="11"), True),
        (row(), quota(EventType.DELETED), True),
        (row(hard={}), quota(EventType.DELETED), False),
        (row(), quota(pods="11", owner=Owner("x", "project/x")), False),
        # a pass that is making it finds out itself
        (row(state="Changing"), quota(pods="11"), False),
        (row(wanted=False, state="Releasing"), namespace(EventType.DELETED), True),
    ],
)
def test_what_wakes(claim: ProjectNamespace, event: Event, expected: bool) -> None:
    assert namespace_of(event) == "shop"
    assert differs(claim, event) is expected


def test_what_is_used_comes_with_the_event() -> None:
    assert quota_of(quota()) == {"hard": {"pods": "10"}, "used": {"pods": "3"}}
    assert quota_of(quota(EventType.DELETED)) is None
    assert quota_of(namespace()) is None


@pytest.mark.parametrize(
    ("spec", "present", "expected"),
    [
        (NAMESPACE, {("", "shop")}, False),
        (NAMESPACE, set(), True),
        (QUOTA, {("shop", "kubecarrier")}, False),
        (QUOTA, {("other", "kubecarrier")}, True),
    ],
)
def test_what_a_complete_list_lacks(
    spec: WatchSpec, present: set[tuple[str, str]], expected: bool
) -> None:
    event = Event(EventType.LISTED, spec, present=frozenset(present))
    assert missing(row(), event) is expected
    assert missing(row(state="Changing"), event) is False
