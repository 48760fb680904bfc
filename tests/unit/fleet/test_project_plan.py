"""One namespace of a project: what was seen → a state and steps. And from every state it converges."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fleet.choices import NamespaceState as S
from fleet.projects.objects import (
    MADE,
    OWNER,
    PROJECT,
    NamespaceWish,
    Owner,
    defaulted,
    quota_body,
    same_quota,
)
from fleet.projects.plan import Seen, Step, Verb, plan

US = Owner("team", "project/1", frozenset({"project/2"}))
WISH = NamespaceWish(
    "shop",
    labels={"env": "prod"},
    hard={"requests.cpu": "4", "pods": "10"},
    limits={"default": {"memory": "256Mi"}, "defaultRequest": {"cpu": "100m"}},
)
BARE = NamespaceWish("shop")


def namespace(owner: str = "", *, made: bool = False, **labels: str) -> dict[str, Any]:
    notes = {OWNER: owner} if owner else {}
    notes |= {MADE: "true"} if made else {}
    metadata = {"name": "shop", "uid": "u1", "resourceVersion": "7", "labels": labels}
    return {"metadata": {**metadata, "annotations": notes}}


def steps(found: tuple[Step, ...]) -> list[str]:
    return [f"{step.verb} {step.kind}" for step in found]


class World:
    """The API server, as far as a plan's steps go: keys that are None are removed."""

    def __init__(self, seen: Seen) -> None:
        self.namespace = copy.deepcopy(seen.namespace)
        self.quotas = copy.deepcopy(seen.quotas)
        self.version = 10

    @property
    def seen(self) -> Seen:
        return Seen(copy.deepcopy(self.namespace), copy.deepcopy(self.quotas))

    def take(self, step: Step) -> None:
        self.version += 1
        body = copy.deepcopy(step.body) or {}
        if step.kind != "Namespace":
            if step.verb is Verb.DELETE:
                assert self.quotas.pop(step.kind)["metadata"]["uid"] == step.uid
            else:
                self.quotas[step.kind] = self._stored(body)
        elif step.verb is Verb.CREATE:
            self.namespace = self._stored(body)
        elif step.verb is Verb.DELETE:
            assert self.namespace and self.namespace["metadata"]["uid"] == step.uid
            self.namespace, self.quotas = None, {}
        else:
            self._patch(body)

    def _stored(self, body: dict[str, Any]) -> dict[str, Any]:
        body["metadata"] |= {"uid": f"u{self.version}", "resourceVersion": str(self.version)}
        if body.get("kind") == "LimitRange":
            body["spec"]["limits"] = [defaulted(item) for item in body["spec"]["limits"]]
        return body

    def _patch(self, patch: dict[str, Any]) -> None:
        assert self.namespace is not None
        metadata = self.namespace["metadata"]
        assert patch["metadata"].pop("resourceVersion") == metadata["resourceVersion"]
        for part, changes in patch["metadata"].items():
            merged = {**metadata.get(part, {}), **changes}
            metadata[part] = {key: value for key, value in merged.items() if value is not None}
        metadata["resourceVersion"] = str(self.version)


@pytest.mark.parametrize(
    ("wish", "seen", "state", "expected"),
    [
        (WISH, Seen(None, {}), S.CHANGING, ["create Namespace", "create LimitRange", "create ResourceQuota"]),
        (BARE, Seen(None, {}), S.CHANGING, ["create Namespace"]),
        (BARE, Seen(namespace(), {}), S.FOREIGN, []),
        (NamespaceWish("shop", adopt=True), Seen(namespace(), {}), S.CHANGING, ["patch Namespace"]),
        (NamespaceWish("shop", adopt=True), Seen(namespace("project/2"), {}), S.FOREIGN, []),
        # the mark of a project that is no more
        (NamespaceWish("shop", adopt=True), Seen(namespace("project/9"), {}), S.CHANGING, ["patch Namespace"]),
        (BARE, Seen(namespace("project/9"), {}), S.FOREIGN, []),
        (NamespaceWish("shop", wanted=False), Seen(None, {}), S.RELEASED, []),
        (NamespaceWish("shop", wanted=False), Seen(namespace(), {}), S.RELEASED, []),
        (NamespaceWish("shop", wanted=False), Seen(namespace("project/2"), {}), S.RELEASED, []),
        (NamespaceWish("shop", wanted=False), Seen(namespace("project/1"), {}), S.RELEASING, ["patch Namespace"]),
        (
            NamespaceWish("shop", wanted=False, delete_asked=True),
            Seen(namespace("project/1", made=True), {}),
            S.RELEASING,
            ["delete Namespace"],
        ),
        # an adopted one is never deleted
        (
            NamespaceWish("shop", wanted=False, delete_asked=True),
            Seen(namespace("project/1"), {}),
            S.RELEASING,
            ["patch Namespace"],
        ),
    ],
)  # fmt: skip
def test_states_and_steps(wish: NamespaceWish, seen: Seen, state: S, expected: list[str]) -> None:
    found = plan(wish, US, seen)
    assert (found.state, steps(found.steps)) == (state, expected)


def test_a_namespace_that_is_being_deleted_is_waited_for() -> None:
    found = namespace("project/1")
    found["metadata"]["deletionTimestamp"] = "2026-11-25T10:00:00Z"
    assert plan(WISH, US, Seen(found, {})).state is S.TERMINATING
    gone = NamespaceWish("shop", wanted=False)
    assert plan(gone, US, Seen(found, {})).state is S.RELEASED
    asked = NamespaceWish("shop", wanted=False, delete_asked=True)
    assert plan(asked, US, Seen(found, {})).state is S.RELEASING


def test_a_quota_of_somebody_else_is_left_alone() -> None:
    stranger = {"metadata": {"name": "kubecarrier", "uid": "x", "resourceVersion": "1"}}
    seen = Seen(namespace("project/1"), {"ResourceQuota": stranger})
    assert plan(WISH, US, seen).state is S.BLOCKED
    assert plan(WISH, US, seen).steps == ()
    released = plan(NamespaceWish("shop", wanted=False), US, seen)
    assert steps(released.steps) == ["patch Namespace"]
    # with no quota wanted, it is nobody's business
    assert plan(BARE, US, seen).state is S.CHANGING


WORLDS = {
    "nothing": Seen(None, {}),
    "foreign": Seen(namespace(team="x"), {}),
    "ours, bare": Seen(namespace("project/1"), {}),
    "ours, made": Seen(namespace("project/1", made=True), {}),
}
WISHES = {
    "full": WISH,
    "adopting": NamespaceWish("shop", adopt=True, hard={"pods": "1"}),
    "labels only": NamespaceWish("shop", labels={"a": "b"}),
    "let go": NamespaceWish("shop", wanted=False),
    "let go and deleted": NamespaceWish("shop", wanted=False, delete_asked=True),
}
REST = {S.READY, S.FOREIGN, S.RELEASED}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("first", WISHES)
@pytest.mark.parametrize("second", WISHES)
def test_from_every_state_it_converges_and_then_rests(world: str, first: str, second: str) -> None:
    here = World(WORLDS[world])
    for wish in (WISHES[first], WISHES[second]):
        for _ in range(3):
            found = plan(wish, US, here.seen)
            for step in found.steps:
                here.take(step)
        rested = plan(wish, US, here.seen)
        assert rested.steps == ()
        assert rested.state in REST
    if world == "foreign":  # whatever was asked for: nothing of theirs is touched
        assert here.namespace is not None
        assert here.namespace["metadata"]["labels"]["team"] == "x"


def test_labels_that_are_no_longer_wanted_are_removed_and_no_others() -> None:
    here = World(Seen(None, {}))
    for step in plan(WISH, US, here.seen).steps:
        here.take(step)
    assert here.namespace is not None
    here.namespace["metadata"]["labels"]["theirs"] = "yes"
    for step in plan(NamespaceWish("shop"), US, here.seen).steps:
        here.take(step)
    labels = here.namespace["metadata"]["labels"]
    assert labels["theirs"] == "yes"
    assert labels[PROJECT] == "team"
    assert "env" not in labels
    assert here.quotas == {}


@pytest.mark.parametrize(
    ("hard", "same"),
    [
        ({"requests.cpu": "4000m", "pods": "10"}, True),
        ({"requests.cpu": "4", "pods": "10", "secrets": "5"}, False),
        ({"requests.cpu": "4"}, False),
        ({"requests.cpu": "5", "pods": "10"}, False),
        ({"requests.cpu": "rubbish", "pods": "10"}, False),
    ],
)
def test_quotas_are_compared_by_value(hard: dict[str, str], same: bool) -> None:
    body = quota_body("ResourceQuota", WISH, US)
    assert body is not None
    found = copy.deepcopy(body) | {"spec": {"hard": hard}}
    assert same_quota(body, found) is same


@pytest.mark.parametrize(
    ("items", "same"),
    [
        # as the server stored it: requests of what has a limit default to the limit
        ([{"type": "Container", "default": {"memory": "256Mi"},
           "defaultRequest": {"cpu": "100m", "memory": "256Mi"}}], True),
        ([{"type": "Container", "default": {"memory": "256Mi"},
           "defaultRequest": {"cpu": "200m", "memory": "256Mi"}}], False),
        ([{"type": "Pod", "max": {"cpu": "1"}}], False),
        ([], False),
    ],
)  # fmt: skip
def test_limit_ranges_are_compared_after_the_servers_defaulting(
    items: list[dict[str, Any]], same: bool
) -> None:
    body = quota_body("LimitRange", WISH, US)
    assert body is not None
    found = copy.deepcopy(body) | {"spec": {"limits": items}}
    assert same_quota(body, found) is same
