"""Projects as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.api.serializers import ProjectSpecSerializer
from fleet.models import Project
from fleet.permissions import visible_projects
from fleet.services.projects import project_apply, project_delete
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def project_status(row: Project) -> dict[str, Any]:
    """Where it is."""
    return {
        "suspended": row.suspended,
        "namespaces": len(row.namespaces),
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
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("REASON", "status.reason", priority=1),
        ),
        spec_serializer=ProjectSpecSerializer,
        status=project_status,
        rows=visible_projects,
        apply=project_apply,
        delete=project_delete,
        filters={"ready": "ready"},
        search=("name", "description"),
    )
)
