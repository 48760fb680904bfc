"""Projects as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.api.serializers import ProjectSpecSerializer
from fleet.models import Project, ProjectCopy
from fleet.permissions import visible_project_copies, visible_projects
from fleet.services.projects import project_apply, project_delete
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def delete_namespaces(text: str) -> list[str]:
    """Names with commas; each must be said, there is no word for all of them."""
    return sorted({name.strip() for name in text.split(",") if name.strip()})


def project_status(row: Project) -> dict[str, Any]:
    """Where it is, and its quotas summed over its namespaces."""
    totals = row.totals or {}
    return {
        "suspended": row.suspended,
        "namespaces": totals.get("namespaces", 0),
        "readyNamespaces": totals.get("ready", 0),
        "unseenQuotas": totals.get("unseen", 0),
        "quota": {"hard": totals.get("hard", {}), "used": totals.get("used", {})},
        "reason": row.condition(READY).get("reason", ""),
    }


def project_copy_status(row: ProjectCopy) -> dict[str, Any]:
    """A project on one cluster."""
    return {
        "project": row.project.name,
        "cluster": row.cluster.name,
        "suspended": row.suspended,
        "refused": row.refused,
        "seenAt": row.seen_at,
        "reason": row.condition(READY).get("reason", ""),
    }


PROJECT = register(
    Kind(
        kind="Project",
        plural="projects",
        short_names=("proj",),
        model=Project,
        description="Namespaces over clusters, their quota, and what may be placed in them.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("NAMESPACES", "status.namespaces"),
            Column("READY-NS", "status.readyNamespaces"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("REASON", "status.reason", priority=1),
        ),
        spec_serializer=ProjectSpecSerializer,
        status=project_status,
        rows=visible_projects,
        apply=project_apply,
        delete=project_delete,
        delete_options={"deleteNamespaces": delete_namespaces},
        filters={"ready": "ready", "cluster": "copies__cluster__name"},
        search=("name", "description"),
        actions=("suspend", "resume", "namespaces", "deletion"),
    )
)
PROJECT_COPY = register(
    Kind(
        kind="ProjectCopy",
        plural="projectcopies",
        short_names=("projcopy",),
        model=ProjectCopy,
        description="A project on one cluster: its namespaces and quotas there.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("REASON", "status.reason"),
            Column("SEEN", "status.seenAt", ColumnType.DATE),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
        ),
        status=project_copy_status,
        rows=visible_project_copies,
        project="project",
        filters={"cluster": "cluster__name", "ready": "ready"},
    )
)
