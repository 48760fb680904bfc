"""Blocks that one app adds to another's pages, so that a lower app need not know a higher one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models


@dataclass(frozen=True, slots=True)
class Section:
    """A block of an object's status: a title, a template and its context."""

    title: Any
    template: str
    context: Callable[[Any, Any], dict[str, Any]]
    order: int = 0  # the smaller the higher


_sections: dict[type[models.Model], list[Section]] = {}


def add_section(model: type[models.Model], section: Section) -> None:
    """Show `section` on the pages of `model`; `context(row, user)` is called for each page."""
    _sections.setdefault(model, []).append(section)


def sections_of(row: Any, user: Any) -> list[dict[str, Any]]:
    """The blocks for one object, ready for the template."""
    return [
        {"title": one.title, "template": one.template, **one.context(row, user)}
        for one in sorted(_sections.get(type(row), []), key=lambda one: one.order)
    ]
