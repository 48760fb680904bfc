"""Access in real clusters: what they allow, what differs from what is granted, and what is left over."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Binding, User
from accounts.services.bindings import binding_delete
from fleet.models import Cluster, ClusterGrant
from tests.controlplane.conftest import Tool
from tests.controlplane.test_cluster_grants import can, eventually, gone, in_force
from tests.db.rights import bind, client_of, role
from tests.portal import Portal
from tools.controlplane import ControlPlane

Json = dict[str, Any]
PODS = [{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}]
NAME = "kubecarrier:ann-pods"


@pytest.fixture
def ann(fleet: Portal) -> User:
    """Somebody who reads pods on both clusters."""
    user = User.objects.create_user("ann", "ann@example.org", "a-long-password")
    role("pods", "clusters.view", "resources.view", rules=PODS)
    in_force(bind(user, "pods", selector="*"))
    eventually(lambda: ClusterGrant.objects.filter(ready="True").count() == 4, what="all granted")
    return user


def drift(fleet: Portal, **query: str) -> Json:
    response = fleet.client.get("/api/v1/accessreviews/drift", query)
    assert response.status_code == 200, response.content
    return dict(response.json())


def states(found: Json) -> list[tuple[Any, ...]]:
    return [(one["cluster"], one["state"], one["kind"]) for one in found["items"]]


def make(kubectl: Tool, plane: ControlPlane, *objects: Json) -> None:
    """Put objects into the cluster by hand."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": objects}, file)
    kubectl("apply", "-f", file.name, cluster=plane)
    Path(file.name).unlink()


def bound(name: str, *subjects: str, role_name: Any = "cluster-admin", **metadata: Any) -> Json:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, **metadata},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role_name,
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": one}
            for one in subjects
        ],
    }


def test_what_people_change_in_a_cluster_is_drift(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane, cluster_two: ControlPlane
) -> None:
    """No pass runs meanwhile: the report reads the clusters by itself."""
    clean = drift(fleet)
    assert clean["items"] == []
    assert [(one["cluster"], one["known"], one["grants"]) for one in clean["clusters"]] == [
        ("one", True, 2),
        ("two", True, 2),
    ]
    ours = {
        "labels": {"app.kubernetes.io/managed-by": "kubecarrier"},
        "annotations": {"kubecarrier.io/owner": "binding/00000000-0000-0000-0000-000000000000"},
    }
    mine = Binding.objects.get(name="ann-pods")
    extra = {**ours, "annotations": {"kubecarrier.io/owner": f"binding/{mine.pk}"}}
    try:
        kubectl("delete", "clusterrolebinding", NAME, cluster=cluster_one)
        make(
            kubectl,
            cluster_two,
            bound("kubecarrier:left-over", "kubecarrier:eve", **ours),
            bound("kubecarrier:ann-more", "kubecarrier:ann", **extra),
        )
        patch = [{"op": "add", "path": "/subjects/-", "value": {
            "kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"}}]  # fmt: skip
        kubectl("patch", "clusterrolebinding", NAME, "--type=json", "-p", json.dumps(patch),
                cluster=cluster_two)  # fmt: skip
        found = drift(fleet)
        assert sorted(states(found)) == [
            ("one", "Missing", "ClusterRoleBinding"),
            ("two", "Differs", "ClusterRoleBinding"),
            ("two", "Extra", "ClusterRoleBinding"),
            ("two", "Orphaned", "ClusterRoleBinding"),
        ]
        differs = next(one for one in found["items"] if one["state"] == "Differs")
        assert differs["message"] == "Subjects: too many User mallory."
        assert differs["binding"] == "ann-pods"
        assert states(drift(fleet, cluster="one")) == [("one", "Missing", "ClusterRoleBinding")]
        left = fleet.call("get", "accessreviews/orphans")["items"]
        assert ("two", "kubecarrier:left-over") in {
            (one["cluster"], one["name"]) for one in left if one["reason"] == "ObjectOrphaned"
        }
        ClusterGrant.objects.status_update(next_reconcile_at="2000-01-01T00:00:00Z")
        eventually(
            lambda: states(drift(fleet)) == [("two", "Orphaned", "ClusterRoleBinding")],
            what="the grants heal",
        )
    finally:
        kubectl("delete", "clusterrolebinding", "kubecarrier:left-over", "kubecarrier:ann-more",
                "--ignore-not-found", cluster=cluster_two)  # fmt: skip
    binding_delete(actor=None, row=mine)
    gone(mine)


def test_a_name_that_somebody_else_has_and_a_role_that_was_edited(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    patch = [{"op": "add", "path": "/rules/0/verbs/-", "value": "delete"}]
    kubectl("patch", "clusterrole", NAME, "--type=json", "-p", json.dumps(patch), cluster=cluster_one)  # fmt: skip
    kubectl("annotate", "clusterrolebinding", NAME, "kubecarrier.io/owner-", cluster=cluster_one)
    kubectl("label", "clusterrolebinding", NAME, "app.kubernetes.io/managed-by-", cluster=cluster_one)  # fmt: skip
    found = drift(fleet, cluster="one")["items"]
    assert {(one["kind"], one["state"]) for one in found} == {
        ("ClusterRole", "Differs"),
        ("ClusterRoleBinding", "Foreign"),
    }
    text = next(one["message"] for one in found if one["state"] == "Differs")
    assert text == (
        "Rules: missing get/list pods,pods/log; too many get/list/delete pods,pods/log."
    )
    kubectl("delete", "clusterrolebinding", NAME, cluster=cluster_one)
    mine = Binding.objects.get(name="ann-pods")
    binding_delete(actor=None, row=mine)
    gone(mine)


def test_a_cluster_that_is_down_is_unknown_since_it_was_seen(
    fleet: Portal, ann: User, cluster_one: ControlPlane
) -> None:
    seen = Cluster.objects.get(name="one").last_seen_at
    cluster_one.pause()
    try:
        found = drift(fleet)
        one, two = found["clusters"]
        assert (one["known"], two["known"], two["findings"]) == (False, True, 0)
        assert seen is not None
        assert one["at"] == seen.isoformat().replace("+00:00", "Z")
        assert one["code"]
        assert states(found) == [("one", "Unknown", None)]
        left = fleet.call("get", "accessreviews/orphans?cluster=one")["items"]
        assert [(o["reason"], o["name"]) for o in left] == [("ClusterUnknown", "one")]
        body = {"verb": "get", "resource": "pods"}
        refused = fleet.client.post("/api/v1/clusters/one/can-i", body, format="json")
        assert refused.status_code == 503, refused.content
    finally:
        cluster_one.resume()
    fleet.call("post", "clusters/one/probe")
    eventually(lambda: drift(fleet)["clusters"][0]["known"], what="it answers again")
    mine = Binding.objects.get(name="ann-pods")
    binding_delete(actor=None, row=mine)
    gone(mine)


def test_can_i_says_what_kubectl_says(
    fleet: Portal, ann: User, kubectl: Tool, cluster_one: ControlPlane, namespace: str
) -> None:
    def asked(client: APIClient, **body: str) -> Json:
        response = client.post("/api/v1/clusters/one/can-i", body, format="json")
        assert response.status_code == 200, response.content
        return dict(response.json())

    for verb, resource, ns in (
        ("get", "pods", ""), ("list", "po", namespace), ("delete", "pods", namespace),
        ("get", "secrets", ""), ("create", "deployments.apps", namespace), ("get", "nodes", ""),
        ("get", "/healthz", ""), ("get", "/metrics", ""), ("*", "*", ""),
    ):  # fmt: skip
        said = asked(fleet.client, verb=verb, resource=resource, namespace=ns, user="ann")
        assert said["allowed"] == can(kubectl, cluster_one, "ann", verb, resource, ns=ns), said
    mine = asked(client_of(ann), verb="get", resource="pods", namespace=namespace)
    assert (mine["allowed"], mine["binding"]) == (True, "ann-pods")
    assert mine["portal"] == {"right": "resources.view", "allowed": True}
    assert mine["actsAs"] == "kubecarrier:ann"
    log = asked(client_of(ann), verb="get", resource="pods", subresource="log")
    assert log["allowed"]
    assert not asked(client_of(ann), verb="create", resource="pods", subresource="exec")["allowed"]
    assert asked(fleet.client, verb="delete", resource="nodes")["allowed"]
    refused = client_of(ann).post(
        "/api/v1/clusters/one/can-i", {"verb": "get", "resource": "pods", "user": "admin"},
        format="json",
    )  # fmt: skip
    assert refused.status_code == 403
    for body, code in (
        ({"verb": "get", "resource": "unicorns"}, 404),
        ({"verb": "GET!", "resource": "pods"}, 400),
    ):
        answer = fleet.client.post("/api/v1/clusters/one/can-i", body, format="json")
        assert answer.status_code == code, answer.content
    query = {"verb": "get", "resource": "pods", "namespace": namespace}
    bindings = fleet.client.get("/api/v1/clusters/one/who-can", query)
    held = {(one["name"], one["binding"], one["user"]) for one in bindings.json()["items"]}
    assert ("kubecarrier:ann", NAME, "ann") in held
    assert ("system:masters", "cluster-admin", None) in held
    nobody = fleet.client.get("/api/v1/clusters/one/who-can?verb=delete&resource=pods")
    assert not any(one["user"] == "ann" for one in nobody.json()["items"])
    bound_to_ann = Binding.objects.get(name="ann-pods")
    binding_delete(actor=None, row=bound_to_ann)
    gone(bound_to_ann)
    assert not asked(fleet.client, verb="get", resource="pods", user="ann")["allowed"]


def test_foreign_administrators(
    fleet: Portal, kubectl: Tool, cluster_one: ControlPlane, namespace: str
) -> None:
    everything = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"{namespace}-god"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }
    inside = bound(f"{namespace}-inside", "mallory")
    inside |= {"kind": "RoleBinding"}
    inside["metadata"]["namespace"] = namespace
    try:
        make(
            kubectl, cluster_one, everything, inside,
            bound(f"{namespace}-old", "bob"), bound(f"{namespace}-view", "bob", role_name="view"),
            bound(f"{namespace}-god", "eve", role_name=f"{namespace}-god"),
        )  # fmt: skip
        left = fleet.call("get", "accessreviews/orphans?cluster=one")["items"]
        found = {
            (one["name"], one["kind"], one["namespace"]): one["message"]
            for one in left
            if one["reason"] == "ForeignAdministrator" and one["name"].startswith(namespace)
        }
        assert found == {
            (f"{namespace}-old", "ClusterRoleBinding", None): (
                "Gives cluster-admin to User bob; it is not ours."
            ),
            (f"{namespace}-god", "ClusterRoleBinding", None): (
                f"Gives {namespace}-god to User eve; it is not ours."
            ),
            (f"{namespace}-inside", "RoleBinding", namespace): (
                "Gives cluster-admin to User mallory; it is not ours."
            ),
        }
        assert not any(one["name"] == "cluster-admin" for one in left)
    finally:
        kubectl(
            "delete", "clusterrolebinding", f"{namespace}-old", f"{namespace}-view",
            f"{namespace}-god", cluster=cluster_one,
        )  # fmt: skip
        kubectl("delete", "clusterrole", f"{namespace}-god", cluster=cluster_one)
