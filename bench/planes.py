"""The cluster of a benchmark, and its audit log as the witness of what was done to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.frame import Options
from bench.waiting import wait
from tools.controlplane import (
    ControlPlane,
    ControlPlaneError,
    Etcd,
    binaries,
    ensure_binaries,
    start_all,
    stop_all,
)

Json = dict[str, Any]

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_ADMIN = "admin"  # whose credential the portal, helm and kubectl all use here
_PODS_PER_NODE = 100


@contextmanager
def cluster(options: Options, *, pods: int = 0) -> Iterator[ControlPlane]:
    """One control plane with room for `pods`; 0: nothing but the API server."""
    ensure_binaries(options.say)
    with Etcd(options.directory) as etcd:
        nodes = -(-pods // _PODS_PER_NODE) + 1 if pods else 0
        with ControlPlane(
            name="one", dir=options.directory, etcd=etcd, nodes=nodes, controllers=bool(pods)
        ) as plane:
            yield plane


@contextmanager
def api_servers(options: Options, count: int) -> Iterator[list[ControlPlane]]:
    """So many API servers on one etcd, and nothing else."""
    ensure_binaries(options.say)
    with Etcd(options.directory) as etcd:
        planes = [
            ControlPlane(name=f"c{number}", dir=options.directory, etcd=etcd, controllers=False)
            for number in range(count)
        ]
        start_all(planes)
        try:
            yield planes
        finally:
            stop_all(planes)


def make_namespace(plane: ControlPlane, name: str) -> None:
    """With its default account, without which pods are rejected."""
    plane.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    wait(lambda: _there(plane, account), what=f"the account of {name}")


def helm_chart(directory: Path) -> Path:
    """The archive of the chart that `helm create` makes."""
    from tools.controlplane.tool import run_tool

    helm = binaries().helm
    run_tool(helm, "create", str(directory / "sample"), kubeconfig=directory / "none")
    run_tool(
        helm,
        "package",
        str(directory / "sample"),
        "-d",
        str(directory),
        kubeconfig=directory / "none",
    )
    return next(directory.glob("sample-*.tgz"))


def _there(plane: ControlPlane, path: str) -> bool:
    try:
        plane.api.get(path)
    except ControlPlaneError:
        return False
    return True


class Witness:
    """Reads what was appended to an API server's audit log since the last look."""

    def __init__(self, plane: ControlPlane) -> None:
        self._path = plane.audit_log
        self._offset = self._path.stat().st_size if self._path.exists() else 0

    def events(self) -> list[Json]:
        """Complete lines only: the server may be in the middle of one."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        end = text.rfind(b"\n") + 1
        self._offset += end
        return [json.loads(line) for line in text[:end].splitlines()]


def is_write(event: Json) -> bool:
    """Whether the administrator changed something, or tried to."""
    return event["verb"] in _WRITES and event["user"]["username"] == _ADMIN


def object_written(
    event: Json, name: str, *, resource: str = "configmaps"
) -> tuple[str, str, float] | None:
    """(namespace, verb, when) of a finished write to an object of that name; dry runs write nothing."""
    ref = event.get("objectRef") or {}
    wanted = (resource, name, None)
    found = (ref.get("resource"), ref.get("name"), ref.get("subresource"))
    if found != wanted or event["verb"] not in _WRITES or "dryRun=All" in event["requestURI"]:
        return None
    if event["stage"] != "ResponseComplete" or event["responseStatus"]["code"] >= 300:
        return None
    when = datetime.fromisoformat(event["stageTimestamp"]).timestamp()
    return str(ref["namespace"]), str(event["verb"]), when


def record_written(event: Json) -> tuple[str, str, float] | None:
    """(namespace, record, when) of a finished Helm operation: Helm creates, then updates a record."""
    ref = event.get("objectRef") or {}
    name = str(ref.get("name", ""))
    if event["verb"] != "update" or not name.startswith("sh.helm.release.v1."):
        return None
    if event["responseStatus"]["code"] != 200:
        return None
    return str(ref["namespace"]), name, datetime.fromisoformat(event["stageTimestamp"]).timestamp()
