"""Releases as the API knows them."""

from __future__ import annotations

from typing import Any

from apps.models import Release
from apps.permissions import visible_releases
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def release_status(row: Release) -> dict[str, Any]:
    """What Helm's record and the live objects said."""
    return {
        "application": row.application.name,
        "cluster": row.cluster.name,
        "namespace": row.namespace,
        "revision": row.revision.number,
        "pinned": row.pinned,
        "suspended": row.suspended,
        "wantedVersion": row.wanted_version,
        "actualVersion": row.actual_version,
        "helmRevision": row.helm_revision,
        "helmStatus": row.helm_status,
        "objects": row.objects_seen,
        "drift": row.drift,
        "lastOperation": row.last_operation,
        "seenAt": row.seen_at,
        "reason": row.condition(READY).get("reason", ""),
        "health": row.condition("Healthy").get("status", "Unknown"),
        "drifted": row.condition("Drifted").get("status", "Unknown"),
    }


RELEASE = register(
    Kind(
        kind="Release",
        plural="releases",
        short_names=("rel",),
        model=Release,
        description="An application on one cluster: a Helm release.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("REASON", "status.reason"),
            Column("VERSION", "status.actualVersion"),
            Column("WANTED", "status.wantedVersion"),
            Column("HELM", "status.helmRevision"),
            Column("DRIFTED", "status.drifted"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("NAMESPACE", "status.namespace", priority=1),
            Column("SEEN", "status.seenAt", ColumnType.DATE, priority=1),
        ),
        status=release_status,
        rows=visible_releases,
        filters={
            "application": "application__name",
            "cluster": "cluster__name",
            "namespace": "namespace",
            "ready": "ready",
            "drifted": "conditions__Drifted__status",
        },
        search=("name", "namespace", "actual_version"),
        actions=("redeploy", "history"),
    )
)
