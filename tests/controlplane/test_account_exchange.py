"""The portal's own account in place of an administrator's credential: made, tried, enough for everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.following import follow
from accounts.models import AuditEntry, Binding, User
from accounts.tasks import summarize_bindings
from fleet.connection import token_subject
from fleet.grants.portal_account import NAMESPACE, SUBJECT
from fleet.inventory.watching import InventoryWatcher
from fleet.models import Cluster, ClusterGrant, InventoryObject
from fleet.queries import connection_of
from fleet.tasks import drain_nodes, read_catalogues, reconcile_grants, reconcile_kubeconfigs
from tests.controlplane.conftest import Tool
from tests.controlplane.faults import Controller
from tests.db.rights import bind, client_of
from tests.portal import Portal, eventually, web_chart
from tools.controlplane import ControlPlane, ControlPlaneError


@pytest.fixture(autouse=True)
def _nothing_of_earlier_portals(clusters: dict[str, ControlPlane]) -> Iterator[None]:
    """Each test is a portal of its own; at the end the cluster has its account no more."""
    _clean(clusters)
    yield
    _clean(clusters)


def _clean(clusters: dict[str, ControlPlane]) -> None:
    ours = ("-l", "app.kubernetes.io/managed-by=kubecarrier", "--ignore-not-found")
    for plane in clusters.values():
        plane.kubectl("delete", "clusterroles,clusterrolebindings", *ours)
        plane.kubectl("delete", "rolebindings", "-A", *ours)
        plane.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


@pytest.fixture
def one(portal: Portal, cluster_one: ControlPlane) -> Portal:
    portal.import_cluster(cluster_one)
    eventually(lambda: portal.ready("clusters/one"))
    portal.local_repository(web_chart("0.1.0"))
    return portal


def granted() -> bool:
    """One round of grants; whether all of them are in force."""
    reconcile_grants()
    summarize_bindings()
    rows = ClusterGrant.objects.all()
    return rows.exists() and all(one.ready == "True" for one in rows)


def exchanged(portal: Portal) -> Cluster:
    portal.call("post", "clusters/one/exchange", code=202)
    return Cluster.objects.get(name="one")


def test_made_tried_and_swapped(one: Portal, kubectl: Tool, cluster_one: ControlPlane) -> None:
    before = connection_of(Cluster.objects.get(name="one"))
    assert before.client_key_pem  # an administrator's certificate
    row = exchanged(one)
    now = connection_of(row)
    assert (now.client_key_pem, now.client_cert_pem, now.server) == (None, None, before.server)
    assert token_subject(now) == SUBJECT
    status = one.call("get", "clusters/one")["status"]
    assert status["credentialExchangedAt"]
    assert status["credentialExpiresAt"] is None
    assert AuditEntry.objects.filter(event="credential-exchanged").count() == 1
    assert str(now.token) not in json.dumps(
        list(AuditEntry.objects.values_list("changes")), default=str
    )
    eventually(lambda: one.ready("clusters/one"))
    # Once more: the same account, nothing breaks.
    exchanged(one)
    eventually(lambda: one.ready("clusters/one"))
    # Another credential is nobody's but whoever brought it.
    one.call("post", "clusters/one/rotate", {"kubeconfig": cluster_one.kubeconfig.read_text()})
    assert one.call("get", "clusters/one")["status"]["credentialExchangedAt"] is None


def test_a_projects_chart_is_deployed_with_it(one: Portal, cluster_one: ControlPlane) -> None:
    """It gives the project's account its rights, and acts as it."""
    exchanged(one)
    spec = {"placement": {"clusters": ["one"]}, "namespaces": [{"name": "exchanged-team"}]}
    one.call("put", "projects/team", {"spec": spec})
    body = {
        "chart": "local/web", "namespace": "exchanged-team", "placement": {"clusters": ["one"]},
    }  # fmt: skip
    one.call("put", "applications/shop", {"metadata": {"project": "team"}, "spec": body})
    eventually(lambda: one.ready("releases/shop.one"))
    one.call("delete", "applications/shop")
    eventually(lambda: one.gone("applications/shop"))
    cluster_one.kubectl("delete", "namespace", "exchanged-team", "--wait=false")


def test_the_manifest_by_hand_is_the_same(
    one: Portal, kubectl: Tool, cluster_one: ControlPlane, tmp_path: Path
) -> None:
    text = one.call("get", "clusters/one/account-manifest")["manifest"]
    file = tmp_path / "account.yaml"
    file.write_text(text)
    kubectl("apply", "-f", str(file), cluster=cluster_one)
    token = eventually(lambda: _token(kubectl, cluster_one))
    one.call("post", "clusters/one/rotate", {"token": token})
    assert one.call("get", "clusters/one")["status"]["credentialExchangedAt"]
    eventually(lambda: one.ready("clusters/one"))


def _token(kubectl: Tool, plane: ControlPlane) -> str:
    path = "go-template={{.data.token | base64decode}}"
    try:
        return kubectl(
            "get", "secret", "kubecarrier-token", "-n", NAMESPACE, "-o", path, cluster=plane
        )
    except ControlPlaneError:
        return ""


def test_it_is_enough_for_everything(
    one: Portal,
    namespace: str,
    kubectl: Tool,
    helm: Tool,
    cluster_one: ControlPlane,
    tmp_path: Path,
) -> None:
    exchanged(one)
    # Rights: the built-in cluster-admin, a group of today, one of tomorrow.
    ann = User.objects.create_user("ann", "ann@example.org", "a-long-password")
    early, late = Group.objects.create(name="early"), Group.objects.create(name="late")
    bound = bind(ann, "editor", clusters=["one"])
    bound.users.clear()
    bound.groups.add(late)
    follow(bound)
    ann.groups.add(early, late)
    eventually(granted)
    assert _can(kubectl, cluster_one, "list", "pods", "--as-group", "kubecarrier:group:late")
    # People: superusers as themselves, others by their group; one who holds nothing is refused.
    one.call("get", "clusters/one/resources/core/v1/configmaps")
    hers = client_of(ann).get(f"/api/v1/clusters/one/resources/core/v1/pods?namespace={namespace}")
    assert hers.status_code == 200, hers.content
    assert _impersonated(cluster_one) >= {"kubecarrier:admin", "kubecarrier:ann"}
    # A chart, in a namespace that is not there yet; an upgrade; its end.
    place = {"placement": {"clusters": ["one"]}}
    one.apply("shop", chart="local/web", version="0.1.0", namespace=f"{namespace}-shop", **place)
    eventually(lambda: one.ready("releases/shop.one"))
    one.call("post", "applications/shop/scale", {"replicas": 2})
    eventually(lambda: one.release("shop.one")["revision"] == 2 and one.ready("releases/shop.one"))
    assert "shop" in helm("list", "-n", f"{namespace}-shop", "-q", cluster=cluster_one)
    # Config: a ConfigMap and a Secret.
    for kind, name in (("ConfigMap", "settings"), ("Secret", "keys")):
        spec = {"type": kind, "namespaces": [namespace], "data": {"a": "b"}, **place}
        one.call("put", f"configitems/{name}", {"spec": spec})
    eventually(lambda: one.ready("configitems/settings") and one.ready("configitems/keys"))
    assert kubectl("get", "secret", "keys", "-n", namespace, "-o", "name", cluster=cluster_one)
    # A project with its namespace and quota.
    project = {
        **place,
        "namespaces": [{"name": f"{namespace}-team"}],
        "quota": {"hard": {"pods": "3"}},
    }
    one.call("put", "projects/team", {"spec": project})
    eventually(lambda: one.ready("projects/team"))
    # The inventory's watches.
    with Controller(InventoryWatcher()):
        eventually(_inventoried)
    # A drain, as the person who asked.
    node = one.call("get", "nodes?cluster=one")["items"][0]["metadata"]["name"]
    operation = one.call(
        "post", f"clusters/one/nodes/{node}/drain", {"gracePeriodSeconds": 0}, code=202
    )
    path = f"operations/{operation['operation']['metadata']['name']}"

    def drained() -> Any:
        drain_nodes()
        return one.call("get", path)["status"]["finished"]

    eventually(drained)
    assert one.call("get", path)["status"]["succeeded"], one.call("get", path)
    one.call("post", f"clusters/one/nodes/{node}/uncordon")
    # Somebody's kubeconfig.
    response = client_of(ann).post("/api/v1/clusters/one/kubeconfig", {}, format="json")
    assert response.status_code == 201, response.content
    eventually(lambda: reconcile_kubeconfigs() or granted())
    # And all of it goes again.
    one.call("delete", "applications/shop")
    eventually(lambda: one.gone("applications/shop"))
    for name in ("settings", "keys"):
        one.call("delete", f"configitems/{name}")
    eventually(lambda: one.gone("configitems/settings") and one.gone("configitems/keys"))
    assert not Binding.objects.exclude(ready="True").exists()


def _inventoried() -> bool:
    read_catalogues()
    return InventoryObject.objects.filter(kind="Deployment", name="shop").exists()


def _can(kubectl: Tool, plane: ControlPlane, *question: str) -> bool:
    """As the portal's own account would ask: by kubectl, as the administrator, impersonating."""
    try:
        said = kubectl("auth", "can-i", *question, "--as", "kubecarrier:nobody", cluster=plane)
    except ControlPlaneError as error:
        said = str(error)
    return said.strip().startswith("yes")


def _impersonated(plane: ControlPlane) -> set[str]:
    """Whom the portal's own account acted as, by the API server's audit log."""
    lines = [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
    return {
        one["impersonatedUser"]["username"]
        for one in lines
        if one["user"].get("username") == SUBJECT and one.get("impersonatedUser")
    }


def test_nobody_becomes_a_master_through_it(
    one: Portal, kubectl: Tool, cluster_one: ControlPlane, tmp_path: Path
) -> None:
    row = exchanged(one)
    file = tmp_path / "portal.yaml"
    connection = connection_of(row)
    kubectl("config", "set-cluster", "one", f"--server={connection.server}",
            "--insecure-skip-tls-verify", f"--kubeconfig={file}", cluster=cluster_one)  # fmt: skip
    base = (f"--kubeconfig={file}", f"--token={connection.token}", "--cluster=one")
    for group in ("system:masters", "system:nodes", "kubecarrier:group:unknown"):
        with pytest.raises(ControlPlaneError, match="cannot impersonate"):
            kubectl(
                "get", "ns", *base, "--as=kubecarrier:x", f"--as-group={group}", cluster=cluster_one
            )
    said = kubectl("auth", "whoami", *base, "-o", "yaml", cluster=cluster_one)
    assert SUBJECT in said


def test_somebody_else_s_account_is_left_alone(
    one: Portal, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    kubectl("create", "namespace", NAMESPACE, cluster=cluster_one)
    kubectl("create", "serviceaccount", "kubecarrier", "-n", NAMESPACE, cluster=cluster_one)
    before = connection_of(Cluster.objects.get(name="one"))
    answer = one.call("post", "clusters/one/exchange", code=409)
    assert answer["error"]["code"] == "account_foreign"
    assert connection_of(Cluster.objects.get(name="one")) == before
    found = kubectl("get", "clusterroles", "-o", "name", cluster=cluster_one)
    assert "kubecarrier:portal" not in found


def test_a_credential_that_may_not_make_it_stays(
    one: Portal, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    kubectl("create", "clusterrolebinding", "kc-test-viewer", "--clusterrole=view",
            "--user=some-viewer", cluster=cluster_one)  # fmt: skip
    try:
        weak = cluster_one.client_certificate("some-viewer")
        row = Cluster.objects.get(name="one")
        from fleet.kubeconfig import choose_context
        from fleet.services.clusters import _set_connection

        _set_connection(row, choose_context(weak).connection)
        row.save()
        before = connection_of(Cluster.objects.get(name="one"))
        answer = one.call("post", "clusters/one/exchange", code=422)
        assert answer["error"]["code"] == "kube_forbidden"
        assert connection_of(Cluster.objects.get(name="one")) == before
    finally:
        kubectl("delete", "clusterrolebinding", "kc-test-viewer", cluster=cluster_one)
