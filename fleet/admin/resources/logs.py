"""What a pod wrote, as a page that can ask for itself again."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.admin.resources.page import Page, page_view
from fleet.kube_errors import KubeError
from fleet.live.logs import LINES, Line, LogQuery, PodLogs, pod_logs
from kubecarrier.console.refresh import unless_seen

_AMOUNTS = (100, LINES, 2000, 10_000)
_SINCE = {
    "": gettext_lazy("always"),
    "300": gettext_lazy("5 minutes"),
    "3600": gettext_lazy("an hour"),
    "86400": gettext_lazy("a day"),
}
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_WORDS = 200


@page_view
def logs_view(page: Page) -> HttpResponse:
    """The last lines of a container; `part` is the lines alone, for a page that follows."""
    session, kind, ref = page.chosen()
    asked = page.request.GET
    query = _query(page)
    found: PodLogs | None = None
    error = ""
    try:
        found = pod_logs(session, kind, ref, query)
    except KubeError as refused:  # a container that has not begun, or has no earlier run
        error = refused.message
    words = asked.get("q", "").strip()[:_WORDS]
    lines = [one for one in found.lines if words.lower() in one.text.lower()] if found else []
    context: dict[str, Any] = {
        "found": found,
        "error": error,
        "lines": [
            Line(one.time[:19].replace("T", " "), _COLOURS.sub("", one.text)) for one in lines
        ],
        "times": asked.get("times") == "on",
        "words": words,
    }
    if "part" in asked:
        part = render_to_string("console/resource_log_lines.html", context, page.request)
        return unless_seen(page.request, HttpResponse(part))
    again = {key: value for key, value in asked.items() if key != "follow"}
    return page.render(
        "console/resource_logs.html",
        title=_("Logs of %(name)s") % {"name": ref.name},
        query=query,
        follow=asked.get("follow") == "on",
        again=f"?{urlencode({**again, 'part': '1'})}",
        amounts=_AMOUNTS,
        since=_SINCE.items(),
        **context,
    )


def _query(page: Page) -> LogQuery:
    """What is no number or choice of ours is as if it had not been said: these are a form's fields."""
    asked = page.request.GET
    tail = asked.get("lines", "")
    seconds = asked.get("since", "")
    return LogQuery(
        container=asked.get("container", "")[:253],
        previous=asked.get("previous") == "on",
        tail=int(tail) if tail in {str(one) for one in _AMOUNTS} else LINES,
        since_seconds=int(seconds) if seconds and seconds in _SINCE else None,
    )
