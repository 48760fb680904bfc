"""Cluster grants as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.models import ClusterGrant
from fleet.permissions import visible_grants
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def grant_status(grant: ClusterGrant) -> dict[str, Any]:
    """What is wanted there, and what was seen."""
    return {
        "binding": grant.binding.name,
        "cluster": grant.cluster.name,
        "reason": grant.condition("Ready").get("reason", ""),
        "subjects": grant.wanted.get("subjects", []),
        "namespaces": grant.wanted.get("namespaces"),
        "objects": grant.objects_seen,
        "drift": grant.drift,
        "verifiedAt": grant.verified_at,
    }


CLUSTER_GRANT = register(
    Kind(
        kind="ClusterGrant",
        plural="clustergrants",
        short_names=("cg",),
        model=ClusterGrant,
        description="A binding on one cluster: its roles there, and who holds them.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("REASON", "status.reason"),
            Column("BINDING", "status.binding"),
            Column("CLUSTER", "status.cluster"),
            Column("VERIFIED", "status.verifiedAt", ColumnType.DATE),
        ),
        spec_serializer=None,
        status=grant_status,
        rows=visible_grants,
        filters={"ready": "ready", "binding": "binding__name", "cluster": "cluster__name"},
    )
)
