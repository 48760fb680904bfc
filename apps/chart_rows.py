"""Charts as rows: what an upload and a refresh both write, and what several edges look up."""

from __future__ import annotations

from typing import Any

from apps.models import Chart, ChartVersion
from apps.versions import sort_key


def describe_chart(chart: Chart) -> None:
    """The chart takes its description from its newest version."""
    versions = list(chart.versions.all())
    if not versions:
        return
    newest = max(versions, key=lambda v: sort_key(v.version))
    details: dict[str, Any] = newest.details
    chart.latest_version = newest.version
    chart.app_version = newest.app_version
    chart.description = newest.description
    chart.icon = details.get("icon", "")
    chart.home = details.get("home", "")
    chart.keywords = details.get("keywords", [])
    chart.keyword_text = " ".join(chart.keywords)
    chart.deprecated = newest.deprecated
    chart.save()


def versions_of(reference: str, *, limit: int = 200) -> list[str]:
    """The versions of `repository/chart`, newest first."""
    repository, _, chart = reference.partition("/")
    known = ChartVersion.objects.filter(chart__repository__name=repository, chart__chart=chart)
    return sorted(known.values_list("version", flat=True), key=sort_key, reverse=True)[:limit]
