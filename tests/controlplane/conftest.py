"""Real control planes for the tests of this folder, started once per session.

Without the binaries, and without a way to build them, every test here is skipped with its
reason; KUBECARRIER_REQUIRE_CONTROLPLANE=1 (set in CI) turns that into a failure.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from rest_framework.test import APIClient

from tests.portal import Portal, eventually, web_chart
from tools.controlplane import (
    BuildError,
    ControlPlane,
    ControlPlaneError,
    Etcd,
    binaries,
    ensure_binaries,
    start_all,
    stop_all,
)

_HERE = Path(__file__).parent
_ACCOUNT_SECONDS = 20.0

Clusters = dict[str, ControlPlane]


class Tool(Protocol):
    """Runs a command-line tool on `cluster`; returns its output, raises ControlPlaneError."""

    def __call__(self, *arguments: str, cluster: ControlPlane) -> str: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the control planes, so nobody has to say so."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.controlplane)


@pytest.fixture(scope="session")
def _binaries(request: pytest.FixtureRequest) -> None:
    """Builds what is missing, which takes minutes on the first run: progress is shown."""
    terminal: Any = request.config.pluginmanager.getplugin("terminalreporter")

    def say(line: str) -> None:
        if terminal is not None:  # the workers of pytest-xdist have none
            terminal.write_line(line)

    try:
        ensure_binaries(say)
    except BuildError as error:
        if os.environ.get("KUBECARRIER_REQUIRE_CONTROLPLANE") == "1":
            pytest.fail(f"control planes are required: {error}")
        pytest.skip(f"no control plane: {error}")


@pytest.fixture(scope="session")
def controlplane_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files, logs and audit logs of this session's clusters."""
    return tmp_path_factory.mktemp("controlplane")


@pytest.fixture(scope="session")
def etcd(_binaries: None, controlplane_dir: Path) -> Iterator[Etcd]:
    with Etcd(controlplane_dir) as running:
        yield running


@pytest.fixture(scope="session")
def clusters(etcd: Etcd, controlplane_dir: Path) -> Iterator[Clusters]:
    """Two clusters, `one` and `two`, with two fake nodes each.

    A test that stops or pauses one must leave it running, whatever happens.
    """
    planes = [
        ControlPlane(name=name, dir=controlplane_dir, etcd=etcd, nodes=2) for name in ("one", "two")
    ]
    start_all(planes)
    try:
        yield {plane.name: plane for plane in planes}
    finally:
        stop_all(planes)


@pytest.fixture(scope="module")
def own_etcd(_binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """An etcd of this file's tests alone, to stop and to compact."""
    with Etcd(tmp_path_factory.mktemp("own")) as running:
        yield running


@pytest.fixture(scope="module")
def bare(own_etcd: Etcd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ControlPlane]]:
    """`three` and `four`: API servers alone, the cheapest clusters that answer."""
    folder = tmp_path_factory.mktemp("bare")
    planes = [
        ControlPlane(name=name, dir=folder, etcd=own_etcd, controllers=False)
        for name in ("three", "four")
    ]
    start_all(planes)
    try:
        yield planes
    finally:
        stop_all(planes)


@pytest.fixture
def cluster_one(clusters: Clusters) -> ControlPlane:
    return clusters["one"]


@pytest.fixture
def cluster_two(clusters: Clusters) -> ControlPlane:
    return clusters["two"]


@pytest.fixture
def namespace(clusters: Clusters) -> Iterator[str]:
    """A fresh namespace on both clusters; its deletion at the end is not waited for."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    for plane in clusters.values():
        plane.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    for plane in clusters.values():
        _await_account(plane, name)
    yield name
    for plane in clusters.values():
        plane.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture
def kubectl() -> Tool:
    """`kubectl("get", "pods", "-n", namespace, cluster=cluster_one)`."""
    return _tool(ControlPlane.kubectl)


@pytest.fixture
def helm(_binaries: None) -> Tool:
    """The real helm: `helm("list", "-A", cluster=cluster_one)`."""
    return _tool(ControlPlane.helm)


def _tool(run: Callable[..., str]) -> Tool:
    def call(*arguments: str, cluster: ControlPlane) -> str:
        return run(cluster, *arguments)

    return call


def _await_account(plane: ControlPlane, namespace: str) -> None:
    """Pods are rejected until the controllers have made the namespace's default account."""
    deadline = time.monotonic() + _ACCOUNT_SECONDS
    while True:
        try:
            plane.api.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default")
            return
        except ControlPlaneError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.fixture
def portal(settings: Any, transactional_db: None, _binaries: None) -> Portal:
    """The portal without any cluster, with the real helm."""
    from accounts.models import User

    settings.KUBECARRIER_HELM = str(binaries().path("helm"))
    user = User.objects.create_superuser("admin", "admin@example.org", "a-long-password")
    client = APIClient()
    client.force_authenticate(user)
    return Portal(client)


@pytest.fixture
def fleet(portal: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane) -> Portal:
    """The portal with both clusters imported and a chart repository."""
    portal.import_cluster(cluster_one, environment="prod")
    portal.import_cluster(cluster_two, environment="test")
    eventually(lambda: portal.ready("clusters/one") and portal.ready("clusters/two"))
    portal.local_repository(web_chart("0.1.0"), web_chart("0.2.0"))
    return portal
