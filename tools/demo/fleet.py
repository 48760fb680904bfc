"""The clusters of the demo, and how they get into the portal: through its public API."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from tools.controlplane import ControlPlane, Etcd, start_all, stop_all
from tools.controlplane.child import clean_env
from tools.demo.errors import DemoError
from tools.demo.rest import Rest
from tools.demo.state import State

#: Name → what the portal is told about it.
_ABOUT: Final = {
    "berlin": {"environment": "production", "region": "eu-central", "labels": {"tier": "web"}},
    "oslo": {"environment": "staging", "region": "eu-north", "labels": {"tier": "web"}},
}
_NODES: Final = 3
_IMPORT_SECONDS: Final = 120.0


@contextmanager
def control_planes(
    state: State, starting: AbstractContextManager[None]
) -> Iterator[list[ControlPlane]]:
    """Two real control planes with fake nodes; they keep their state and their ports.

    `starting` surrounds the start alone.
    """
    with Etcd(state.clusters) as etcd:
        planes = [
            ControlPlane(name=name, dir=state.clusters, etcd=etcd, nodes=_NODES) for name in _ABOUT
        ]
        with starting:
            start_all(planes)
        try:
            yield planes
        finally:
            stop_all(planes)


def import_planes(portal: Rest, planes: list[ControlPlane]) -> list[str]:
    """Their names in the portal, each imported once."""
    for plane in planes:
        kubeconfig = {"kubeconfig": plane.kubeconfig.read_text()}
        known = portal.find(f"clusters/{plane.name}")
        if known is None:
            body: dict[str, Any] = {"name": plane.name, **kubeconfig, **_ABOUT[plane.name]}
            _check(portal.send("POST", "clusters/import", body)["items"])
        elif known["spec"]["server"] != plane.server:  # another program took its port
            portal.send("POST", f"clusters/{plane.name}/rotate", kubeconfig)
    return [plane.name for plane in planes]


def import_own(portal: Rest, state: State, kubeconfig: Path) -> list[str]:
    """Every context of a person's kubeconfig; those that cannot be imported are said.

    The command line does it, because it knows how to gather the files a kubeconfig names.
    """
    command = [
        sys.executable, "-m", "kubecarrier.cli", "cluster", "import", "--all-contexts", "--yes",
        "--kubeconfig", str(kubeconfig), "-o", "json",
    ]  # fmt: skip
    result = subprocess.run(
        command,
        env={
            **clean_env(state.folder),
            "KUBECARRIER_URL": portal.url,
            "KUBECARRIER_TOKEN": state.token.read_text(),
        },
        capture_output=True,
        text=True,
        timeout=_IMPORT_SECONDS,
        check=False,
    )
    for line in result.stderr.splitlines():
        print(f"  {line}", flush=True)
    known = [item["metadata"]["name"] for item in portal.get("clusters")["items"]]
    if not known:
        raise DemoError(f"no cluster of {kubeconfig} could be imported")
    return known


def reachable(portal: Rest, names: list[str]) -> bool:
    """Whether the portal has seen each of them."""
    return all(
        condition["status"] == "True"
        for name in names
        for condition in portal.get(f"clusters/{name}")["status"]["conditions"]
        if condition["type"] == "Reachable"
    )


def _check(items: list[dict[str, Any]]) -> None:
    for item in items:
        if item["result"] == "error":
            said = item["error"].get("message") or json.dumps(item["error"])
            raise DemoError(f"importing {item['name']}: {said}")
