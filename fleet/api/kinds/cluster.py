"""Clusters as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.api.serializers import ClusterSpecSerializer
from fleet.conditions import Reason
from fleet.models import Cluster
from fleet.permissions import (
    visible_clusters,
)
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
        "credentialExchangedAt": cluster.exchanged_at,
        "credentialRotatedAt": cluster.credential_rotated_at,
        "nodes": cluster.node_count,
        "capacity": cluster.capacity,
        "allocatable": cluster.allocatable,
        "requested": cluster.requested,
        "usage": cluster.usage,
        "reason": cluster.condition("Ready").get("reason", Reason.NOT_PROBED),
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
