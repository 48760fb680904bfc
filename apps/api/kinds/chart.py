"""Charts as the API knows them."""

from __future__ import annotations

from typing import Any

from apps.models import Chart
from apps.permissions import visible_charts
from kubecarrier.lib.manifests import Column, Kind, register


def chart_status(row: Chart) -> dict[str, Any]:
    """What the repository says of the chart's newest version."""
    return {
        "repository": row.repository.name,
        "chart": row.chart,
        "latestVersion": row.latest_version,
        "appVersion": row.app_version,
        "description": row.description,
        "icon": row.icon,
        "home": row.home,
        "keywords": row.keywords,
        "deprecated": row.deprecated,
    }


CHART = register(
    Kind(
        kind="Chart",
        plural="charts",
        short_names=("ch",),
        model=Chart,
        description="A chart of a repository.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("VERSION", "status.latestVersion"),
            Column("APP VERSION", "status.appVersion"),
            Column("DESCRIPTION", "status.description"),
        ),
        status=chart_status,
        rows=visible_charts,
        filters={"repository": "repository__name", "deprecated": "deprecated"},
        search=("name", "description", "keyword_text"),
        actions=("versions",),
    )
)
