"""Masks, rebasing, drains and names of kinds: the pure parts of live objects."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fleet.draining import DrainOptions, Why, drain_plan
from fleet.live.kinds import Named, named, named_in_path
from fleet.live.rebasing import moved_by_others, rebased
from fleet.live.shown import shown, unmasked
from kubecarrier.lib.errors import ConflictError, InvalidError

Json = dict[str, Any]

SECRET = {
    "apiVersion": "v1", "kind": "Secret",
    "metadata": {"name": "x", "managedFields": [], "annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"a":"MQ=="}}'}},
    "data": {"a": "MTIzNDU2Nzg=", "b": "Yg=="},
}  # fmt: skip


def test_a_mask_goes_there_and_back() -> None:
    seen = shown(SECRET)
    assert "MTIzNDU2Nzg=" not in str(seen)
    assert '"MQ=="' not in str(seen)
    back = unmasked(copy.deepcopy(seen), SECRET)
    assert back["data"] == SECRET["data"]
    assert back["metadata"]["annotations"] == SECRET["metadata"]["annotations"]  # type: ignore[index]


def test_a_mask_of_another_value_is_refused() -> None:
    seen = shown(SECRET)
    changed = {**SECRET, "data": {"a": "OTk5", "b": "Yg=="}}
    with pytest.raises(ConflictError, match="changed since"):
        unmasked(seen, changed)
    with pytest.raises(InvalidError, match="mask"):
        unmasked({"kind": "Secret", "data": {"new": "***"}}, SECRET)
    with pytest.raises(InvalidError, match="mask"):
        unmasked({"kind": "Secret", "stringData": {"a": "*** (12345678)"}}, None)


def test_what_only_begins_like_a_mask_is_a_value() -> None:
    wish = {"kind": "Secret", "stringData": {"a": "***secret***"}}
    assert unmasked(wish, SECRET)["stringData"] == {"a": "***secret***"}


def test_mine_on_top_of_theirs() -> None:
    base = {
        "metadata": {"resourceVersion": "1"},
        "spec": {"a": 1, "b": 1, "c": 1},
        "status": {"x": 1},
    }
    mine = {"metadata": {"resourceVersion": "1"}, "spec": {"a": 2, "b": 1}, "status": {"x": 1}}
    live = {
        "metadata": {"resourceVersion": "9"},
        "spec": {"a": 1, "b": 3, "c": 1, "d": 4},
        "status": {"x": 7},
    }
    assert [one.name for one in moved_by_others(base, live)] == ["spec.b", "spec.d"]
    found = rebased(base, mine, live)
    assert found["spec"] == {"a": 2, "b": 3, "d": 4}
    assert (found["metadata"], found["status"]) == ({"resourceVersion": "9"}, {"x": 7})
    only_status = {**base, "status": {"x": 2}}
    assert moved_by_others(base, only_status) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("deploy", Named("deploy")),
        ("deployments.apps", Named("deployments", "apps")),
        ("deployments.v1.apps", Named("deployments", "apps", "v1")),
        ("certificates.cert-manager.io", Named("certificates", "cert-manager.io")),
        ("pods.v1.", Named("pods", "", "v1")),
    ],
)
def test_kubectls_spelling(text: str, wanted: Named) -> None:
    assert named(text) == wanted


def test_names_in_a_path() -> None:
    assert named_in_path("core", "v1", "pods") == Named("pods", "", "v1")
    assert named_in_path("-", "-", "deployments.apps") == Named("deployments", "apps")
    assert named_in_path("apps", "-", "deploy") == Named("deploy", "apps")


def pod(name: str, *, owner: str = "", empty_dir: bool = False, **more: Any) -> Json:
    owners = [{"kind": owner, "name": "o", "controller": True}] if owner else []
    metadata = {"namespace": "n", "name": name, "uid": name, "ownerReferences": owners, **more}
    volumes: list[Json] = [{"emptyDir": {}}] if empty_dir else []
    return {"metadata": metadata, "spec": {"volumes": volumes}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("given_pod", "options", "evict", "ignored", "refused"),
    [
        (pod("a", owner="ReplicaSet"), DrainOptions(), True, None, None),
        (pod("a", owner="DaemonSet"), DrainOptions(), False, Why.DAEMON_SET, None),
        (pod("a"), DrainOptions(), False, None, Why.UNMANAGED),
        (pod("a"), DrainOptions(force=True), True, None, None),
        (pod("a", annotations={"kubernetes.io/config.mirror": "x"}), DrainOptions(force=True), False, Why.MIRROR, None),
        (pod("a", owner="ReplicaSet", empty_dir=True), DrainOptions(), False, None, Why.EMPTY_DIR),
        (pod("a", owner="ReplicaSet", empty_dir=True), DrainOptions(delete_empty_dir=True), True, None, None),
        (pod("a", deletionTimestamp="t"), DrainOptions(), True, None, None),
        ({**pod("a"), "status": {"phase": "Succeeded"}}, DrainOptions(), True, None, None),
    ],
)  # fmt: skip
def test_which_pods_a_drain_moves(
    given_pod: Json, options: DrainOptions, evict: bool, ignored: Any, refused: Any
) -> None:
    plan = drain_plan([given_pod], options)
    assert bool(plan.evict) == evict
    assert [why for _, why in plan.ignored] == ([ignored] if ignored else [])
    assert [why for _, why in plan.refused] == ([refused] if refused else [])
