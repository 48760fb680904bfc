"""This app's kinds as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.api.serializers import ClusterSpecSerializer
from fleet.conditions import Reason
from fleet.models import Cluster, Namespace, Node, Operation
from fleet.permissions import (
    visible_clusters,
    visible_namespaces,
    visible_nodes,
    visible_operations,
)
from fleet.queries import operation_progress
from fleet.services.clusters import cluster_apply, cluster_delete
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def cluster_status(cluster: Cluster) -> dict[str, Any]:
    """What the probe saw."""
    return {
        "version": cluster.version,
        "platform": cluster.platform,
        "identity": cluster.identity,
        "insecure": cluster.insecure,
        "lastSeenAt": cluster.last_seen_at,
        "credentialExpiresAt": cluster.credential_expires_at,
        "nodes": cluster.node_count,
        "capacity": cluster.capacity,
        "allocatable": cluster.allocatable,
        "requested": cluster.requested,
        "usage": cluster.usage,
        "reason": cluster.condition("Ready").get("reason", Reason.NOT_PROBED),
    }


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
        "labels": node.labels,
        "seenAt": node.seen_at,
    }


def namespace_status(namespace: Namespace) -> dict[str, Any]:
    """A namespace as the last probe saw it."""
    return {
        "cluster": namespace.cluster.name,
        "state": namespace.state,
        "labels": namespace.labels,
        "seenAt": namespace.seen_at,
    }


def operation_status(operation: Operation) -> dict[str, Any]:
    """Who asked for what, and how far it is."""
    targets = list(operation.targets.all())
    failed = [target for target in targets if target.state == "failed"]
    return {
        "verb": operation.verb,
        "kind": operation.kind,
        "object": operation.object_name,
        "actor": operation.actor.get_username() if operation.actor else None,
        "channel": operation.channel,
        "requestId": operation.request_id,
        "reason": operation.reason,
        "startedAt": operation.created_at,
        "finishedAt": operation.finished_at,
        "finished": operation.finished_at is not None,
        "succeeded": operation.finished_at is not None and not failed,
        "progress": operation_progress(operation),
        "targets": [
            {"name": t.name, "status": t.state, "message": t.message, "changedAt": t.changed_at}
            for t in targets
        ],
    }


CLUSTER = register(
    Kind(
        kind="Cluster",
        plural="clusters",
        short_names=("cl",),
        model=Cluster,
        description="A Kubernetes cluster of the fleet.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("REASON", "status.reason"),
            Column("VERSION", "status.version"),
            Column("NODES", "status.nodes"),
            Column("ENVIRONMENT", "spec.environment"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("SERVER", "spec.server", priority=1),
            Column("REGION", "spec.region", priority=1),
            Column("LAST-SEEN", "status.lastSeenAt", ColumnType.DATE, priority=1),
        ),
        spec_serializer=ClusterSpecSerializer,
        status=cluster_status,
        rows=visible_clusters,
        apply=cluster_apply,
        delete=cluster_delete,
        delete_options={"policy": str},
        filters={
            "ready": "ready",
            "provider": "provider",
            "region": "region",
            "environment": "environment",
            "version": "version",
        },
        search=("name", "description", "server", "version"),
        actions=("import", "probe", "suspend", "resume", "rename", "rotate"),
    )
)
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
        spec_serializer=None,
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
        spec_serializer=None,
        status=namespace_status,
        rows=visible_namespaces,
        filters={"cluster": "cluster__name", "state": "state"},
    )
)
OPERATION = register(
    Kind(
        kind="Operation",
        plural="operations",
        short_names=("op",),
        model=Operation,
        description="Something a person asked for that takes time.",
        columns=(
            Column("ID", "metadata.name"),
            Column("OPERATION", "status.verb"),
            Column("OBJECT", "status.object"),
            Column("DONE", "status.progress.done"),
            Column("OF", "status.progress.total"),
            Column("SUCCEEDED", "status.succeeded"),
            Column("AGE", "status.startedAt", ColumnType.DATE),
            Column("BY", "status.actor", priority=1),
        ),
        spec_serializer=None,
        status=operation_status,
        rows=visible_operations,
        filters={"object": "object_name", "kind": "kind", "verb": "verb"},
        search=("object_name", "verb", "request_id"),
        order="-created_at",
    )
)
