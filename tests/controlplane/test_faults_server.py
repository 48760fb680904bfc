"""API servers in trouble: their etcd stands still, they turn us away, they have forgotten the past."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from fleet import watch
from fleet.connection import Connection
from fleet.kube import Kube, Resource
from fleet.kube.tls import ssl_context
from fleet.kube_errors import TooManyRequests
from fleet.kubeconfig import choose_context
from fleet.watching.configs import ConfigWatcher
from kubecarrier.lib.watching import Event, EventType, WatchSpec
from tests.controlplane.config_items import data, edit, save
from tests.controlplane.faults import Controller, behind_proxy, heal, import_through
from tests.controlplane.invariants import (
    CONVERGED_SECONDS,
    Witness,
    invariants,
    unknown_since,
)
from tests.controlplane.test_watch import Seen, config_map, streaming, until
from tests.faultproxy import Mode
from tests.portal import Portal, eventually, work
from tools.controlplane import ControlPlane, Etcd

pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", namespaced=True)
SPEC = WatchSpec("v1", "ConfigMap", "watched=yes", page_limit=2)
OUTAGE_SECONDS = 30.0


@pytest.fixture
def namespace() -> str:
    """The portal makes it."""
    return f"test-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def three(bare: list[ControlPlane]) -> ControlPlane:
    return bare[0]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds instead of three quarters of a minute until a dead watch is noticed."""
    monkeypatch.setattr(watch, "_WATCH_SECONDS", (2, 2))
    monkeypatch.setattr(watch, "_LATE_SECONDS", 1.0)


def test_etcd_stands_still_for_half_a_minute(
    portal: Portal,
    cluster_one: ControlPlane,
    bare: list[ControlPlane],
    own_etcd: Etcd,
    namespace: str,
    kubectl: Any,
) -> None:
    """Of three clusters two share the etcd: they are Unknown meanwhile, and catch up."""
    for plane in (cluster_one, *bare):
        portal.import_cluster(plane)
    save(portal, "settings", namespace, placement={"selector": "*"})
    eventually(lambda: portal.ready("configitems/settings"))
    copies = [f"configcopies/settings.{plane.name}.{namespace}" for plane in bare]
    with invariants(cluster_one, *bare) as (_, *witnesses):
        ends_at = time.monotonic() + OUTAGE_SECONDS
        own_etcd.freeze()
        try:
            portal.call("post", "configitems/settings/set", {"data": {"size": "2"}})
            eventually(lambda: portal.ready(f"configcopies/settings.one.{namespace}"))
            assert data(kubectl, cluster_one, namespace, "settings")["size"] == "2"
            eventually(lambda: all(unknown_since(portal, copy) for copy in copies))
            eventually(lambda: not any(portal.ready(f"clusters/{p.name}") for p in bare))
            while time.monotonic() < ends_at:
                work()
                assert portal.ready("clusters/one")
                assert all(unknown_since(portal, copy) for copy in copies)
                time.sleep(0.5)
        finally:
            own_etcd.thaw()
        eventually(lambda: portal.ready("configitems/settings"), seconds=CONVERGED_SECONDS)
        for plane, witness in zip(bare, witnesses, strict=True):
            assert data(kubectl, plane, namespace, "settings")["size"] == "2"
            assert witness.writes(name="settings")["patch"] <= 2


# --- 429 ----------------------------------------------------------------------------------------


def jail(user: str) -> list[Json]:
    """Priority and fairness as an administrator slows a client down: one request at a time."""
    api = "flowcontrol.apiserver.k8s.io/v1"
    limited = {"nominalConcurrencyShares": 0, "limitResponse": {"type": "Reject"}}
    subject = {"kind": "User", "user": {"name": user}}
    everything = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "clusterScope": True,
        "namespaces": ["*"],
    }
    paths = {"verbs": ["*"], "nonResourceURLs": ["*"]}
    rules = [
        {"subjects": [subject], "resourceRules": [everything], "nonResourceRules": [paths]},
    ]
    return [
        {
            "apiVersion": api,
            "kind": "PriorityLevelConfiguration",
            "metadata": {"name": "jail"},
            "spec": {"type": "Limited", "limited": limited},
        },
        {
            "apiVersion": api,
            "kind": "FlowSchema",
            "metadata": {"name": "jail"},
            "spec": {
                "matchingPrecedence": 2,
                "priorityLevelConfiguration": {"name": "jail"},
                "rules": rules,
            },
        },
    ]


@contextmanager
def occupied(connection: Connection) -> Iterator[None]:
    """The one place in the jail is taken: by a request whose body does not come."""
    with (
        socket.create_connection((connection.host, connection.port), 10) as plain,
        ssl_context(connection).wrap_socket(plain, server_hostname=connection.host) as wire,
    ):
        wire.sendall(
            b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        yield


def turned_away(witness: Witness) -> int:
    return sum((e.get("responseStatus") or {}).get("code") == 429 for e in witness.entries())


def release(three: ControlPlane) -> None:
    kinds = "flowschemas.flowcontrol.apiserver.k8s.io,prioritylevelconfigurations"
    three.kubectl("delete", kinds, "jail", "--ignore-not-found")


def test_too_many_requests(
    portal: Portal, cluster_one: ControlPlane, three: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """Left alone as long as it asks for, by calls and by watches; the others go on."""
    user = f"portal-{namespace}"
    three.kubectl(
        "create", "clusterrolebinding", user, "--clusterrole=cluster-admin", f"--user={user}"
    )
    text = three.client_certificate(user)
    portal.import_cluster(cluster_one)
    portal.call("post", "clusters/import", {"kubeconfig": text, "name": "three"})
    save(portal, "settings", namespace, placement={"selector": "*"})
    eventually(lambda: portal.ready("configitems/settings"))
    kube = Kube(choose_context(text).connection)
    try:
        with (
            invariants(cluster_one, three) as (_, witness),
            Controller(ConfigWatcher()),
            ExitStack() as stack,
        ):
            three.kubectl("create", "-f", "-", stdin="\n---\n".join(map(json.dumps, jail(user))))
            asked = until_turned_away(kube, stack)
            assert asked.retry_after_seconds is not None
            assert asked.retry_after_seconds >= 1
            portal.call("post", "configitems/settings/set", {"data": {"size": "2"}})
            eventually(lambda: portal.ready(f"configcopies/settings.one.{namespace}"))
            copy = f"configcopies/settings.three.{namespace}"
            eventually(lambda: unknown_since(portal, copy))
            assert "HTTP 429 Too Many Requests" in portal.condition(copy, "Ready")["message"]
            before, ends_at = turned_away(witness), time.monotonic() + 6
            while time.monotonic() < ends_at:
                work()
                time.sleep(0.1)
            assert turned_away(witness) - before < 12, "it is not asked again and again"
            stack.close()
            release(three)
            eventually(lambda: portal.ready("configitems/settings"), seconds=CONVERGED_SECONDS)
            assert data(kubectl, three, namespace, "settings")["size"] == "2"
            edit(kubectl, three, namespace, "settings", size="drift")
            eventually(
                lambda: data(kubectl, three, namespace, "settings")["size"] == "2",
                seconds=CONVERGED_SECONDS,
            )
    finally:
        release(three)
        three.kubectl("delete", "clusterrolebinding", user)


def until_turned_away(kube: Kube, stack: ExitStack) -> TooManyRequests:
    """The first refusal: a place that was taken before the rules stood counts for nothing."""
    deadline = time.monotonic() + 30
    while True:
        try:
            kube.version()
        except TooManyRequests as error:
            return error
        assert time.monotonic() < deadline
        stack.enter_context(occupied(kube.connection))
        time.sleep(0.5)


# --- 410 ----------------------------------------------------------------------------------------


@pytest.fixture
def connection(three: ControlPlane) -> Connection:
    found = choose_context(three.kubeconfig.read_text()).connection
    return replace(found, address="127.0.0.1")


def forget_the_past(three: ControlPlane, etcd: Etcd) -> None:
    """Compact etcd up to now, and restart the API server, which remembers more."""
    key = base64.b64encode(b"a").decode()
    revision = _etcd(etcd, "kv/range", {"key": key})["header"]["revision"]
    _etcd(etcd, "kv/compaction", {"revision": revision, "physical": True})
    three.crash()
    three.start()


def _etcd(etcd: Etcd, path: str, body: Json) -> Json:
    request = urllib.request.Request(f"{etcd.url}/v3/{path}", json.dumps(body).encode())  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return dict(json.loads(answer.read()))


def gone(plane: ControlPlane, since: int) -> int:
    """How many lists were answered 410 after a place in the audit log."""
    lines = plane.audit_log.read_text()[since:].splitlines()
    entries = (json.loads(line) for line in lines)
    return sum((entry.get("responseStatus") or {}).get("code") == 410 for entry in entries)


@pytest.fixture
def six(connection: Connection, namespace: str) -> Kube:
    """Six config maps in a namespace of their own."""
    kube = Kube(connection)
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for number in range(6):
        kube.create(config_map(namespace, f"map-{number}"))
    return kube


def test_a_continue_token_that_the_server_has_forgotten(
    six: Kube, three: ControlPlane, own_etcd: Etcd, namespace: str
) -> None:
    """The list begins again, and gives each object once."""
    mark = len(three.audit_log.read_text())
    listed = six.list(CONFIG_MAPS, namespace=namespace, label_selector="watched=yes", limit=2)
    names = [next(listed)["metadata"]["name"]]
    six.create(config_map(namespace, "later"))
    forget_the_past(three, own_etcd)
    names += [item["metadata"]["name"] for item in listed]
    assert gone(three, mark) == 1
    assert sorted(names) == sorted([*(f"map-{number}" for number in range(6)), "later"])


def test_a_watch_s_list_is_forgotten_in_the_middle(
    six: Kube, connection: Connection, three: ControlPlane, own_etcd: Etcd, namespace: str
) -> None:
    """410 on continue begins the list anew; nothing is told twice and nothing is missed."""

    class Interrupted(Seen):
        async def emit(self, event: Event) -> None:
            await super().emit(event)
            if len(self.names(EventType.ADDED)) == 1 and not self.lists:
                await asyncio.to_thread(six.create, config_map(namespace, "later"))
                await asyncio.to_thread(forget_the_past, three, own_etcd)

    async def follow() -> None:
        seen = Interrupted(namespace)
        async with streaming(connection, seen, spec=SPEC):
            await until(lambda: seen.lists, 60)
            await asyncio.to_thread(six.create, config_map(namespace, "last"))
            await until(lambda: "last" in seen.names(EventType.ADDED))
        expected = [*(f"map-{number}" for number in range(6)), "last", "later"]
        assert sorted(seen.names(EventType.ADDED)) == sorted(expected)
        assert not seen.names(EventType.DELETED)

    mark = len(three.audit_log.read_text())
    asyncio.run(follow())
    assert gone(three, mark) == 1


# --- watches of config items --------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("mode", [Mode.STALL, Mode.HANG, Mode.REFUSE])
def test_the_watch_of_config_items_breaks(
    portal: Portal, three: ControlPlane, namespace: str, kubectl: Any, mode: Mode
) -> None:
    """What somebody changes while nothing is heard is put back once it is: nobody is asked."""
    with behind_proxy(three) as proxy, invariants(three):
        import_through(portal, three, proxy)
        save(portal, "settings", namespace, placement={"clusters": ["three"]})
        eventually(lambda: portal.ready("configitems/settings"))

        def healed() -> bool:
            return bool(data(kubectl, three, namespace, "settings")["color"] == "blue")

        with Controller(ConfigWatcher()):
            edit(kubectl, three, namespace, "settings", color="red")
            eventually(healed, seconds=30)
            before = proxy.connections
            proxy.behave(mode)
            edit(kubectl, three, namespace, "settings", color="red")
            if mode is not Mode.STALL:  # there new connections work: it is mended unaided
                ends_at = time.monotonic() + 5
                while time.monotonic() < ends_at:
                    work()
                    assert not healed()
                    time.sleep(0.2)
                heal(proxy)
            eventually(healed, seconds=CONVERGED_SECONDS)
            assert proxy.connections > before
            assert mode is Mode.REFUSE or proxy.faults[mode]
