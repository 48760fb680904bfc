"""Chart repositories as the API knows them."""

from __future__ import annotations

from typing import Any

from apps.api.serializers import RepositorySpecSerializer
from apps.models import ChartRepository
from apps.permissions import visible_repositories
from apps.services.repositories import repository_apply, repository_delete
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def repository_status(row: ChartRepository) -> dict[str, Any]:
    """What the last refresh found."""
    return {
        "charts": row.chart_count,
        "refreshedAt": row.refreshed_at,
        "reason": row.condition(READY).get("reason", ""),
    }


REPOSITORY = register(
    Kind(
        kind="ChartRepository",
        plural="repositories",
        short_names=("repo", "repository"),
        model=ChartRepository,
        description="Where charts come from.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("TYPE", "spec.type"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("CHARTS", "status.charts"),
            Column("REFRESHED", "status.refreshedAt", ColumnType.DATE),
            Column("URL", "spec.url"),
        ),
        spec_serializer=RepositorySpecSerializer,
        status=repository_status,
        rows=visible_repositories,
        apply=repository_apply,
        delete=repository_delete,
        filters={"ready": "ready", "type": "type"},
        search=("name", "url", "description"),
        actions=("refresh", "charts"),
    )
)
