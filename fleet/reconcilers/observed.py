"""Nodes and namespaces as rows: what a probe saw, written only where it differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone

from fleet.grants import deriving as granting
from fleet.models import Cluster, Namespace, Node
from fleet.pod_requests import Amount
from fleet.probe import Capacity, NodeInfo, ProbeResult
from kubecarrier.lib import audit


def observe(row: Cluster, found: ProbeResult) -> None:
    """Bring the node and namespace rows to what was seen, writing only what differs."""
    now = timezone.now()
    by_node = _amounts(
        found.load.by_node if found.load else None, found.usage.by_node if found.usage else None
    )
    by_namespace = _amounts(
        found.load.by_namespace if found.load else None,
        found.usage.by_namespace if found.usage else None,
    )
    nodes = {node.name: _node_columns(node) | by_node(node.name) for node in found.nodes}
    namespaces = {
        one.name: {"labels": one.labels, "state": one.phase, **by_namespace(one.name)}
        for one in found.namespaces
    }
    with audit.unaudited("observed in the cluster"):
        _upsert(Node, row, nodes, now)
        moved = _upsert(Namespace, row, namespaces, now)
    if moved:
        granting.namespaces_changed(row)


def _amounts(
    load: dict[str, Capacity] | None, used: dict[str, Amount] | None
) -> Callable[[str], dict[str, Any]]:
    """By name, what is requested ({} where it could not be seen) and used (null), never zero for unknown.

    What is used moves with every look, so it is rounded: a row is written when it says something.
    """

    def of(name: str) -> dict[str, Any]:
        requested = {} if load is None else asdict(load.get(name, Capacity()))
        found = (used or {}).get(name)
        usage = {k: _two_digits(v) for k, v in asdict(found).items()} if found else None
        return {"requested": requested, "usage": usage}

    return of


def _two_digits(number: int) -> int:
    return round(number, 2 - len(str(number)))


def _node_columns(node: NodeInfo) -> dict[str, Any]:
    return {
        "labels": node.labels,
        "ready": node.ready,
        "unschedulable": node.unschedulable,
        "schedulable": node.schedulable,
        "roles": list(node.roles),
        "conditions": [{"type": t, "status": s} for t, s in sorted(node.conditions.items())],
        "taints": list(node.taints),
        "kubelet_version": node.kubelet_version[:64],
        "capacity": asdict(node.capacity),
        "allocatable": asdict(node.allocatable),
    }


def _upsert(model: Any, row: Cluster, wanted: dict[str, dict[str, Any]], now: datetime) -> bool:
    """Whether rows came or went."""
    present = {item.name: item for item in model.objects.filter(cluster=row)}
    gone = set(present) - set(wanted)
    if gone:
        model.objects.filter(cluster=row, name__in=gone).delete()
    fresh, changed = [], []
    for name, columns in wanted.items():
        item = present.get(name)
        if item is None:
            fresh.append(model(cluster=row, name=name, seen_at=now, **columns))
        elif any(getattr(item, key) != value for key, value in columns.items()):
            for key, value in columns.items():
                setattr(item, key, value)
            item.seen_at = now
            changed.append(item)
    model.objects.bulk_create(fresh)
    if changed:
        model.objects.bulk_update(
            changed, [*next(iter(wanted.values())), "seen_at"], batch_size=200
        )
    return bool(fresh or gone)
