"""What is wrong with an application's values, while they are typed: by the chart's own schema."""

from __future__ import annotations

from django.http import HttpRequest

from apps.models import ChartVersion
from apps.permissions import visible_charts
from apps.queries import chart_defaults, resolve_version
from apps.values import Layer, merge, parse_values
from apps.values_schema import validate
from kubecarrier.console.editor import Problem, add_check, refusal
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.yaml_places import Places


def values_problems(request: HttpRequest, text: str) -> list[Problem]:
    """Each violation at its line; a value that is missing, at the mapping that lacks it."""
    try:
        own = parse_values(text)
        version = _version(request)
        if version is None or version.archive_id is None or not version.schema:
            return []
        layers = [Layer("chart", chart_defaults(version.archive_id)), Layer("application", own)]
        issues = validate(merge(layers).values, version.schema)
    except KubeCarrierError as error:
        return [refusal(error)]
    places = Places(text)
    found = [(issue, places.named(issue.path)) for issue in issues]
    return [Problem(issue.message, at.line, at.column) for issue, at in found]


def _version(request: HttpRequest) -> ChartVersion | None:
    """The chart that the form names, where the person may see it and it was opened before."""
    repository, _sep, name = request.POST.get("chart", "").strip().partition("/")
    charts = visible_charts(request.user)
    chart = charts.filter(repository__name=repository, chart=name).first()
    if chart is None or not chart.versions.exists():
        return None
    return resolve_version(chart, request.POST.get("version", "").strip())


add_check("values", values_problems)
