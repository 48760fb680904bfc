"""What the console says of a page that is not there, or not for this person."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import defaults

_CONSOLE = ("/admin/", "/account", "/device")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Absent and out of reach look the same on purpose, and the page says so."""
    if not _in_console(request):
        return defaults.page_not_found(request, exception)
    text = _(
        "There is no such page, or it is about something that you may not see. Whoever sent you the "
        "address may see more than you do; who administers this portal can give you the right."
    )
    return _page(request, 404, "explore_off", _("Nothing here for you"), text)


def denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Seen, but not to be done: what is missing is said where the view named it."""
    if not _in_console(request):
        return defaults.permission_denied(request, exception)
    said = str(exception) if exception.args else ""
    text = said or _("Your roles do not hold the right that this page needs.")
    return _page(request, 403, "block", _("You may not do this"), text)


def _in_console(request: HttpRequest) -> bool:
    """A page of somebody who may come in; parts of pages that htmx asks for need no frame."""
    return (
        request.path.startswith(_CONSOLE)
        and "HX-Request" not in request.headers
        and admin.site.has_permission(request)
    )


def _page(request: HttpRequest, status: int, icon: str, title: str, text: str) -> HttpResponse:
    context: dict[str, Any] = {
        **admin.site.each_context(request), "title": title, "text": text, "symbol": icon,
    }  # fmt: skip
    return render(request, "console/refusal.html", context, status=status)
