"""Objects that would give more than their maker holds: what real API servers make of them.

Pod Security by the labels that a project puts on its namespaces, and Kubernetes' own rule that
nobody gives by RBAC what he does not hold, which counts for people because they act as themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from accounts.tasks import summarize_bindings
from fleet.models import ClusterGrant, Namespace
from fleet.tasks import reconcile_grants
from kubecarrier.lib.audit import Outcome
from tests.db.rights import bind, client_of, role
from tests.portal import Json, Portal, chart, eventually
from tools.controlplane import ControlPlane, ControlPlaneError

pytestmark = pytest.mark.django_db(transaction=True)
BASELINE = {"pod-security.kubernetes.io/enforce": "baseline"}
HOST = {"name": "host", "hostPath": {"path": "/"}}
CONTAINER = {
    "name": "c", "image": "nginx", "volumeMounts": [{"name": "host", "mountPath": "/host"}],
}  # fmt: skip
POD_SPEC = {"volumes": [HOST], "containers": [CONTAINER]}
RBAC = "rbac.authorization.k8s.io"
POD_CHART = """
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-canary}
spec:
  volumes: [{name: host, hostPath: {path: /}}]
  containers: [{name: c, image: nginx, volumeMounts: [{name: host, mountPath: /host}]}]
"""
DEPLOYMENT_CHART = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-canary}
spec:
  replicas: 1
  selector: {matchLabels: {app: canary}}
  template:
    metadata: {labels: {app: canary}}
    spec:
      volumes: [{name: host, hostPath: {path: /}}]
      containers: [{name: c, image: nginx, volumeMounts: [{name: host, mountPath: /host}]}]
"""


@pytest.fixture
def team(fleet: Portal, cluster_one: ControlPlane) -> Iterator[str]:
    """The namespace of project `team`, whose pods keep to the baseline; it takes Pods from charts."""
    name = f"team-{uuid.uuid4().hex[:8]}"
    spec = {
        "placement": {"clusters": ["one"]}, "namespaces": [{"name": name}],
        "namespaceLabels": BASELINE,
    }  # fmt: skip
    fleet.call("put", "projects/team", {"spec": spec}, code=201)
    eventually(lambda: fleet.ready("projects/team"))
    yield name
    cluster_one.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture
def lead(fleet: Portal, team: str) -> APIClient:
    """Leads the team: edits in its namespace, and makes Roles there, as far as Kubernetes lets her."""
    user = User.objects.create_user("lena", "lena@example.org", "a-long-password")
    every = ["get", "list", "create", "update", "patch", "delete"]
    pods = {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": every}
    rules = [{"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": every}, pods]
    verbs = ("view", "create", "edit", "delete")
    role("leading", "clusters.view", *(f"resources.{one}" for one in verbs), rules=rules)
    fleet.call("post", "clusters/one/probe")
    eventually(lambda: Namespace.objects.filter(cluster__name="one", name=team).exists())
    bind(user, "leading", name=f"lead-of-{team}", clusters=["one"], namespaces=[team])

    def granted() -> bool:
        reconcile_grants()
        summarize_bindings()
        grants = ClusterGrant.objects.filter(binding__name=f"lead-of-{team}")
        return grants.exists() and all(one.ready == "True" for one in grants)

    eventually(granted)
    return client_of(user)


def deploy(portal: Portal, name: str, template: str, namespace: str) -> None:
    portal.upload("local", chart(name, templates__x_yaml=template))
    spec = {"chart": f"local/{name}", "namespace": namespace, "placement": {"clusters": ["one"]}}
    portal.call("put", "applications/shop", {"metadata": {"project": "team"}, "spec": spec})


def pods_of(plane: ControlPlane, namespace: str) -> str:
    return plane.kubectl("get", "pods", "-n", namespace, "-o", "name")


def test_a_chart_with_a_pod_that_mounts_the_node(
    fleet: Portal, team: str, cluster_one: ControlPlane
) -> None:
    """The API server refuses the Pod; the release says so and what was broken, and nothing runs."""
    deploy(fleet, "barepod", POD_CHART, team)
    condition = eventually(lambda: _stands_still(fleet), what="the release stands still")
    assert "violates PodSecurity" in condition["message"], condition
    assert "hostPath" in condition["message"]
    assert not fleet.ready("releases/shop.one")
    assert pods_of(cluster_one, team) == ""


def test_a_chart_with_a_deployment_that_mounts_the_node(
    fleet: Portal, team: str, cluster_one: ControlPlane
) -> None:
    """Of a Deployment Pod Security refuses the pods: it is there, none of it runs, and that shows."""
    deploy(fleet, "workload", DEPLOYMENT_CHART, team)
    condition = eventually(lambda: _unhealthy(fleet), what="unhealthy")
    assert not fleet.ready("releases/shop.one")
    assert pods_of(cluster_one, team) == ""
    events = cluster_one.kubectl("get", "events", "-n", team)
    assert "violates PodSecurity" in events
    assert "hostPath" in condition["message"], condition


def _stands_still(portal: Portal) -> Json:
    found = portal.condition("releases/shop.one", "Stalled")
    return found if found.get("status") == "True" else {}


def _unhealthy(portal: Portal) -> Json:
    found = portal.condition("releases/shop.one", "Healthy")
    return found if found.get("status") == "False" else {}


def test_a_pod_by_hand_that_mounts_the_node(
    lead: APIClient, team: str, cluster_one: ControlPlane
) -> None:
    """As the person, live: refused with the API server's word, and on record."""
    path = "/api/v1/clusters/one/resources/core/v1/pods"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": team}}
    response = lead.post(path, {**pod, "spec": POD_SPEC}, format="json")
    assert response.status_code == 403, response.content
    assert "violates PodSecurity" in response.json()["error"]["message"]
    assert AuditEntry.objects.filter(event="resource-denied", result=Outcome.DENIED).exists()
    plain = {"containers": [{"name": "c", "image": "nginx"}]}
    assert lead.post(path, {**pod, "spec": plain}, format="json").status_code == 201
    assert pods_of(cluster_one, team) == "pod/x\n"


ROLES: dict[str, Json] = {
    "secrets": {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
    "escalate": {"apiGroups": [RBAC], "resources": ["roles"], "verbs": ["escalate"]},
    "bind": {"apiGroups": [RBAC], "resources": ["roles"], "verbs": ["bind"]},
    "impersonate": {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]},
    "everything": {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
}


def test_a_role_by_hand_gives_nothing_that_its_maker_lacks(
    lead: APIClient, team: str, cluster_one: ControlPlane
) -> None:
    """Kubernetes' own check is made of the person: the portal's account, which may all, is not asked."""
    base = f"/api/v1/clusters/one/resources/{RBAC}/v1"
    head = {"apiVersion": f"{RBAC}/v1", "kind": "Role"}
    for name, rule in ROLES.items():
        body = {**head, "metadata": {"name": name, "namespace": team}, "rules": [rule]}
        for send in (
            lambda body=body: lead.post(f"{base}/roles", body, format="json"),
            lambda body=body: _applied(lead, body),
        ):
            said = send().content.decode()
            assert "attempting to grant RBAC permissions not currently held" in said, said
    held = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    body = {**head, "metadata": {"name": "held", "namespace": team}, "rules": [held]}
    assert lead.post(f"{base}/roles", body, format="json").status_code == 201
    wider = {"rules": [ROLES["secrets"]]}
    patched = lead.patch(f"{base}/roles/{team}/held", wider, format="json")
    assert patched.status_code == 403, patched.content
    binding = {
        "apiVersion": f"{RBAC}/v1", "kind": "RoleBinding",
        "metadata": {"name": "me", "namespace": team},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "kubecarrier:lena"}],
    }  # fmt: skip
    bound = lead.post(f"{base}/rolebindings", binding, format="json")
    assert bound.status_code == 403, bound.content
    roles = cluster_one.kubectl("get", "roles", "-n", team, "-o", "name")
    assert roles == f"role.{RBAC}/held\n"
    with pytest.raises(ControlPlaneError, match="NotFound"):
        cluster_one.kubectl("get", "rolebinding", "me", "-n", team)
    refused = AuditEntry.objects.filter(event="resource-denied", result=Outcome.DENIED)
    assert refused.count() == 2 * len(ROLES) + 2


def _applied(client: APIClient, body: Json) -> Any:
    return client.post(
        "/api/v1/clusters/one/resources/apply", {"objects": [body], "force": True}, format="json"
    )
