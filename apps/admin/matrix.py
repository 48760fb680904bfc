"""What runs where, in which version: applications × clusters, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from apps.models import Application, Release
from apps.permissions import visible_applications, visible_releases
from fleet.models import Cluster
from fleet.permissions import visible_clusters
from kubecarrier.console.state import State, drifted, state_of
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.placement import filter_by_labels, parse_selector
from kubecarrier.lib.spec import ReadyState

_ROWS = 30
_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Cell:
    """One application on one cluster."""

    release: Release
    state: State
    drifted: bool
    stale: Any

    @property
    def differs(self) -> bool:
        return self.release.actual_version != self.release.wanted_version


@dataclass(frozen=True, slots=True)
class Row:
    """An application with a cell or None for each column."""

    application: Application
    state: State
    cells: list[Cell | None]


@dataclass(frozen=True, slots=True)
class Pager:
    """Links to the pages before and after; None where there is none."""

    previous: str | None
    following: str | None
    first: int
    last: int


def matrix_view(request: HttpRequest, site: Any) -> HttpResponse:
    """The page; its filters are query parameters, so that it can be sent to a colleague."""
    if not may_operate(request.user):
        raise PermissionDenied
    refused = ""
    try:
        clusters, column_pager = _columns(request)
        applications, row_pager = _rows(request)
    except InvalidError as error:
        refused, clusters, applications = f"{error.message} {error.hint or ''}", [], []
        row_pager = column_pager = Pager(None, None, 0, 0)
    context = {
        **site.each_context(request),
        "title": _("What runs where"),
        "is_fullwidth": "1",
        "clusters": [(one, state_of(one)) for one in clusters],
        "rows": _cells(request.user, applications, clusters),
        "row_pager": row_pager,
        "column_pager": column_pager,
        "refused": refused,
        "asked": request.GET,
        "ready_choices": ReadyState.choices,
        "filtered": any(request.GET.get(key) for key in ("q", "selector", "cluster", "ready")),
        "here": request.get_full_path(),
    }
    template = (
        "console/matrix_table.html" if "HX-Request" in request.headers else "console/matrix.html"
    )
    return TemplateResponse(request, template, context)


def _columns(request: HttpRequest) -> tuple[list[Cluster], Pager]:
    rows = visible_clusters(request.user).order_by("name")
    if wanted := request.GET.get("cluster", "").strip():
        rows = rows.filter(name__icontains=wanted)
    if text := request.GET.get("selector", "").strip():
        return _selected_columns(request, rows, text)
    return _page(request, rows, "column", _COLUMNS)


def _selected_columns(
    request: HttpRequest, rows: QuerySet[Any], text: str
) -> tuple[list[Cluster], Pager]:
    """Clusters by the labels that placements select by: the four known fields included."""
    selector = parse_selector(text)
    names = [one.name for one in rows.only("name", "labels", "provider", "region", "environment")
             if selector.matches(one.selector_labels())]  # fmt: skip
    return _page(request, rows.filter(name__in=names), "column", _COLUMNS)


def _rows(request: HttpRequest) -> tuple[list[Application], Pager]:
    rows = visible_applications(request.user).order_by("name")
    if text := request.GET.get("q", "").strip():
        rows = rows.filter(name__icontains=text) | rows.filter(chart__icontains=text)
    if ready := request.GET.get("ready", ""):
        rows = rows.filter(ready=ready)
    if text := request.GET.get("labels", "").strip():
        rows = filter_by_labels(rows, text)
    return _page(request, rows, "row", _ROWS)


def _page(
    request: HttpRequest, rows: QuerySet[Any], key: str, size: int
) -> tuple[list[Any], Pager]:
    """One page without a count: one row more says whether another page follows."""
    raw = request.GET.get(key, "1")
    number = min(max(int(raw), 1), 10_000) if raw.isdigit() else 1
    start = (number - 1) * size
    found = list(rows[start : start + size + 1])
    more, shown = len(found) > size, found[:size]
    return shown, Pager(
        previous=_link(request.GET, key, number - 1) if number > 1 else None,
        following=_link(request.GET, key, number + 1) if more else None,
        first=start + 1 if shown else 0,
        last=start + len(shown),
    )


def _link(query: QueryDict, key: str, number: int) -> str:
    changed = query.copy()
    changed[key] = str(number)
    return f"?{changed.urlencode()}"


def _cells(user: Any, applications: list[Application], clusters: list[Cluster]) -> list[Row]:
    releases = (
        visible_releases(user)
        .filter(application__in=applications, cluster__in=clusters)
        .select_related(None)
        .defer("objects_seen", "last_operation", "corrections", "drift")
    )
    by_place = {(one.application_id, one.cluster_id): one for one in releases}
    away = {one.pk: one.condition("Reachable").get("status") != "True" for one in clusters}
    rows = []
    for application in applications:
        found = (by_place.get((application.pk, cluster.pk)) for cluster in clusters)
        cells = [_cell(one, away=away[one.cluster_id]) if one else None for one in found]
        rows.append(Row(application, state_of(application), cells))
    return rows


def _cell(release: Release, *, away: bool) -> Cell:
    return Cell(release, state_of(release), drifted(release), release.seen_at if away else None)
