"""Who answers, and whom it lets in: refused credentials, another CA, another cluster at the address."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet.kube import Kube
from fleet.kube_errors import Unauthorized
from fleet.kubeconfig import choose_context
from fleet.watching.configs import ConfigWatcher
from tests.controlplane.config_items import data, found, save
from tests.controlplane.faults import Controller, behind_proxy, heal, import_through, wait
from tests.controlplane.invariants import CONVERGED_SECONDS, Witness, invariants, unknown_since
from tests.faultproxy import FaultProxy
from tests.portal import Portal, eventually, web_chart
from tools.controlplane import ControlPlane, Etcd

pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]
ADMINS = "portal-admins"


@pytest.fixture
def namespace() -> str:
    """The portal makes it."""
    return f"test-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def three(bare: list[ControlPlane]) -> ControlPlane:
    return bare[0]


@pytest.fixture
def admins(three: ControlPlane) -> None:
    """A group with every right that is not `system:masters`, whom nothing can be refused."""
    binding = ("create", "clusterrolebinding", ADMINS, "--clusterrole=cluster-admin")
    if ADMINS not in three.kubectl("get", "clusterrolebindings", "-o", "name"):
        three.kubectl(*binding, f"--group={ADMINS}")


def imported(portal: Portal, plane: ControlPlane, kubeconfig: str) -> None:
    body = {"kubeconfig": kubeconfig, "name": plane.name}
    item = portal.call("post", "clusters/import", body)["items"][0]
    assert item["result"] == "created", item
    eventually(lambda: portal.ready(f"clusters/{plane.name}"))


def rotate(portal: Portal, plane: ControlPlane, kubeconfig: str) -> None:
    portal.call("post", f"clusters/{plane.name}/rotate", {"kubeconfig": kubeconfig})


def on(plane: ControlPlane, **more: Any) -> Json:
    return {"placement": {"clusters": [plane.name]}, **more}


def change(portal: Portal, value: str, item: str = "settings") -> None:
    portal.call("post", f"configitems/{item}/set", {"data": {"size": value}})


def is_refused(kubeconfig: str) -> bool:
    """Accepted tokens are remembered for some seconds by the API server."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)  # when the certificate was still good
    try:
        Kube(choose_context(kubeconfig, now=long_ago).connection).get("/api")
    except Unauthorized:
        return True
    return False


@pytest.mark.usefixtures("admins")
@pytest.mark.parametrize("how", ["a token whose account is gone", "an expired certificate"])
def test_a_refused_credential(
    portal: Portal, three: ControlPlane, namespace: str, kubectl: Any, how: str
) -> None:
    """401: the cluster says so, its objects are Unknown, and a new credential is enough."""
    if how.startswith("a token"):
        text = three.token_kubeconfig("portal")
        three.kubectl(
            *("create", "clusterrolebinding", "portal", "--clusterrole=cluster-admin"),
            "--serviceaccount=default:portal",
        )
    else:
        text = three.client_certificate("portal", [ADMINS], days=6 / 86400)
    ends_at = time.monotonic() + 6
    with invariants(three) as (witness,):
        imported(portal, three, text)
        save(portal, "settings", namespace, **on(three))
        eventually(lambda: portal.ready("configitems/settings"))
        if how.startswith("a token"):
            three.kubectl("delete", "serviceaccount", "portal")
        time.sleep(max(0.0, ends_at - time.monotonic()))
        wait(lambda: is_refused(text))
        before = witness.writes(name="settings")
        change(portal, "2")
        copy = f"configcopies/settings.three.{namespace}"
        eventually(lambda: unknown_since(portal, copy), seconds=30)

        def refused() -> bool:
            seen = portal.condition("clusters/three", "Authenticated")
            return bool(seen.get("status") == "False" and seen["reason"] == "Unauthorized")

        eventually(refused, seconds=30)
        assert witness.writes(name="settings") == before
        assert data(kubectl, three, namespace, "settings")["size"] == "1"

        rotate(portal, three, three.kubeconfig.read_text())
        eventually(lambda: portal.ready("configitems/settings"), seconds=CONVERGED_SECONDS)
        assert data(kubectl, three, namespace, "settings")["size"] == "2"


def test_one_kind_may_not_be_read_and_the_others_go_on(
    portal: Portal, three: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """403 for secrets: said at the copy and at the kind, while config maps are kept."""
    rules: list[str] = []
    for resource in ("configmaps", "namespaces", "nodes", "pods", "limitranges"):
        rules += [f"--resource={resource}"]
    role = ("create", "clusterrole", "no-secrets", "--verb=get,list,watch,create,patch,delete")
    three.kubectl(*role, *rules)
    three.kubectl(
        *("create", "clusterrolebinding", "no-secrets", "--clusterrole=no-secrets"),
        "--group=no-secrets",
    )
    try:
        with invariants(three, deletes=[("configmaps", "settings")]):
            imported(portal, three, three.client_certificate("portal", ["no-secrets"]))
            save(portal, "settings", namespace, **on(three))
            save(portal, "login", namespace, type="Secret", data={"a": "canary-1"}, **on(three))
            eventually(lambda: portal.ready("configitems/settings"))
            path = f"configcopies/login.three.{namespace}"
            applied = eventually(
                lambda: (c := portal.condition(path, "Applied")).get("reason") == "Refused" and c
            )
            assert "secrets" in applied["message"]
            assert "canary" not in str(applied)
            assert portal.ready("clusters/three"), "it answers, and lets us in"

            with Controller(ConfigWatcher()):
                kubectl("delete", "cm", "settings", "-n", namespace, cluster=three)
                eventually(lambda: found(kubectl, three, namespace, "settings"), seconds=30)
    finally:
        three.kubectl("delete", "clusterrole,clusterrolebinding", "no-secrets")


def test_the_ca_is_rotated(
    portal: Portal,
    own_etcd: Etcd,
    tmp_path: Path,
    namespace: str,
    kubectl: Any,
) -> None:
    """What the certificate does not prove is not spoken to; a new CA in the kubeconfig is enough."""
    old = ControlPlane(name="five", dir=tmp_path, etcd=own_etcd, controllers=False)
    old.start()
    try:
        imported(portal, old, old.kubeconfig.read_text())
        save(portal, "settings", namespace, **on(old))
        eventually(lambda: portal.ready("configitems/settings"))
    finally:
        old.stop()
    for file in ("ca.crt", "ca.key"):
        (tmp_path / "five" / "pki" / file).unlink()
    renewed = ControlPlane(name="five", dir=tmp_path, etcd=own_etcd, controllers=False)
    renewed.start()
    try:
        with invariants(renewed) as (witness,):
            assert renewed.server == old.server
            change(portal, "2")
            eventually(
                lambda: portal.condition("clusters/five", "Reachable").get("reason") == "TlsFailed"
            )
            eventually(lambda: unknown_since(portal, f"configcopies/settings.five.{namespace}"))
            assert not list(witness.entries()), "no request was made"
            rotate(portal, renewed, renewed.kubeconfig.read_text())
            eventually(lambda: portal.ready("configitems/settings"), seconds=CONVERGED_SECONDS)
            assert data(kubectl, renewed, namespace, "settings")["size"] == "2"
    finally:
        renewed.stop()


@pytest.fixture
def stranger(three: ControlPlane, own_etcd: Etcd, tmp_path: Path) -> Iterator[ControlPlane]:
    """Another cluster with the CA and the keys of `three`: rebuilt by the same tool, say."""
    shutil.copytree(three.kubeconfig.parent / "pki", tmp_path / "stranger" / "pki")
    plane = ControlPlane(name="stranger", dir=tmp_path, etcd=own_etcd, controllers=False)
    plane.start()
    try:
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def proxy(three: ControlPlane) -> Iterator[FaultProxy]:
    with behind_proxy(three) as running:
        yield running


def test_another_cluster_behind_the_same_address(
    portal: Portal,
    three: ControlPlane,
    stranger: ControlPlane,
    proxy: FaultProxy,
    namespace: str,
) -> None:
    """Nothing is written to it, not even before the next probe; quarantine; and back."""
    import_through(portal, three, proxy)
    eventually(lambda: portal.ready("clusters/three"))
    portal.local_repository(web_chart())
    for name in ("settings", "gone"):
        save(portal, name, namespace, **on(three))
    eventually(lambda: portal.ready("configitems/settings") and portal.ready("configitems/gone"))
    host, _, port = stranger.server.removeprefix("https://").partition(":")
    home = proxy.upstream
    with invariants(three, deletes=[("configmaps", "gone")]), Controller(ConfigWatcher()):
        strange = Witness(stranger)
        proxy.upstream = host, int(port)
        proxy.drop()
        # All of it wants a write at once: a new object, a changed one, a deletion, a release.
        change(portal, "2")
        save(portal, "fresh", namespace, **on(three))
        portal.apply("web", chart="local/web", version="0.1.0", namespace=namespace, **on(three))
        portal.call("delete", "configitems/gone")

        def quarantined() -> bool:
            seen = portal.condition("clusters/three", "Identified")
            return bool(seen.get("status") == "False" and seen["reason"] == "AnotherCluster")

        eventually(quarantined, seconds=30)
        paths = [f"configcopies/fresh.three.{namespace}", "releases/web.three"]
        eventually(lambda: all(unknown_since(portal, path) for path in paths))
        assert list(strange.entries("get")), "it was asked"
        assert not strange.writes(), "and never written to"
        answer = portal.client.get(f"/api/v1/clusters/three/resources/configmaps/{namespace}/a")
        assert answer.json()["error"]["code"] == "cluster_quarantined"

        proxy.upstream = home
        heal(proxy)
        portal.call("post", "clusters/three/probe")
        items = ["configitems/settings", "configitems/fresh"]
        eventually(
            lambda: all(map(portal.ready, items)) and portal.gone("configitems/gone"),
            seconds=CONVERGED_SECONDS,
        )
        assert portal.condition("clusters/three", "Identified")["status"] == "True"
        assert not strange.writes()
