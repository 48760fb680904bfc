"""The harness itself: what the other tests of this folder rely on is true."""

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faultproxy import LOOPBACK, FaultProxy, Mode
from tools.controlplane import ControlPlane, ControlPlaneError, versions
from tools.controlplane.binaries import binaries
from tools.controlplane.build import GOMOD
from tools.controlplane.tool import run_tool

Tool = Callable[..., str]


def test_pins_agree() -> None:
    kubernetes = (GOMOD / "kubernetes" / "go.mod").read_text()
    staging = re.findall(r"=> k8s\.io/\S+ v(\S+)", kubernetes)
    assert _required("kubernetes", "k8s.io/kubernetes") == versions.KUBERNETES
    assert set(staging) == {f"0.{versions.KUBERNETES.partition('.')[2]}"}
    assert _required("etcd", "go.etcd.io/etcd/server/v3") == versions.ETCD


def _required(folder: str, module: str) -> str | None:
    text = (GOMOD / folder / "go.mod").read_text()
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} v(\S+)", text, re.MULTILINE)
    return found and found[1]


def test_versions_are_reported(cluster_one: ControlPlane, kubectl: Tool, helm: Tool) -> None:
    server = json.loads(kubectl("version", "-o", "json", cluster=cluster_one))["serverVersion"]
    assert server["gitVersion"] == f"v{versions.KUBERNETES}"
    assert helm("version", "--short", cluster=cluster_one).startswith(f"v{versions.HELM}")


def test_clusters_are_separate(clusters: dict[str, ControlPlane], namespace: str) -> None:
    one, two = clusters["one"], clusters["two"]
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    one.api.post(path, {"metadata": {"name": "only-here"}})
    assert one.api.get(f"{path}/only-here")
    with pytest.raises(ControlPlaneError, match="404"):
        two.api.get(f"{path}/only-here")


def test_pods_become_ready(cluster_one: ControlPlane, namespace: str, kubectl: Tool) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "-n", namespace, cluster=cluster_one)
    _await_available(kubectl, cluster_one, namespace, "web")
    assert "fake node" in kubectl("logs", "deployment/web", "-n", namespace, cluster=cluster_one)


def test_helm_installs(
    cluster_two: ControlPlane, namespace: str, helm: Tool, kubectl: Tool, tmp_path: Path
) -> None:
    chart = tmp_path / "demo"
    helm("create", str(chart), cluster=cluster_two)
    helm("install", "demo", str(chart), "-n", namespace, cluster=cluster_two)
    _await_available(kubectl, cluster_two, namespace, "demo")
    listed = json.loads(helm("list", "-n", namespace, "-o", "json", cluster=cluster_two))
    assert [(one["name"], one["status"]) for one in listed] == [("demo", "deployed")]


def test_restart_keeps_state_and_port(cluster_two: ControlPlane, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    cluster_two.api.post(path, {"metadata": {"name": "kept"}, "data": {"key": "value"}})
    token, server = cluster_two.token_for("bot", namespace), cluster_two.server
    cluster_two.stop()
    try:
        with pytest.raises(ControlPlaneError, match="refused"):
            cluster_two.api.get(path)
    finally:
        cluster_two.start()
    assert cluster_two.server == server
    assert cluster_two.api.get(f"{path}/kept")["data"] == {"key": "value"}
    assert _version(cluster_two, token=token)


def test_start_mends_a_crash(cluster_two: ControlPlane) -> None:
    cluster_two.crash()
    try:
        with pytest.raises(ConnectionRefusedError):
            _version(cluster_two)
    finally:
        cluster_two.start()
    assert _version(cluster_two)


def test_pause_hangs_until_resumed(cluster_one: ControlPlane) -> None:
    cluster_one.pause()
    try:
        with pytest.raises(TimeoutError):
            _version(cluster_one, timeout=0.5)
    finally:
        cluster_one.resume()
    assert _version(cluster_one)


def test_audit_log_names_the_writer(cluster_one: ControlPlane, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    cluster_one.api.post(path, {"metadata": {"name": "witnessed"}})
    someone = ("--as=someone", "--as-group=system:masters")
    cluster_one.kubectl("delete", "configmap", "witnessed", "-n", namespace, *someone)
    events = _await_audit(cluster_one, "witnessed", verbs={"create", "delete"})
    assert events["create"]["user"]["username"] == "admin"
    assert events["delete"]["impersonatedUser"]["username"] == "someone"


def test_minted_certificates(cluster_one: ControlPlane, tmp_path: Path) -> None:
    def who(days: float) -> str:
        file = tmp_path / "kubeconfig"
        file.write_text(cluster_one.client_certificate("eve", ["staff"], days))
        return run_tool(binaries().kubectl, "auth", "whoami", "-o", "json", kubeconfig=file)

    user = json.loads(who(days=0.01))["status"]["userInfo"]
    assert user["username"] == "eve"
    assert "staff" in user["groups"]
    with pytest.raises(ControlPlaneError, match=r"logged in|Unauthorized"):
        who(days=-1)


@pytest.fixture
def proxy(cluster_one: ControlPlane) -> Iterator[FaultProxy]:
    """In front of cluster one."""
    with FaultProxy((LOOPBACK, int(cluster_one.server.rpartition(":")[2]))) as running:
        yield running


def test_proxy_forwards(cluster_one: ControlPlane, proxy: FaultProxy) -> None:
    assert _version(cluster_one, port=proxy.port)
    assert proxy.connections == 1
    assert min(proxy.bytes_up, proxy.bytes_down) > 0


@pytest.mark.parametrize(
    ("mode", "limit", "error"),
    [
        (Mode.REFUSE, 0, ConnectionRefusedError),
        (Mode.HANG, 0, TimeoutError),
        (Mode.HANG_AFTER, 200, TimeoutError),
        (Mode.RESET_AFTER, 200, ConnectionResetError),
        (Mode.BLACK_HOLE, 0, TimeoutError),
    ],
)
def test_proxy_breaks_and_recovers(
    cluster_one: ControlPlane,
    proxy: FaultProxy,
    mode: Mode,
    limit: int,
    error: type[OSError],
) -> None:
    proxy.behave(mode, limit=limit)
    began = time.monotonic()
    with pytest.raises(error):
        _version(cluster_one, port=proxy.port, timeout=0.5)
    if error is TimeoutError:
        assert time.monotonic() - began > 0.4
    assert proxy.bytes_down == limit
    assert proxy.faults[mode] == (mode in (Mode.HANG, Mode.HANG_AFTER, Mode.RESET_AFTER))
    proxy.behave(Mode.FORWARD)
    assert _version(cluster_one, port=proxy.port)


def test_proxy_drops_open_connections(cluster_one: ControlPlane, proxy: FaultProxy) -> None:
    with socket.create_connection((LOOPBACK, proxy.port), timeout=0.5) as client:
        proxy.behave(Mode.HANG)
        client.sendall(b"no one reads this")
        with pytest.raises(TimeoutError):
            client.recv(1)
        proxy.drop()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_proxy_slows_answers(cluster_one: ControlPlane, proxy: FaultProxy) -> None:
    proxy.behave(Mode.LATENCY, delay=0.3)
    assert _seconds(lambda: _version(cluster_one, port=proxy.port)) > 0.5
    proxy.behave(Mode.DRIP, rate=4000)
    before = proxy.bytes_down
    took = _seconds(lambda: _version(cluster_one, port=proxy.port))
    assert took >= (proxy.bytes_down - before) / 4000 * 0.9
    assert proxy.faults[Mode.LATENCY] >= 2
    assert proxy.faults[Mode.DRIP] > 10


def test_proxy_swaps_upstream(clusters: dict[str, ControlPlane], proxy: FaultProxy) -> None:
    proxy.upstream = (LOOPBACK, int(clusters["two"].server.rpartition(":")[2]))
    with pytest.raises(ssl.SSLCertVerificationError):
        _version(clusters["one"], port=proxy.port)
    assert _version(clusters["two"], port=proxy.port)


def _seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _await_available(kubectl: Tool, cluster: ControlPlane, namespace: str, name: str) -> None:
    condition = ("--for=condition=Available", f"deployment/{name}", "--timeout=30s")
    kubectl("wait", *condition, "-n", namespace, cluster=cluster)


def _version(
    cluster: ControlPlane,
    *,
    port: int | None = None,
    token: str | None = None,
    timeout: float = 5,
) -> str:
    """The API server's version, asked at `port` (a proxy's) instead of its own if given."""
    tls = ssl.create_default_context(cadata=cluster.ca_pem)
    to = port or int(cluster.server.rpartition(":")[2])
    connection = http.client.HTTPSConnection(LOOPBACK, to, timeout=timeout, context=tls)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", "/version", headers=headers)
        answer = json.load(connection.getresponse())
    finally:
        connection.close()
    version: str = answer["gitVersion"]
    return version


def _await_audit(cluster: ControlPlane, name: str, verbs: set[str]) -> dict[str, dict[str, Any]]:
    """Events about the object `name` by verb; the log is written just after the answer."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lines = cluster.audit_log.read_text().splitlines()
        events = [json.loads(line) for line in lines if name in line and line.endswith("}")]
        found = {event["verb"]: event for event in events}
        if verbs <= found.keys():
            return found
        time.sleep(0.05)
    raise AssertionError(f"no audit events for {name}")
