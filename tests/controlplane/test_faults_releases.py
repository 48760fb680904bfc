"""Releases whose cluster or worker dies in the middle of a Helm run: none stays locked, none is doubled."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.tasks import reconcile_releases
from tests.controlplane.faults import behind_proxy, heal, import_through, in_thread, wait
from tests.controlplane.invariants import (
    CONVERGED_SECONDS,
    Witness,
    invariants,
    revisions,
    unknown_since,
)
from tests.controlplane.looks import deployments, helm_list
from tests.controlplane.test_release_failures import (
    CONFIG,
    GATED_HOOK,
    config_value,
    open_gate,
    worker,
)
from tests.faultproxy import FaultProxy, Mode
from tests.portal import FAILING_HOOK, Portal, chart, eventually, web_chart
from tools.controlplane import ControlPlane

pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]
APPS = [f"web-{number}" for number in range(4)]
PRE = "pre-install,pre-upgrade"


@pytest.fixture
def proxy(cluster_two: ControlPlane) -> Iterator[FaultProxy]:
    with behind_proxy(cluster_two) as running:
        yield running


@pytest.fixture
def both(
    portal: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane, proxy: FaultProxy
) -> Portal:
    """Two clusters, the second behind the proxy, and a chart."""
    portal.import_cluster(cluster_one)
    import_through(portal, cluster_two, proxy)
    eventually(lambda: portal.ready("clusters/one") and portal.ready("clusters/two"))
    portal.local_repository(web_chart("0.1.0"), web_chart("0.2.0"))
    return portal


def deploy(portal: Portal, namespace: str, version: str) -> None:
    spec = {
        "chart": "local/web",
        "version": version,
        "namespace": namespace,
        "placement": {"clusters": ["one", "two"]},
        "timeoutSeconds": 60,
    }
    for name in APPS:
        portal.apply(name, **spec)


def begun(witness: Witness) -> int:
    """How many Helm records were made."""
    found = (e for e in witness.entries("create") if (e.get("objectRef") or {}).get("name", ""))
    return sum(str(e["objectRef"]["name"]).startswith("sh.helm.release.v1.") for e in found)


def ready(portal: Portal) -> bool:
    return all(portal.ready(f"applications/{name}") for name in APPS)


@pytest.mark.parametrize(
    "fault", ["killed", "reset", pytest.param("silent", marks=pytest.mark.slow)]
)
def test_a_cluster_fails_in_the_middle_of_upgrades(
    both: Portal, clusters: Any, proxy: FaultProxy, namespace: str, fault: str
) -> None:
    """Helm runs end in the middle; every release ends at its new version, and is deployed once."""
    one, two = clusters["one"], clusters["two"]
    with invariants(one, two) as (_, witness):
        deploy(both, namespace, "0.1.0")
        eventually(lambda: ready(both), seconds=CONVERGED_SECONDS)
        made = begun(witness)
        deploy(both, namespace, "0.2.0")
        proxy.behave(Mode.LATENCY, delay=0.1)
        upgrades = threading.Thread(target=in_thread(reconcile_releases))
        upgrades.start()
        wait(lambda: begun(witness) > made)
        inject(fault, proxy, two)
        upgrades.join(90)
        assert not upgrades.is_alive(), "no Helm run outlives its time-out"
        eventually(lambda: all(both.ready(f"releases/{name}.one") for name in APPS))
        assert any(unknown_since(both, f"releases/{name}.two") for name in APPS), "I5"
        if fault == "killed":
            two.start()
        else:
            assert proxy.faults[proxy.mode] > 0, "the fault happened"
        heal(proxy)
        both.call("post", "clusters/two/probe")
        eventually(lambda: ready(both), seconds=CONVERGED_SECONDS + 60)
        for name in APPS:
            states = revisions(two, namespace, name)
            assert states[-1] == "deployed"
            assert states.count("deployed") == 1
            assert len(states) <= 4, "one for each change, and a few attempts"
            assert both.release(f"{name}.two")["actualVersion"] == "0.2.0"


def inject(fault: str, proxy: FaultProxy, plane: ControlPlane) -> None:
    match fault:
        case "killed":
            plane.crash()
        case "reset":
            proxy.behave(Mode.RESET_AFTER, limit=0)
        case _:
            proxy.behave(Mode.HANG)


# --- killed workers -----------------------------------------------------------------------------


def killed_when(found: Callable[[], bool]) -> None:
    """A worker of its own, killed with -9 once something is so."""
    child = worker()
    wait(found, 60)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL


def gated(version: str, hook: str, **more: str) -> bytes:
    files = {
        "templates__cm_yaml": CONFIG,
        "values_yaml": "v: one\n",
        "templates__gate_yaml": GATED_HOOK.replace(PRE, hook).replace("-hook", "-gate"),
        **more,
    }
    return chart("gated", version, **files)


def status(helm: Any, plane: ControlPlane, namespace: str, flag: str) -> list[str]:
    listed = json.loads(helm("list", flag, "-n", namespace, "-o", "json", cluster=plane))
    return [str(item["status"]) for item in listed]


@pytest.mark.slow
def test_a_worker_killed_in_a_rollback(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, helm: Any, kubectl: Any
) -> None:
    failing = FAILING_HOOK.replace(PRE, "post-upgrade")
    fleet.upload("local", gated("1.0.0", "pre-rollback"))
    fleet.upload("local", gated("2.0.0", "pre-rollback", templates__hook_yaml=failing))
    spec = {
        "chart": "local/gated",
        "version": "1.0.0",
        "namespace": namespace,
        "placement": {"clusters": ["one"]},
        "timeoutSeconds": 120,
        "onFailure": "rollback",
    }
    with invariants(cluster_one, deletes=[("jobs", "gated-gate")]):  # before the hook runs again
        fleet.apply("gated", **spec)
        eventually(lambda: fleet.ready("applications/gated"))
        fleet.apply("gated", **{**spec, "version": "2.0.0", "values": "v: two\n"})
        try:
            killed_when(
                lambda: status(helm, cluster_one, namespace, "--pending") == ["pending-rollback"]
            )
            open_gate(kubectl, cluster_one)
            eventually(
                lambda: fleet.release("gated.one")["lastOperation"].get("remedied"),
                seconds=CONVERGED_SECONDS + 60,
            )
        finally:
            open_gate(kubectl, cluster_one, shut=True)
    assert config_value(kubectl, cluster_one, namespace, "gated-cm") == "one"
    assert helm_list(helm, cluster_one, namespace)["gated"]["chart"] == "gated-1.0.0"
    assert len(revisions(cluster_one, namespace, "gated")) <= 5


@pytest.mark.slow
def test_a_worker_killed_in_an_uninstall(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, helm: Any, kubectl: Any
) -> None:
    fleet.upload("local", gated("1.0.0", "pre-delete"))
    fleet.apply(
        "gated",
        chart="local/gated",
        version="1.0.0",
        namespace=namespace,
        placement={"clusters": ["one"]},
        timeoutSeconds=120,
    )
    eventually(lambda: fleet.ready("applications/gated"))
    try:
        with invariants(cluster_one, deletes=[("configmaps", "gated-cm"), ("jobs", "gated-gate")]):
            fleet.call("delete", "applications/gated")
            killed_when(
                lambda: status(helm, cluster_one, namespace, "--uninstalling") == ["uninstalling"]
            )
            open_gate(kubectl, cluster_one)
            eventually(lambda: fleet.gone("applications/gated"), seconds=CONVERGED_SECONDS + 60)
    finally:
        open_gate(kubectl, cluster_one, shut=True)
    assert helm_list(helm, cluster_one, namespace) == {}
    assert config_value(kubectl, cluster_one, namespace, "gated-cm") == ""
    assert deployments(kubectl, cluster_one, namespace) == {}
