"""Ctrl-K: from a few letters to a page or an object, of what the person may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

_EACH = 5
_MOST = 40
_LETTERS = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A page to go to: `about` says what it is."""

    name: str
    about: str
    icon: str
    url: str


def find_view(request: HttpRequest, site: Any) -> HttpResponse:
    """The lines below the box; without a word the pages of the side bar."""
    text = request.GET.get("s", "").replace("\0", "").strip()[:_LETTERS]
    found = _pages(request, site, text)
    if text:
        found = [*_objects(request, site, text), *found]
    context = {"found": found[:_MOST], "asked": text}
    return TemplateResponse(request, "console/found.html", context)


def _pages(request: HttpRequest, site: Any, text: str) -> list[Found]:
    """What the side bar holds for this person."""
    wanted = text.casefold()
    return [
        Found(
            str(item["title"]), str(group["title"]), item.get("icon", "article"), str(item["link"])
        )
        for group in site.get_sidebar_list(request)
        for item in group["items"]
        if item["has_permission"] and wanted in str(item["title"]).casefold()
    ]


def _objects(request: HttpRequest, site: Any, text: str) -> list[Found]:
    """The first few of each kind: those whose name begins so before those that contain it."""
    found = []
    for model, admin in site._registry.items():
        if not (symbol := getattr(admin, "find_icon", "")):
            continue
        page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        about = str(model._meta.verbose_name).capitalize()
        found += [
            Found(name, admin.find_about(row) or about, symbol, reverse(page, args=[row.pk]))
            for row in admin.find(request, text)[:_EACH]
            if (name := str(row))
        ]
    wanted = text.casefold()
    return sorted(found, key=lambda one: not one.name.casefold().startswith(wanted))
