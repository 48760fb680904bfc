"""Drift of grants and foreign administrators, as tables; no cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet.grants import objects, portal_account
from fleet.grants.drift import State, Wish, administrators, findings
from fleet.grants.objects import Grant, ref_of

Json = dict[str, Any]
PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
ANN = {"kind": "User", "name": "kubecarrier:ann"}
EVE = {"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}


def grant(**more: Any) -> Grant:
    given: Json = {
        "name": "dev", "owner": "binding/1", "rules": PODS, "subjects": [ANN], "namespaces": None,
    }  # fmt: skip
    return Grant(**(given | more))


def there(*grants: Grant) -> dict[Any, Json]:
    return {ref: obj for one in grants for ref, obj in objects.wanted(one).items()}


def binding_of(present: dict[Any, Json]) -> Json:
    return next(obj for ref, obj in present.items() if ref.kind.endswith("Binding"))


def drop(present: dict[Any, Json]) -> None:
    del present[ref_of(binding_of(present))]


def add_somebody(present: dict[Any, Json]) -> None:
    binding_of(present)["subjects"].append(EVE)


def lose_somebody(present: dict[Any, Json]) -> None:
    binding_of(present)["subjects"].clear()


def point_elsewhere(present: dict[Any, Json]) -> None:
    binding_of(present)["roleRef"]["name"] = "cluster-admin"


def lose_the_mark(present: dict[Any, Json]) -> None:
    binding_of(present)["metadata"]["annotations"] = {}


CASES: list[tuple[Callable[[Any], None], list[tuple[State, str]]]] = [
    (lambda present: None, []),
    (drop, [(State.MISSING, "Not there.")]),
    (add_somebody, [(State.DIFFERS, "Subjects: too many User eve.")]),
    (lose_somebody, [(State.DIFFERS, "Subjects: missing User kubecarrier:ann.")]),
    (point_elsewhere,
     [(State.DIFFERS, "It points at cluster-admin instead of kubecarrier:dev.")]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CASES)
@pytest.mark.parametrize("namespaces", [None, ["shop"]])
def test_each_change_is_told(
    change: Callable[[Any], None], said: list[tuple[State, str]], namespaces: Any
) -> None:
    one = grant(namespaces=namespaces)
    present = there(one)
    change(present)
    found = findings([Wish(one, 1)], present, {})
    assert [(finding.state, finding.message) for finding in found] == said
    assert all(finding.binding == "dev" for finding in found)


def test_an_object_without_the_mark_is_somebody_elses() -> None:
    one = grant()
    present = there(one)
    lose_the_mark(present)
    obj = binding_of(present)
    marked = {ref: o for ref, o in present.items() if o is not obj}
    found = findings([Wish(one, 1)], marked, {ref_of(obj): obj})
    assert [finding.state for finding in found] == [State.FOREIGN]


def test_extra_orphaned_and_being_deleted() -> None:
    mine, other = grant(), grant(name="gone", owner="binding/2")
    wide = there(grant(namespaces=["shop"]))
    found = findings([Wish(mine, 1)], there(mine) | wide | there(other), {})
    assert sorted((one.state, one.ref.kind) for one in found) == [
        (State.EXTRA, "RoleBinding"),
        (State.ORPHANED, "ClusterRole"),
        (State.ORPHANED, "ClusterRoleBinding"),
    ]
    leaving = findings([Wish(mine, 1, deleting=True)], there(mine), {})
    assert [one.state for one in leaving] == [State.EXTRA, State.EXTRA]


def test_the_portals_own_account_is_no_orphan_and_its_mark_no_cover() -> None:
    own = {
        ref_of(obj): obj for obj in portal_account.objects(["dev"]) if obj["kind"] in objects.KINDS
    }
    assert len(own) == 4
    assert findings([], own, {}) == []
    copied = {**next(iter(own.values()))}
    copied["metadata"] = {**copied["metadata"], "name": "kubecarrier:mallory"}
    found = findings([], own | {ref_of(copied): copied}, {})
    assert [(one.state, one.ref.name) for one in found] == [(State.ORPHANED, "kubecarrier:mallory")]


def test_foreign_administrators() -> None:
    def bound(name: str, role: str, kind: str = "ClusterRole", **labels: str) -> Json:
        return {
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name, "labels": {key.replace("_", "/"): v for key, v in labels.items()}},
            "roleRef": {"kind": kind, "name": role},
            "subjects": [{"kind": "ServiceAccount", "namespace": "x", "name": "y"}],
        }  # fmt: skip

    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    roles: list[Json] = [
        {"metadata": {"name": "god"}, "rules": [*PODS, everything]},
        {"metadata": {"name": "reader"}, "rules": [{**everything, "verbs": ["get"]}]},
        {"metadata": {"name": "empty"}, "rules": None},
    ]
    bindings = [
        bound("a", "cluster-admin"),
        bound("b", "god"),
        bound("c", "reader"),
        bound("d", "god", kind="Role"),
        bound("e", "cluster-admin", kubernetes_io="x"),
    ]
    bindings[-1]["metadata"]["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    ours = bound("f", "cluster-admin")
    ours["metadata"]["labels"] = {objects.MANAGED_BY: "kubecarrier"}
    found = administrators([*bindings, ours], roles)
    assert [(one.ref.name, one.role, one.subjects) for one in found] == [
        ("a", "cluster-admin", ("ServiceAccount x/y",)),
        ("b", "god", ("ServiceAccount x/y",)),
    ]
