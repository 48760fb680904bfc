"""Bindings in real clusters, asked of the clusters themselves."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.following import follow
from accounts.models import Binding, User
from accounts.services.bindings import binding_delete
from accounts.services.memberships import user_groups_set
from accounts.services.people import user_delete, user_save
from accounts.tasks import summarize_bindings
from fleet.models import ClusterGrant
from fleet.tasks import (
    probe_clusters,
    reconcile_grants,
    reconcile_project_copies,
    summarize_projects,
)
from tests.controlplane.conftest import Tool
from tests.db.rights import bind, client_of, role
from tests.portal import Portal
from tools.controlplane import ControlPlane, ControlPlaneError

SECONDS = 10.0  # the promise of a right given or taken
PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]


def eventually(found: Callable[[], Any], *, seconds: float = 60.0, what: str = "") -> Any:
    """Work on probes, grants and bindings until `found` answers something true."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or found}"
        probe_clusters()
        reconcile_project_copies()
        summarize_projects()
        reconcile_grants()
        summarize_bindings()
        time.sleep(0.1)
    return answer


def can(
    kubectl: Tool, plane: ControlPlane, who: str, *question: str, group: str = "", ns: str = ""
) -> bool:
    """`kubectl auth can-i` as a person (and as a member of a group)."""
    more = ["--as-group", f"kubecarrier:group:{group}"] if group else []
    where = ["-n", ns] if ns else []
    try:
        said = kubectl(
            "auth", "can-i", *question, "--as", f"kubecarrier:{who}", *more, *where, cluster=plane
        )
    except ControlPlaneError as error:  # “no” is exit code 1
        said = str(error)
    return said.strip().startswith("yes")


def ready(binding: Binding) -> bool:
    binding.refresh_from_db()
    grants = ClusterGrant.objects.filter(binding=binding)
    return bool(binding.ready == "True" and all(one.ready == "True" for one in grants))


def in_force(binding: Binding) -> None:
    eventually(lambda: ready(binding), seconds=SECONDS, what="binding in force")


def gone(binding: Binding) -> None:
    eventually(
        lambda: not Binding.objects.filter(pk=binding.pk).exists(),
        seconds=SECONDS,
        what="binding gone",
    )


@pytest.fixture
def ann(fleet: Portal) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a-long-password")


def test_given_and_taken_on_two_clusters(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane, cluster_two: ControlPlane
) -> None:
    planes = (cluster_one, cluster_two)
    assert not any(can(kubectl, plane, "ann", "list", "pods") for plane in planes)
    bound = bind(ann, "viewer")
    in_force(bound)
    for plane in planes:
        assert can(kubectl, plane, "ann", "list", "pods")
        assert not can(kubectl, plane, "ann", "delete", "pods")
        assert not can(kubectl, plane, "ann", "list", "secrets")
        assert not can(kubectl, plane, "ben", "list", "pods")
    binding_delete(actor=None, row=bound)
    gone(bound)
    assert not any(can(kubectl, plane, "ann", "list", "pods") for plane in planes)
    for plane in planes:
        left = kubectl("get", "clusterroles,clusterrolebindings", "-o", "name", cluster=plane)
        assert "kubecarrier:ann-viewer" not in left


def test_a_group_in_namespaces(
    fleet: Portal, ann: User, namespace: str, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    group = Group.objects.create(name="team")
    role("pods", rules=PODS)
    bound = bind(ann, "pods", clusters=["one"], namespaces=[namespace])
    bound.users.clear()
    bound.groups.add(group)
    follow(bound)
    fleet.call("post", "clusters/one/probe")
    eventually(lambda: bool(_namespaces(bound)), what="the namespace was seen")
    in_force(bound)
    ask: dict[str, Any] = {"group": "team"}
    assert can(kubectl, cluster_one, "ann", "list", "pods", ns=namespace, **ask)
    assert not can(kubectl, cluster_one, "ann", "list", "pods", ns=namespace)
    assert not can(kubectl, cluster_one, "ann", "list", "pods", ns="default", **ask)
    assert not can(kubectl, cluster_one, "ann", "list", "pods", "-A", **ask)
    binding_delete(actor=None, row=bound)
    gone(bound)
    assert not can(kubectl, cluster_one, "ann", "list", "pods", ns=namespace, **ask)


def _namespaces(bound: Binding) -> list[str]:
    grant = ClusterGrant.objects.get(binding=bound)
    return list(grant.wanted.get("namespaces") or [])


def test_a_project_is_held_in_its_namespaces_over_clusters(
    fleet: Portal, ann: User, kubectl: Tool, clusters: dict[str, ControlPlane]
) -> None:
    first, second, third = (f"team-{uuid.uuid4().hex[:8]}" for _ in range(3))
    planes = list(clusters.values())

    def project(*names: str, **placement: Any) -> None:
        where = placement or {"clusters": ["one", "two"]}
        spec = {"placement": where, "namespaces": [{"name": name} for name in names]}
        fleet.call("put", "projects/team", {"spec": spec})

    def held(*, where: list[ControlPlane], inside: set[str]) -> bool:
        """Whether pods may be deleted in exactly these namespaces of exactly these clusters."""
        return all(
            can(kubectl, plane, "ann", "delete", "pods", ns=name)
            == (plane in where and name in inside)
            for plane in planes
            for name in (first, second, third, "default")
        )

    try:
        project(first, second)
        bound = bind(ann, "editor", project="team")
        eventually(lambda: held(where=planes, inside={first, second}), what="in both namespaces")
        in_force(bound)
        bindings = kubectl("get", "rolebindings", "-A", "-o", "name", cluster=planes[0])
        assert bindings.count("kubecarrier:ann-editor") == 2
        assert not can(kubectl, planes[0], "ann", "delete", "pods", "-A")
        # A namespace comes, another leaves the project; both stay in the clusters.
        project(first, third)
        eventually(lambda: held(where=planes, inside={first, third}), what="the namespaces moved")
        assert kubectl("get", "namespace", second, "-o", "name", cluster=planes[0])
        # A cluster leaves.
        project(first, third, clusters=["one"])
        one = [clusters["one"]]
        eventually(lambda: held(where=one, inside={first, third}), what="a cluster left")
        binding_delete(actor=None, row=bound)
        eventually(lambda: held(where=[], inside=set()), seconds=SECONDS, what="taken")
    finally:
        for plane in planes:
            plane.kubectl("delete", "namespace", first, second, third, "--wait=false",
                          "--ignore-not-found")  # fmt: skip


def test_members_of_a_group_come_and_go(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    """The cluster knows the group; who is in it, the portal says at each call."""
    group = Group.objects.create(name="staff")
    bound = bind(ann, "viewer", name="staff", clusters=["one"])
    bound.users.clear()
    bound.groups.add(group)
    follow(bound)
    in_force(bound)
    pods = "/api/v1/clusters/one/resources/core/v1/pods"
    assert can(kubectl, cluster_one, "anybody", "list", "pods", group="staff")
    assert client_of(ann).get(pods).status_code == 404
    user_groups_set(user=ann, groups=[group])
    assert client_of(User.objects.get(pk=ann.pk)).get(pods).status_code == 200
    user_groups_set(user=ann, groups=[])
    assert client_of(User.objects.get(pk=ann.pk)).get(pods).status_code == 404
    binding_delete(actor=None, row=bound)
    gone(bound)
    assert not can(kubectl, cluster_one, "anybody", "list", "pods", group="staff")


def test_a_name_and_who_bears_it(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    """Renamed, deactivated, deleted: the cluster knows nobody of the old name within seconds."""
    bound = bind(ann, "viewer", name="looking", clusters=["one"])

    def may(*names: str) -> bool:
        asked = ("ann", "anna")
        return [n for n in asked if can(kubectl, cluster_one, n, "list", "pods")] == list(names)

    eventually(lambda: may("ann"), seconds=SECONDS)
    ann.username = "anna"
    user_save(user=ann)
    eventually(lambda: may("anna"), seconds=SECONDS, what="renamed")
    ann.is_active = False
    user_save(user=ann)
    eventually(may, seconds=SECONDS, what="left")
    ann.is_active = True
    user_save(user=ann)
    eventually(lambda: may("anna"), seconds=SECONDS, what="came back")
    user_delete(user=ann)
    eventually(may, seconds=SECONDS, what="deleted")
    binding_delete(actor=None, row=bound)
    gone(bound)


def test_an_edited_role_reaches_the_clusters(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane, cluster_two: ControlPlane
) -> None:
    role("changing", rules=PODS)
    bound = bind(ann, "changing")
    in_force(bound)
    more = [*PODS, {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}]
    for rules, deployments in ((more, True), (PODS, False)):
        fleet.call("put", "roles/changing", {"spec": {"permissions": [], "rules": rules}})
        for plane in (cluster_one, cluster_two):
            eventually(
                lambda plane=plane, wanted=deployments: (  # type: ignore[misc]
                    can(kubectl, plane, "ann", "list", "deployments.apps") == wanted
                ),
                seconds=SECONDS,
            )
            assert can(kubectl, plane, "ann", "list", "pods")
    binding_delete(actor=None, row=bound)
    gone(bound)


def test_a_selector_follows_labels(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane, cluster_two: ControlPlane
) -> None:
    bound = bind(ann, "viewer", selector="tier=gold")
    in_force(bound)
    assert not can(kubectl, cluster_two, "ann", "list", "pods")
    fleet.call("patch", "clusters/two", {"metadata": {"labels": {"tier": "gold"}}})
    in_force(bound)
    assert can(kubectl, cluster_two, "ann", "list", "pods")
    assert not can(kubectl, cluster_one, "ann", "list", "pods")
    fleet.call("patch", "clusters/two", {"metadata": {"labels": {"tier": None}}})
    eventually(lambda: not ClusterGrant.objects.filter(binding=bound).exists(), seconds=SECONDS)
    assert not can(kubectl, cluster_two, "ann", "list", "pods")
    binding_delete(actor=None, row=bound)


def test_what_somebody_edits_there_is_put_right_and_foreign_objects_stay(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    kubectl("create", "clusterrole", "kubecarrier:theirs", "--verb=get", "--resource=pods",
            cluster=cluster_one)  # fmt: skip
    try:
        bound = bind(ann, "viewer", clusters=["one"])
        in_force(bound)
        kubectl("delete", "clusterrolebinding", "kubecarrier:ann-viewer", cluster=cluster_one)
        ClusterGrant.objects.status_update(next_reconcile_at="2000-01-01T00:00:00Z")
        eventually(lambda: can(kubectl, cluster_one, "ann", "list", "pods"), seconds=SECONDS)
        in_force(bound)
        other = bind(ann, "viewer", name="theirs", clusters=["one"])
        eventually(
            lambda: (
                ClusterGrant.objects.get(binding=other).condition("Ready").get("reason")
                == "Foreign"
            ),
            seconds=SECONDS,
        )
        assert "theirs" in kubectl("get", "clusterroles", "-o", "name", cluster=cluster_one)
        for binding in (bound, other):
            binding_delete(actor=None, row=binding)
            gone(binding)
        assert "theirs" in kubectl("get", "clusterroles", "-o", "name", cluster=cluster_one)
    finally:
        kubectl("delete", "clusterrole", "kubecarrier:theirs", cluster=cluster_one)


def test_a_cluster_that_was_down_loses_a_right_at_its_return(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    bound = bind(ann, "viewer", clusters=["one"])
    in_force(bound)
    cluster_one.pause()
    try:
        binding_delete(actor=None, row=bound)
        grant = ClusterGrant.objects.get(binding=bound)
        fleet.call("post", "clusters/one/probe")
        eventually(lambda: ClusterGrant.objects.get(pk=grant.pk).ready == "Unknown", seconds=60)
        assert not ann.bindings.exclude(deletion_requested_at__isnull=False).exists()
    finally:
        cluster_one.resume()
    fleet.call("post", "clusters/one/probe")
    eventually(lambda: not Binding.objects.filter(pk=bound.pk).exists(), seconds=60)
    assert not can(kubectl, cluster_one, "ann", "list", "pods")


def test_the_superusers_group_is_in_every_cluster(
    fleet: Portal, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    bound = Binding.objects.get(name="administrators")
    eventually(lambda: ClusterGrant.objects.filter(binding=bound, ready="True").count() == 2)
    said = kubectl(
        "auth", "can-i", "delete", "nodes", "--as", "kubecarrier:admin",
        "--as-group", "kubecarrier:administrators", cluster=cluster_one,
    )  # fmt: skip
    assert said.strip().startswith("yes")


def test_what_superusers_do_live_they_do_as_themselves(
    fleet: Portal, cluster_one: ControlPlane
) -> None:
    bound = Binding.objects.get(name="administrators")
    eventually(lambda: ClusterGrant.objects.filter(binding=bound, ready="True").count() == 2)
    before = len(_audited(cluster_one))
    fleet.call("get", "clusters/one/resources/core/v1/configmaps")
    seen = _audited(cluster_one)[before:]
    impersonated = [one["impersonatedUser"] for one in seen if one.get("impersonatedUser")]
    assert any(
        one["username"] == "kubecarrier:admin" and "kubecarrier:administrators" in one["groups"]
        for one in impersonated
    )
    assert all(one["username"] for one in impersonated)


def _audited(plane: ControlPlane) -> list[dict[str, Any]]:
    return [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
