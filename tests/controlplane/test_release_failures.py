"""What goes wrong with releases on real clusters, and what becomes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.controlplane.looks import deployments, helm_list
from tests.faultproxy import FaultProxy, Mode
from tests.portal import FAILING_HOOK, Portal, chart, eventually, web_chart, work
from tools.controlplane import ControlPlane, binaries

pytestmark = pytest.mark.django_db(transaction=True)

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-cm}
data: {v: {{ .Values.v | quote }}}
"""


def bad_chart(version: str, *, hook: bool) -> bytes:
    files = {"templates__cm_yaml": CONFIG, "values_yaml": "v: one\n"}
    if hook:
        files["templates__hook_yaml"] = FAILING_HOOK.replace(
            "pre-install,pre-upgrade", "post-install,post-upgrade"
        )
    return chart("bad", version, **files)


def app_spec(namespace: str, **more: Any) -> dict[str, Any]:
    return {
        "chart": "local/web",
        "version": "0.1.0",
        "namespace": namespace,
        "placement": {"clusters": ["one"]},
        "timeoutSeconds": 15,
        **more,
    }


def stalled(fleet: Portal, release: str) -> bool:
    return fleet.condition(f"releases/{release}", "Stalled").get("status") == "True"


def config_value(kubectl: Any, plane: ControlPlane, namespace: str, name: str) -> str:
    return str(
        kubectl(
            "get",
            "configmap",
            name,
            "-n",
            namespace,
            "--ignore-not-found",
            "-o",
            "jsonpath={.data.v}",
            cluster=plane,
        )
    )


@pytest.mark.parametrize("policy", ["keep", "remove", "rollback"])
def test_failed_install(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, helm: Any, kubectl: Any, policy: str
) -> None:
    fleet.upload("local", bad_chart("1.0.0", hook=True))
    fleet.apply("bad", **app_spec(namespace, chart="local/bad", version="1.0.0", onFailure=policy))
    eventually(lambda: stalled(fleet, "bad.one"))
    left = config_value(kubectl, cluster_one, namespace, "bad-cm")
    listed = helm_list(helm, cluster_one, namespace)
    if policy == "keep":
        assert left == "one"
        assert listed["bad"]["status"] == "failed"
    else:
        assert left == ""
        assert listed == {}
    before = fleet.release("bad.one")["helmRevision"]
    work()
    assert fleet.release("bad.one")["helmRevision"] == before, (
        "a failed deployment is not tried again"
    )
    error = fleet.release("bad.one")["lastOperation"]["error"]
    assert "hook" in error.lower() or "deadline" in error.lower() or "failed" in error.lower()


def test_failed_upgrade_rolls_back(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, helm: Any, kubectl: Any
) -> None:
    fleet.upload("local", bad_chart("1.0.0", hook=False))
    fleet.upload("local", bad_chart("2.0.0", hook=True))
    spec = app_spec(namespace, chart="local/bad", version="1.0.0", onFailure="rollback")
    fleet.apply("bad", **spec)
    eventually(lambda: fleet.ready("applications/bad"))
    fleet.apply("bad", **{**spec, "version": "2.0.0", "values": "v: two\n"})
    eventually(lambda: stalled(fleet, "bad.one"))
    assert config_value(kubectl, cluster_one, namespace, "bad-cm") == "one"
    assert helm_list(helm, cluster_one, namespace)["bad"]["chart"] == "bad-1.0.0"


@pytest.mark.parametrize("keep", [True, False])
def test_keep_resources(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, helm: Any, kubectl: Any, keep: bool
) -> None:
    fleet.apply("shop", **app_spec(namespace, configMaps=[{"name": "beside", "data": {"v": "1"}}]))
    eventually(lambda: fleet.ready("applications/shop"))
    fleet.call("delete", f"applications/shop?keepResources={str(keep).lower()}")
    eventually(lambda: fleet.gone("applications/shop"))
    assert helm_list(helm, cluster_one, namespace) == {}
    assert deployments(kubectl, cluster_one, namespace) == ({"shop": 1} if keep else {})
    assert (config_value(kubectl, cluster_one, namespace, "beside") == "1") is keep
    if keep:
        text = kubectl(
            "get", "deployment", "shop", "-n", namespace, "-o", "json", cluster=cluster_one
        )
        assert json.loads(text)["metadata"]["annotations"]["kubecarrier.io/kept"]


def test_dependency_is_awaited(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    slow = app_spec(namespace, values="image: {repository: nginx}\nreplicaCount: 1\n")
    fleet.apply("base", **slow)
    fleet.apply("top", **app_spec(namespace, dependsOn=["base"]))
    fleet.call("post", "applications/base/suspend")
    work()
    assert fleet.release("top.one")["reason"] == "WaitingForDependency"
    assert "top" not in deployments(kubectl, cluster_one, namespace)
    fleet.call("post", "applications/base/resume")
    eventually(lambda: fleet.ready("applications/top"))
    assert fleet.ready("applications/base")
    fleet.apply("base", **{**slow, "version": "0.2.0"})
    fleet.apply("top", **app_spec(namespace, dependsOn=["base"], version="0.2.0"))
    eventually(lambda: fleet.ready("applications/top") and fleet.ready("applications/base"))
    cycle = fleet.client.put(
        "/api/v1/applications/base", {"spec": {**slow, "dependsOn": ["top"]}}, format="json"
    )
    assert cycle.json()["error"]["code"] == "dependency_cycle"


def test_changed_by_hand(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, helm: Any, kubectl: Any
) -> None:
    fleet.apply("shop", **app_spec(namespace))
    eventually(lambda: fleet.ready("applications/shop"))
    kubectl("scale", "deployment/shop", "-n", namespace, "--replicas=4", cluster=cluster_one)
    fleet_alarm("shop.one")
    eventually(lambda: fleet.release("shop.one")["drifted"] == "True")
    assert deployments(kubectl, cluster_one, namespace) == {"shop": 4}, "detect only shows it"
    drift = fleet.release("shop.one")["drift"]
    assert [(d["kind"], d["fields"]) for d in drift] == [("Deployment", ["spec.replicas"])]

    fleet.apply("shop", **app_spec(namespace, driftPolicy="correct"))
    eventually(lambda: deployments(kubectl, cluster_one, namespace) == {"shop": 1})
    healed = json.loads(
        kubectl("get", "deployment", "shop", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert healed["metadata"]["annotations"]["meta.helm.sh/release-name"] == "shop"
    kubectl("delete", "service", "shop", "-n", namespace, cluster=cluster_one)
    fleet_alarm("shop.one")
    eventually(lambda: "shop" in kubectl("get", "services", "-n", namespace, cluster=cluster_one))

    fleet.apply("shop", **app_spec(namespace, driftPolicy="detect", version="0.2.0"))
    eventually(lambda: fleet.ready("applications/shop"))
    helm("rollback", "shop", "1", "-n", namespace, cluster=cluster_one)
    fleet_alarm("shop.one")
    eventually(
        lambda: fleet.condition("releases/shop.one", "Drifted").get("reason") == "ChangedByHelm"
    )


def fleet_alarm(release: str) -> None:
    """What the controller's watch does when something of a release moved."""
    from django.db.models import F
    from django.db.models.functions import Now

    from apps.models import Release

    Release.objects.filter(name=release).status_update(
        alarm=F("alarm") + 1, next_reconcile_at=Now()
    )


def test_hanging_cluster_leaves_the_other_alone(
    portal: Portal,
    cluster_one: ControlPlane,
    cluster_two: ControlPlane,
    namespace: str,
    kubectl: Any,
) -> None:
    host, port = cluster_two.server.removeprefix("https://").split(":")
    with FaultProxy((host, int(port))) as proxy:
        portal.import_cluster(cluster_one)
        config = cluster_two.kubeconfig.read_text().replace(
            cluster_two.server, f"https://127.0.0.1:{proxy.port}"
        )
        body = {"kubeconfig": config, "name": "two"}
        assert portal.call("post", "clusters/import", body)["items"][0]["result"] == "created"
        eventually(lambda: portal.ready("clusters/one") and portal.ready("clusters/two"))
        portal.local_repository(web_chart())
        proxy.drop()
        proxy.behave(Mode.HANG)
        spec = app_spec(namespace, placement={"clusters": ["one", "two"]})
        portal.apply("shop", **spec)
        eventually(lambda: portal.ready("releases/shop.one"), seconds=60)
        assert deployments(kubectl, cluster_one, namespace) == {"shop": 1}
        eventually(
            lambda: (
                portal.release("shop.two")["health"] == "Unknown"
                and not portal.ready("clusters/two")
            )
        )
        assert proxy.faults[Mode.HANG] > 0, "the fault happened"
        proxy.drop()
        proxy.behave(Mode.FORWARD)
        portal.call("post", "clusters/two/probe")
        eventually(lambda: portal.ready("applications/shop"), seconds=120)
        assert deployments(kubectl, cluster_two, namespace) == {"shop": 1}


def test_dead_cluster_is_removed_at_once(
    portal: Portal, cluster_one: ControlPlane, namespace: str, helm: Any
) -> None:
    host, port = cluster_one.server.removeprefix("https://").split(":")
    with FaultProxy((host, int(port))) as proxy:
        config = cluster_one.kubeconfig.read_text().replace(
            cluster_one.server, f"https://127.0.0.1:{proxy.port}"
        )
        portal.call("post", "clusters/import", {"kubeconfig": config, "name": "one"})
        eventually(lambda: portal.ready("clusters/one"))
        portal.local_repository(web_chart())
        portal.apply("shop", **app_spec(namespace))
        eventually(lambda: portal.ready("applications/shop"))
        proxy.drop()
        proxy.behave(Mode.REFUSE)
    portal.call("delete", "clusters/one?policy=orphan")
    assert portal.gone("clusters/one")
    assert portal.gone("releases/shop.one")
    removed = portal.call("get", "operations?verb=remove")["items"][0]["status"]
    assert [target["name"] for target in removed["targets"]] == ["shop.one"]
    assert "Left in the cluster" in removed["targets"][0]["message"]
    assert "shop" in helm_list(helm, cluster_one, namespace), "orphan leaves everything"


def test_cleanup_removal(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, helm: Any, kubectl: Any
) -> None:
    fleet.apply("shop", **app_spec(namespace))
    eventually(lambda: fleet.ready("applications/shop"))
    fleet.call("delete", "clusters/one?policy=cleanup")
    eventually(lambda: fleet.gone("clusters/one"))
    assert helm_list(helm, cluster_one, namespace) == {}
    assert deployments(kubectl, cluster_one, namespace) == {}


GATE = "kubecarrier-test-gate"
GATED_HOOK = FAILING_HOOK.replace("activeDeadlineSeconds: 1", "activeDeadlineSeconds: 600").replace(
    "{no: such}", f"{{{GATE}: open}}"
)


def worker() -> subprocess.Popen[bytes]:
    """Another process that reconciles releases on this test's database."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "kubecarrier.settings.test",
        "KUBECARRIER_DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "KUBECARRIER_HELM": str(binaries().path("helm")),
    }
    code = "import django; django.setup(); from apps.tasks import reconcile_releases; reconcile_releases()"
    return subprocess.Popen([sys.executable, "-c", code], env=environment)


def killed_in(status: str, helm: Any, plane: ControlPlane, namespace: str) -> None:
    """Start a worker, wait until Helm's record is pending, and kill it with -9."""
    child = worker()
    deadline = time.monotonic() + 60
    while True:
        listed = json.loads(helm("list", "--pending", "-n", namespace, "-o", "json", cluster=plane))
        if listed and listed[0]["status"] == status:
            break
        assert time.monotonic() < deadline, f"no {status} record"
        time.sleep(0.2)
    child.send_signal(signal.SIGKILL)
    child.wait()


def open_gate(kubectl: Any, plane: ControlPlane, *, shut: bool = False) -> None:
    mark = f"{GATE}-" if shut else f"{GATE}=open"
    kubectl("label", "nodes", "--all", "--overwrite", mark, cluster=plane)


def test_worker_killed_in_install_and_upgrade(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, helm: Any, kubectl: Any
) -> None:
    files = {
        "templates__cm_yaml": CONFIG,
        "values_yaml": "v: one\n",
        "templates__hook_yaml": GATED_HOOK,
    }
    fleet.upload("local", chart("gated", "1.0.0", **files))
    fleet.upload("local", chart("gated", "2.0.0", **files))
    spec = app_spec(namespace, chart="local/gated", version="1.0.0", timeoutSeconds=300)
    fleet.apply("gated", **spec)
    try:
        killed_in("pending-install", helm, cluster_one, namespace)
        open_gate(kubectl, cluster_one)
        eventually(lambda: fleet.ready("applications/gated"), seconds=120)
        assert helm_list(helm, cluster_one, namespace)["gated"]["status"] == "deployed"

        open_gate(kubectl, cluster_one, shut=True)
        fleet.apply("gated", **{**spec, "version": "2.0.0", "values": "v: two\n"})
        killed_in("pending-upgrade", helm, cluster_one, namespace)
        open_gate(kubectl, cluster_one)
        eventually(lambda: fleet.ready("applications/gated"), seconds=120)
    finally:
        open_gate(kubectl, cluster_one, shut=True)
    assert config_value(kubectl, cluster_one, namespace, "gated-cm") == "two"
    pending = helm("list", "--pending", "-n", namespace, "-q", cluster=cluster_one)
    assert pending.strip() == ""
    history = json.loads(
        helm("history", "gated", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert len(history) <= 4, "revisions are bounded by changes and attempts"


def test_helm_by_hand(
    fleet: Portal,
    cluster_one: ControlPlane,
    namespace: str,
    helm: Any,
    kubectl: Any,
    tmp_path: Path,
) -> None:
    """`helm upgrade` by hand carries our labels over, `helm uninstall` leaves nothing: both show."""
    fleet.apply("shop", **app_spec(namespace))
    eventually(lambda: fleet.ready("applications/shop"))
    archive = tmp_path / "web.tgz"
    archive.write_bytes(web_chart("0.2.0"))
    helm("upgrade", "shop", str(archive), "-n", namespace, cluster=cluster_one)
    fleet_alarm("shop.one")
    eventually(
        lambda: fleet.condition("releases/shop.one", "Drifted").get("reason") == "ChangedByHelm"
    )
    assert fleet.release("shop.one")["actualVersion"] == "0.1.0"

    helm("uninstall", "shop", "-n", namespace, cluster=cluster_one)
    fleet_alarm("shop.one")
    eventually(
        lambda: fleet.condition("releases/shop.one", "Drifted").get("reason") == "RemovedByHelm"
    )
    assert deployments(kubectl, cluster_one, namespace) == {}
    fleet.call("post", "releases/shop.one/redeploy")
    eventually(lambda: fleet.ready("applications/shop"))
    assert deployments(kubectl, cluster_one, namespace) == {"shop": 1}


def test_what_is_no_longer_beside_a_release_goes(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    kubectl(
        "create", "configmap", "foreign", "-n", namespace, "--from-literal=v=1", cluster=cluster_one
    )
    kubectl(
        "label",
        "configmap",
        "foreign",
        "-n",
        namespace,
        "app.kubernetes.io/managed-by=kubecarrier",
        cluster=cluster_one,
    )
    beside = [{"name": "old", "data": {"v": "1"}}]
    fleet.apply("shop", **app_spec(namespace, configMaps=beside))
    eventually(lambda: fleet.ready("applications/shop"))
    assert config_value(kubectl, cluster_one, namespace, "old") == "1"
    fleet.apply("shop", **app_spec(namespace, configMaps=[{"name": "new", "data": {"v": "2"}}]))
    eventually(lambda: fleet.ready("applications/shop"))
    assert config_value(kubectl, cluster_one, namespace, "old") == ""
    assert config_value(kubectl, cluster_one, namespace, "new") == "2"
    assert config_value(kubectl, cluster_one, namespace, "foreign") == "1", "not ours"


def test_paused_is_looked_at_and_left_alone(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    fleet.apply("shop", **app_spec(namespace, driftPolicy="correct"))
    eventually(lambda: fleet.ready("applications/shop"))
    fleet.call("post", "clusters/one/suspend")
    kubectl("scale", "deployment/shop", "-n", namespace, "--replicas=3", cluster=cluster_one)
    fleet_alarm("shop.one")
    eventually(lambda: fleet.release("shop.one")["drifted"] == "True")
    fleet.apply("shop", **app_spec(namespace, driftPolicy="correct", version="0.2.0"))
    eventually(lambda: fleet.release("shop.one")["reason"] == "Paused")
    assert deployments(kubectl, cluster_one, namespace) == {"shop": 3}
    assert fleet.release("shop.one")["actualVersion"] == "0.1.0"
    fleet.call("post", "clusters/one/resume")
    eventually(lambda: fleet.ready("applications/shop"))
    assert deployments(kubectl, cluster_one, namespace) == {"shop": 1}
