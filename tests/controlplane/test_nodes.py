"""Nodes of a real cluster operated over REST and the command line; kubectl checks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from typer.testing import CliRunner

from accounts.models import AuditEntry, User
from accounts.services import tokens
from fleet.models import Node, NodeDrain
from fleet.reconcilers.drain import NodeDrainReconciler
from fleet.tasks import drain_nodes, probe_clusters
from kubecarrier.cli.app import app
from kubecarrier.lib import lease
from tests.controlplane.test_resources import deployment, deployments, soon
from tests.portal import Portal
from tools.controlplane import ControlPlane, ControlPlaneError

pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]


@pytest.fixture
def one(portal: Portal, cluster_one: ControlPlane) -> Portal:
    portal.import_cluster(cluster_one)
    probe_clusters()
    return portal


@pytest.fixture
def node(one: Portal, cluster_one: ControlPlane) -> Iterator[str]:
    """A node that is as it was afterwards."""
    name = cluster_one.api.get("/api/v1/nodes")["items"][0]["metadata"]["name"]
    yield name
    cluster_one.kubectl("uncordon", name)
    with suppress(ControlPlaneError):
        cluster_one.kubectl("taint", "node", name, "tier-")


def kube_node(plane: ControlPlane, name: str) -> Json:
    return dict(json.loads(plane.kubectl("get", "node", name, "-o", "json")))


def pods_on(plane: ControlPlane, namespace: str, node: str) -> list[Json]:
    text = plane.kubectl(
        "get", "pods", "-n", namespace, "-o", "json", f"--field-selector=spec.nodeName={node}"
    )
    return list(json.loads(text)["items"])


def placed(portal: Portal, plane: ControlPlane, namespace: str, node: str, count: int) -> None:
    """Pods of a deployment that run on that very node, but may go elsewhere."""
    obj = deployment(namespace, replicas=count)
    preferred = {
        "weight": 100,
        "preference": {
            "matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
            ]
        },
    }
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred]}}
    obj["spec"]["template"]["spec"]["affinity"] = affinity
    portal.call("post", deployments(namespace), obj, code=201)
    soon(lambda: len([
        p for p in pods_on(plane, namespace, node) if p["status"]["phase"] == "Running"
    ]) >= 1 and portal.call("get", deployments(namespace, "web"))["status"].get("readyReplicas") == count)  # fmt: skip


def worked(path: str, portal: Portal, seconds: float = 40.0) -> Json:
    """Drain until the operation is finished."""

    def finished() -> Any:
        drain_nodes()
        found = portal.call("get", path)["status"]
        return found if found["finished"] else None

    return dict(soon(finished, seconds))


def test_cordon_label_taint(one: Portal, node: str, cluster_one: ControlPlane) -> None:
    path = f"clusters/one/nodes/{node}"
    assert one.call("post", f"{path}/cordon?dryRun=All")["object"]["spec"]["unschedulable"] is True
    assert "unschedulable" not in kube_node(cluster_one, node)["spec"]
    one.call("post", f"{path}/cordon")
    assert kube_node(cluster_one, node)["spec"]["unschedulable"] is True
    (entry,) = AuditEntry.objects.filter(event="node-cordon")
    assert (entry.changes, entry.changes_text) == (
        {"spec.unschedulable": [False, True]}, f"cordon Node {node}",
    )  # fmt: skip
    one.call("post", f"{path}/uncordon")
    assert not kube_node(cluster_one, node)["spec"].get("unschedulable")
    one.call("post", f"{path}/label", {"labels": {"disk": "ssd", "zone": "a"}})
    one.call("post", f"{path}/label", {"labels": {"zone": None}})
    labels = kube_node(cluster_one, node)["metadata"]["labels"]
    assert labels["disk"] == "ssd"
    assert "zone" not in labels
    taint = {"key": "tier", "value": "db", "effect": "PreferNoSchedule"}
    one.call("post", f"{path}/taint", {"add": [taint]})
    assert taint in kube_node(cluster_one, node)["spec"]["taints"]
    one.call("post", f"{path}/taint", {"remove": [{"key": "tier"}]})
    assert taint not in (kube_node(cluster_one, node)["spec"].get("taints") or [])
    wrong = {"add": [{**taint, "effect": "Explode"}]}
    assert one.call("post", f"{path}/taint", wrong, code=400)["error"]["field"] == "add.0.effect"
    assert one.call("post", f"{path}/label", {"labels": {"a b": "x"}}, code=400)
    assert one.call("get", "clusters/one/nodes/none", code=404)["error"]["code"] == "kube_not_found"


def test_what_is_on_a_node(
    one: Portal, node: str, namespace: str, cluster_one: ControlPlane
) -> None:
    placed(one, cluster_one, namespace, node, 1)
    found = one.call("get", f"clusters/one/nodes/{node}")
    assert found["allocatable"]["cpu_millicores"] > 0
    assert found["used"] is None  # no metrics API is served here
    assert {c["type"] for c in found["conditions"]} >= {"Ready"}
    mine = [pod for pod in found["pods"] if pod["namespace"] == namespace]
    assert [pod["owner"].partition("/")[0] for pod in mine] == ["ReplicaSet"]

    probe_clusters()
    console, row = Client(), Node.objects.get(name=node)
    console.force_login(User.objects.get(username="admin"))
    page = console.get(f"/admin/fleet/node/{row.pk}/change/").content.decode()
    assert "Requested of allocatable" in page
    assert f"/admin/fleet/node/{row.pk}/pods/" in page
    pods = console.get(f"/admin/fleet/node/{row.pk}/pods/").content.decode()
    assert f"/{namespace}/{mine[0]['name']}/" in pods


def test_drain_respects_budgets_and_daemon_sets(
    one: Portal, node: str, namespace: str, cluster_one: ControlPlane, kubectl: Any
) -> None:
    placed(one, cluster_one, namespace, node, 2)
    daemon = deployment(namespace, "agent")
    daemon["kind"] = "DaemonSet"
    del daemon["spec"]["replicas"]
    one.call("post", "clusters/one/resources/apps/v1/daemonsets", daemon, code=201)
    kubectl("rollout", "status", "ds/agent", "-n", namespace, "--timeout=30s", cluster=cluster_one)
    budget = ("create", "pdb", "web", "-n", namespace, "--selector=app=web")
    kubectl(*budget, "--min-available=2", cluster=cluster_one)
    there = {p["metadata"]["uid"] for p in pods_on(cluster_one, namespace, node)}
    soon(lambda: json.loads(kubectl("get", "pdb", "web", "-n", namespace, "-o", "json", cluster=cluster_one))
         ["status"].get("currentHealthy") == 2)  # fmt: skip
    path = f"clusters/one/nodes/{node}"
    dry = one.call("post", f"{path}/drain?dryRun=All", {})
    assert any(name.startswith(f"{namespace}/web-") for name in dry["evict"])
    assert f"{namespace}/agent" in json.dumps(dry["ignored"])
    started = one.call("post", f"{path}/drain", {"gracePeriodSeconds": 0}, code=202)
    operation = f"operations/{started['operation']['metadata']['name']}"
    assert one.call("post", f"{path}/drain", {}, code=409)["error"]["code"] == "drain_running"
    drain_nodes_once()
    targets = {t["name"]: t for t in one.call("get", operation)["status"]["targets"]}
    held = [t for name, t in targets.items() if name.startswith(namespace)]
    assert held
    assert all("Held back" in t["message"] for t in held), held
    assert there <= {p["metadata"]["uid"] for p in pods_on(cluster_one, namespace, node)}
    assert kube_node(cluster_one, node)["spec"]["unschedulable"] is True
    kubectl("delete", "pdb", "web", "-n", namespace, cluster=cluster_one)
    NodeDrain.objects.status_update(next_reconcile_at=Now())
    done = worked(operation, one)
    assert done["succeeded"], done["targets"]
    left = pods_on(cluster_one, namespace, node)
    assert [p["metadata"]["ownerReferences"][0]["kind"] for p in left] == ["DaemonSet"]
    again = one.call("post", f"{path}/drain", {}, code=202)  # nothing to do: done at once
    assert worked(f"operations/{again['operation']['metadata']['name']}", one)["succeeded"]


def drain_nodes_once() -> None:
    """One pass, as a worker that is killed after it would leave it."""
    (claim,) = lease.claim_due(NodeDrain, limit=1, lease_seconds=30)
    reconciler = NodeDrainReconciler()
    (job,) = reconciler.load([claim])
    reconciler.record(job, reconciler.run(job))


def test_a_killed_drain_goes_on_elsewhere(
    one: Portal, node: str, namespace: str, cluster_one: ControlPlane
) -> None:
    placed(one, cluster_one, namespace, node, 1)
    started = one.call(
        "post", f"clusters/one/nodes/{node}/drain", {"gracePeriodSeconds": 0}, code=202
    )
    (claim,) = lease.claim_due(NodeDrain, limit=1, lease_seconds=0)
    reconciler = NodeDrainReconciler()
    (job,) = reconciler.load([claim])
    result = reconciler.run(job)  # it acts, and is killed before it records
    done = worked(f"operations/{started['operation']['metadata']['name']}", one)
    assert done["succeeded"]
    reconciler.record(job, result)  # what comes too late is dropped
    assert NodeDrain.objects.get().pods_left == 0


def test_refused_cancelled_and_out_of_time(
    one: Portal, node: str, namespace: str, cluster_one: ControlPlane, kubectl: Any
) -> None:
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lonely", "namespace": namespace},
        "spec": {"nodeName": node, "containers": [{"name": "x", "image": "x"}]},
    }  # fmt: skip
    cluster_one.api.create(f"/api/v1/namespaces/{namespace}/pods", pod)
    path = f"clusters/one/nodes/{node}"
    refused = one.call("post", f"{path}/drain", {}, code=409)["error"]
    assert refused["code"] == "drain_refused"
    assert {"pod": f"{namespace}/lonely", "why": "NoController"} in refused["data"]["pods"]
    assert one.call("post", f"{path}/drain/cancel", code=404)["error"]["code"] == "drain_missing"
    for end in ("cancel", "deadline"):
        started = one.call("post", f"{path}/drain", {"force": True, "timeoutSeconds": 5}, code=202)
        operation = f"operations/{started['operation']['metadata']['name']}"
        if end == "cancel":
            one.call("post", f"{path}/drain/cancel", code=202)
        else:
            NodeDrain.objects.filter(finished_at=None).get()
            from kubecarrier.lib import audit

            with audit.unaudited("a test moves the clock"):
                NodeDrain.objects.filter(finished_at=None).update(deadline_at=Now())
        done = worked(operation, one)
        assert not done["succeeded"]
        assert {t["status"] for t in done["targets"]} == {"failed"}
        assert kubectl("get", "pod", "lonely", "-n", namespace, "-o", "name", cluster=cluster_one)


def test_the_command(
    one: Portal,
    node: str,
    live_server: Any,
    monkeypatch: pytest.MonkeyPatch,
    cluster_one: ControlPlane,
) -> None:
    _, secret = tokens.token_create(user=User.objects.get(username="admin"), name="cli")
    monkeypatch.setenv("KUBECARRIER_URL", live_server.url)
    monkeypatch.setenv("KUBECARRIER_TOKEN", secret)

    def run(*args: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["node", *args, "--cluster", "one"])
        assert done.exit_code == code, done.output
        return done.output

    assert run("cordon", node) == f"node/{node} cordoned\n"
    assert kube_node(cluster_one, node)["spec"]["unschedulable"] is True
    run("uncordon", node)
    run("label", node, "disk=ssd", "gone-")
    run("taint", node, "tier=db:NoSchedule")
    assert "tier" in run("describe", node)
    run("taint", node, "tier:NoSchedule-")
    assert "usage" in run("taint", node, "tier", code=2)
    assert f"node/{node} draining (server dry run)" in run(
        "drain", node, "--dry-run", "--force", "--delete-emptydir-data"
    )
