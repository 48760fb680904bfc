"""A cluster whose network fails in every way while config items change: the others go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings

from fleet.kube import breaker
from fleet.tasks import reconcile_config_copies
from tests.controlplane.config_items import data, save
from tests.controlplane.faults import behind_proxy, heal, import_through, in_thread, wait
from tests.controlplane.invariants import (
    CONVERGED_SECONDS,
    invariants,
    unknown_since,
)
from tests.faultproxy import FaultProxy, Mode
from tests.portal import Portal, eventually, work
from tools.controlplane import ControlPlane

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = [f"settings-{number}" for number in range(6)]
#: A call's own budget is 10 s; what is beside it is this machine's.
CALL_SECONDS = 14.0
_SILENT = {"KubeTimedOut", "KubeCircuitOpen", "KubeUnreachable", "TimedOut", "Unreachable"}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent server is asked again after three seconds instead of fifteen."""
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 3.0)


@pytest.fixture
def proxy(cluster_two: ControlPlane) -> Iterator[FaultProxy]:
    with behind_proxy(cluster_two) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Spread:
    """Six config items on two clusters, the second behind the proxy."""

    portal: Portal
    one: ControlPlane
    two: ControlPlane
    proxy: FaultProxy
    namespace: str

    def change(self, value: str) -> None:
        for name in ITEMS:
            self.portal.call("post", f"configitems/{name}/set", {"data": {"v": value}})

    def ready(self, cluster: str = "") -> bool:
        """Every copy, or those of one cluster."""
        copies = self.portal.call("get", "configcopies")["items"]
        mine = [c for c in copies if not cluster or c["metadata"]["name"].split(".")[1] == cluster]
        current = (
            c["status"]["observedGeneration"] >= c["metadata"]["generation"]
            and c["status"]["ready"] == "True"
            for c in mine
        )
        return len(mine) >= len(ITEMS) and all(current)

    def revision(self, name: str) -> int:
        found = self.portal.call("get", f"configitems/{name}/revisions")["items"]
        return int(found[0]["number"])

    def reasons(self) -> set[str]:
        """Why the copies on the second cluster are not known."""
        copies = (f"configcopies/{name}.two.{self.namespace}" for name in ITEMS)
        return {unknown_since(self.portal, copy) for copy in copies}

    def cut_off(self) -> bool:
        found = self.portal.condition("clusters/two", "Reachable")
        return bool(found.get("status") == "False" and found["reason"])


@pytest.fixture
def spread(
    portal: Portal,
    cluster_one: ControlPlane,
    cluster_two: ControlPlane,
    proxy: FaultProxy,
    namespace: str,
) -> Spread:
    """Six config items on two clusters, the second behind the proxy."""
    portal.import_cluster(cluster_one)
    import_through(portal, cluster_two, proxy)
    eventually(lambda: portal.ready("clusters/one") and portal.ready("clusters/two"))
    for name in ITEMS:
        # Two-way: a write of ours that is not recognised would come back as somebody's change.
        save(portal, name, namespace, propagation="two-way", data={"big": "x" * 100_000, "v": "1"})
    made = Spread(portal, cluster_one, cluster_two, proxy, namespace)
    eventually(made.ready)
    return made


Inject = Callable[[FaultProxy], None]
# The kept connections have shaken hands before: what is silent there is silent after TLS.
FAULTS: dict[str, tuple[Mode, Inject]] = {
    "accepts TCP and never answers": (
        Mode.HANG,
        lambda p: p.behave(Mode.HANG, drop=True),
    ),
    "silent after TLS": (Mode.HANG_AFTER, lambda p: p.behave(Mode.HANG_AFTER, limit=0)),
    "silent after the headers": (
        Mode.HANG_AFTER,
        lambda p: p.behave(Mode.HANG_AFTER, limit=40_000),
    ),
    "one byte per second": (Mode.DRIP, lambda p: p.behave(Mode.DRIP, rate=1)),
    "reset after the request was sent": (
        Mode.RESET_AFTER,
        lambda p: p.behave(Mode.RESET_AFTER, limit=0),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_cluster_fails_and_the_other_converges(
    spread: Spread, kubectl: Any, fault: str
) -> None:
    mode, inject = FAULTS[fault]
    proxy, namespace = spread.proxy, spread.namespace
    with invariants(spread.one, spread.two) as (_, two):
        spread.change("2")
        inject(proxy)
        proxy.most = 0
        begun = time.monotonic()
        reconcile_config_copies()
        assert time.monotonic() - begun < CALL_SECONDS, "each call has its end"
        assert spread.ready("one")
        assert data(kubectl, spread.one, namespace, ITEMS[0])["v"] == "2"
        assert spread.reasons() <= _SILENT, "I5: unknown since then, and why"
        assert proxy.faults[mode] > 0, "the fault happened"
        assert proxy.most <= 2 * settings.KUBECARRIER_CALLS_PER_CLUSTER, "kept and new ones"
        eventually(spread.cut_off)

        heal(proxy)
        spread.portal.call("post", "clusters/two/probe")
        eventually(spread.ready, seconds=CONVERGED_SECONDS)
        for name in ITEMS:
            assert data(kubectl, spread.two, namespace, name)["v"] == "2"
            assert spread.revision(name) == 2, "our own writes are known as ours"
            assert two.writes(name=name)["patch"] <= 2, "once, and once more where none was heard"


def test_an_api_server_killed_in_the_middle_of_a_fan_out(spread: Spread, kubectl: Any) -> None:
    with invariants(spread.one, spread.two) as (_, two):
        spread.change("2")
        spread.proxy.behave(Mode.LATENCY, delay=0.4)
        fan_out = threading.Thread(target=in_thread(reconcile_config_copies))
        fan_out.start()
        wait(lambda: two.writes()["patch"])
        spread.two.crash()
        fan_out.join(60)
        assert not fan_out.is_alive()
        assert 0 < two.writes()["patch"] < len(ITEMS), "in the middle"
        assert spread.ready("one")
        eventually(spread.cut_off)
        spread.proxy.behave(Mode.FORWARD)
        spread.two.start()
        spread.portal.call("post", "clusters/two/probe")
        eventually(spread.ready, seconds=CONVERGED_SECONDS)
        for name in ITEMS:
            assert data(kubectl, spread.two, spread.namespace, name)["v"] == "2"
            assert spread.revision(name) == 2
            assert two.writes(name=name)["patch"] <= 2


def test_two_of_four_flap_and_the_others_are_undisturbed(
    portal: Portal,
    cluster_one: ControlPlane,
    cluster_two: ControlPlane,
    bare: list[ControlPlane],
    namespace: str,
    kubectl: Any,
) -> None:
    """Twelve seconds of coming and going while a value changes again and again."""
    steady, flapping = [cluster_one, cluster_two], bare
    with (
        behind_proxy(flapping[0]) as first,
        behind_proxy(flapping[1]) as second,
        invariants(*steady, *flapping) as witnesses,
    ):
        for plane in steady:
            portal.import_cluster(plane)
        for plane, proxy in zip(flapping, (first, second), strict=True):
            import_through(portal, plane, proxy)
        save(portal, "settings", namespace, placement={"selector": "*"})
        eventually(lambda: portal.ready("configitems/settings"))
        ends_at = time.monotonic() + 12
        flaps = rounds = 0
        modes = (Mode.REFUSE, Mode.FORWARD, Mode.HANG, Mode.FORWARD)
        while time.monotonic() < ends_at:
            for proxy in (first, second):
                proxy.drop()
                proxy.behave(modes[flaps % len(modes)])
            flaps += 1
            rounds += 1
            portal.call("post", "configitems/settings/set", {"data": {"size": str(rounds)}})
            work()
            for plane in steady:
                assert data(kubectl, plane, namespace, "settings")["size"] == str(rounds)
        assert flaps > 3
        assert sum(first.faults.values()) + sum(second.faults.values()) > 0
        for proxy in (first, second):
            heal(proxy)
        for plane in flapping:
            portal.call("post", f"clusters/{plane.name}/probe")
        eventually(lambda: portal.ready("configitems/settings"), seconds=CONVERGED_SECONDS)
        for plane in flapping:
            assert data(kubectl, plane, namespace, "settings")["size"] == str(rounds)
        assert all(w.writes(name="settings")["patch"] <= rounds + 1 for w in witnesses)
