"""Applications as the API knows them."""

from __future__ import annotations

from typing import Any

from apps.api.serializers import ApplicationSpecSerializer
from apps.models import Application
from apps.permissions import visible_applications
from apps.queries import attach_counts
from apps.services.applications import application_apply, application_delete
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def keep_resources(text: str) -> bool:
    """Only the two words: a misspelt one must not delete what was to be kept."""
    if text not in {"true", "false"}:
        raise InvalidError(
            "keep_resources_invalid", "keepResources is true or false.", field="keepResources"
        )
    return text == "true"


def application_status(row: Application) -> dict[str, Any]:
    """The summary of its releases and what the save pinned."""
    if row.counts is None:
        attach_counts([row])
    counts = row.counts or {}
    return {
        "resolvedVersion": row.resolved_version,
        "digest": row.digest,
        "suspended": row.suspended,
        "releases": counts.get("total_count", 0),
        "readyReleases": counts.get("ready_count", 0),
        "driftedReleases": counts.get("drifted_count", 0),
        "stalledReleases": counts.get("stalled_count", 0),
        "reason": row.condition(READY).get("reason", ""),
    }


APPLICATION = register(
    Kind(
        kind="Application",
        plural="applications",
        short_names=("app",),
        model=Application,
        description="A chart at a version with values and context, placed on clusters.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("RELEASES", "status.releases"),
            Column("CHART", "spec.chart"),
            Column("VERSION", "status.resolvedVersion"),
            Column("NAMESPACE", "spec.namespace"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("REASON", "status.reason", priority=1),
            Column("DRIFTED", "status.driftedReleases", priority=1),
            Column("PROJECT", "metadata.project", priority=1),
        ),
        spec_serializer=ApplicationSpecSerializer,
        status=application_status,
        rows=visible_applications,
        project="project",
        apply=application_apply,
        attach=attach_counts,
        delete=application_delete,
        delete_options={"keepResources": keep_resources},
        filters={
            "ready": "ready",
            "namespace": "namespace",
            "chart": "chart",
            "cluster": "releases__cluster__name",
        },
        search=("name", "description", "chart"),
        actions=(
            "preview",
            "scale",
            "upgrade",
            "rollback",
            "redeploy",
            "suspend",
            "resume",
            "revisions",
            "values",
        ),
    )
)
