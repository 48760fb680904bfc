"""Nodes and namespaces as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.models import Namespace, Node
from fleet.permissions import (
    visible_namespaces,
    visible_nodes,
)
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def node_status(node: Node) -> dict[str, Any]:
    """A node as the last probe saw it."""
    return {
        "cluster": node.cluster.name,
        "ready": "True" if node.ready else "False",
        "unschedulable": node.unschedulable,
        "roles": node.roles,
        "conditions": node.conditions,
        "taints": node.taints,
        "kubeletVersion": node.kubelet_version,
        "capacity": node.capacity,
        "allocatable": node.allocatable,
        "requested": node.requested,
        "usage": node.usage,
        "schedulable": node.schedulable,
        "labels": node.labels,
        "seenAt": node.seen_at,
    }


def namespace_status(namespace: Namespace) -> dict[str, Any]:
    """A namespace as the last probe saw it."""
    return {
        "cluster": namespace.cluster.name,
        "state": namespace.state,
        "requested": namespace.requested,
        "usage": namespace.usage,
        "labels": namespace.labels,
        "seenAt": namespace.seen_at,
    }


NODE = register(
    Kind(
        kind="Node",
        plural="nodes",
        short_names=("no",),
        model=Node,
        description="A node of a cluster, as the last probe saw it.",
        columns=(
            Column("CLUSTER", "status.cluster"),
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("ROLES", "status.roles"),
            Column("VERSION", "status.kubeletVersion"),
        ),
        status=node_status,
        rows=visible_nodes,
        filters={"cluster": "cluster__name", "ready": "ready"},
    )
)


NAMESPACE = register(
    Kind(
        kind="Namespace",
        plural="namespaces",
        short_names=("ns",),
        model=Namespace,
        description="A namespace of a cluster, as the last probe saw it.",
        columns=(
            Column("CLUSTER", "status.cluster"),
            Column("NAME", "metadata.name"),
            Column("STATE", "status.state"),
        ),
        status=namespace_status,
        rows=visible_namespaces,
        filters={"cluster": "cluster__name", "state": "state"},
    )
)
