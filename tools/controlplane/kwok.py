"""Fake nodes on which real pods "run", and the volumes their claims bind to."""

from pathlib import Path
from typing import Any, Final

import yaml

from tools.controlplane.api import Api
from tools.controlplane.components import Files

VOLUMES: Final = 4
#: In the format container runtimes write, the only one kwok parses.
_POD_LOG: Final = (
    "2026-01-01T00:00:00.000000000Z stdout F A fake node runs nothing; this line is its only log.\n"
)


def write_config(files: Files, stages: Path) -> None:
    """kwok's rules, plus one log file that answers for all containers."""
    files.pod_log.write_text(_POD_LOG)
    logs = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "all"},
        "spec": {"logs": [{"logsFile": str(files.pod_log)}]},
    }
    files.kwok_config.write_text(f"{stages.read_text()}\n---\n{yaml.safe_dump(logs)}")


def create_nodes(api: Api, cluster: str, count: int) -> None:
    """Nodes `<cluster>-node-1` to `-<count>`. Only when kwok runs: it writes its port there."""
    for number in range(1, count + 1):
        api.create("/api/v1/nodes", _node(f"{cluster}-node-{number}"))


def create_volumes(api: Api, cluster: str) -> None:
    """A few volumes without storage class, or the claims of real charts stay Pending."""
    for number in range(1, VOLUMES + 1):
        api.create("/api/v1/persistentvolumes", _volume(f"{cluster}-volume-{number}"))


def nodes_ready(api: Api, count: int) -> bool:
    """Are all `count` nodes Ready and free of taints, so that pods are scheduled?"""
    nodes = api.get("/api/v1/nodes")["items"]
    return sum(_usable(node) for node in nodes) >= count


def _usable(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and not node["spec"].get("taints")


def _node(name: str) -> dict[str, Any]:
    # Charts select by these labels: without them a DaemonSet wants 0 pods.
    labels = {
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
    }
    size = {"cpu": "32", "memory": "128Gi", "pods": "500", "ephemeral-storage": "1Ti"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "status": {"allocatable": size, "capacity": size},
    }


def _volume(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"],
            # Nothing is ever written there: pods of fake nodes do not run.
            "hostPath": {"path": f"/nonexistent/{name}"},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }
