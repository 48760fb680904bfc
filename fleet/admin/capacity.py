"""Where is room, and what wastes most: one page over clusters, namespaces and projects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.capacity.figures import RESOURCES, CapacityRow, Measure, Standing
from fleet.capacity.listing import BY, Answer, Question, answer, read_question
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.errors import InvalidError

_SHOWN = 200
_BY = {"cluster": gettext_lazy("Clusters"), "namespace": gettext_lazy("Namespaces"), "project": gettext_lazy("Projects")}  # fmt: skip
_STANDINGS = {
    Standing.OVER: (gettext_lazy("Over"), "bad", "arrow_upward"),
    Standing.UNDER: (gettext_lazy("Under-used"), "warn", "arrow_downward"),
    Standing.FAIR: (gettext_lazy("Fair"), "ok", "check_circle"),
    Standing.UNKNOWN: (gettext_lazy("Unknown"), "idle", "help"),
}


@dataclass(frozen=True, slots=True)
class Gauge:
    """One resource of a row as a bar: what is requested and used of what is offered or allowed."""

    kind: str
    measure: Measure

    @property
    def whole(self) -> int | None:
        found = self.measure
        return found.quota if found.quota is not None else found.allocatable or found.requested

    @property
    def requested_percent(self) -> int | None:
        return _percent(self.measure.requested, self.whole)

    @property
    def used_percent(self) -> int | None:
        return _percent(self.measure.used, self.whole)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table."""

    row: CapacityRow
    word: Any
    tone: str
    icon: str
    gauges: list[Gauge]


def capacity_view(request: HttpRequest, site: Any) -> HttpResponse:
    """The page; its questions are query parameters, so that it can be sent to a colleague."""
    if not may_operate(request.user):
        raise PermissionDenied
    refused, question, found = "", Question(), Answer([], [])
    try:
        question = read_question(request.GET)
        found = answer(request.user, question)
    except InvalidError as error:
        refused = f"{error.message} {error.hint or ''}"
    context = {
        **site.each_context(request),
        "title": _("Capacity"),
        "is_fullwidth": "1",
        "lines": [_line(row) for row in found.rows[:_SHOWN]],
        "more": max(0, len(found.rows) - _SHOWN),
        "unknown": found.unknown[:_SHOWN],
        "question": question,
        "by_choices": [(key, _BY[key]) for key in BY],
        "order_choices": [(RESOURCES[0], _("CPU")), (RESOURCES[1], _("Memory"))],
        "asked": request.GET,
        "refused": refused,
    }
    return TemplateResponse(request, "console/capacity.html", context)


def _line(row: CapacityRow) -> Line:
    word, tone, icon = _STANDINGS[row.standing]
    kinds = {"cpu": "cores", "memory": "size"}
    gauges = [Gauge(kinds[name], measure) for name, measure in row.measures.items()]
    return Line(row, word, tone, icon, gauges)


def _percent(part: int | None, whole: int | None) -> int | None:
    return None if part is None or not whole else min(100, round(100 * part / whole))
