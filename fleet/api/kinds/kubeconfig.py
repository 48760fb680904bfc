"""Kubeconfigs of people as the API knows them: the token is in no document."""

from __future__ import annotations

from typing import Any

from fleet.grants.accounts import NAMESPACE
from fleet.models import Kubeconfig
from fleet.permissions import visible_kubeconfigs
from fleet.services.kubeconfigs import kubeconfig_revoke, standing
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def kubeconfig_status(row: Kubeconfig) -> dict[str, Any]:
    """Whose it is, for which cluster, and what became of it."""
    return {
        "cluster": row.cluster.name,
        "user": row.username,
        "reason": standing(row),
        "serviceAccount": f"{NAMESPACE}/{row.account}",
        "issuedAt": row.created_at,
        "expiresAt": row.expires_at,
        "revokedAt": row.revoked_at,
        "revokedBecause": row.revoked_because,
        "endedAt": row.ended_at,
    }


KUBECONFIG = register(
    Kind(
        kind="Kubeconfig",
        plural="kubeconfigs",
        short_names=("kc",),
        model=Kubeconfig,
        description="A kubeconfig that a person downloaded: until when it works, revoked by deleting it.",
        columns=(
            Column("ID", "metadata.name"),
            Column("CLUSTER", "status.cluster"),
            Column("PERSON", "status.user"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("REASON", "status.reason"),
            Column("EXPIRES", "status.expiresAt", ColumnType.DATE),
            Column("AGE", "status.issuedAt", ColumnType.DATE),
            Column("ACCOUNT", "status.serviceAccount", priority=1),
        ),
        spec_serializer=None,
        status=kubeconfig_status,
        rows=visible_kubeconfigs,
        delete=kubeconfig_revoke,
        filters={"cluster": "cluster__name", "user": "username", "ready": "ready"},
        search=("username", "cluster__name", "account"),
        order="-created_at",
    )
)
