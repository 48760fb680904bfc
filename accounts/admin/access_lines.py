"""Lines of an access review as the pages show them: with links, and what each gives in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from accounts.review.listing import Line
from kubecarrier.lib import catalogue


def line_rows(lines: Iterable[Line], user: Any) -> list[dict[str, Any]]:
    """Each line with the pages that it leads to; those of people are for superusers."""
    return [
        {
            "line": line,
            "rights": by_kind(line.permissions),
            "binding": reverse("admin:accounts_binding_change", args=[line.binding_id]),
            "role": reverse("admin:accounts_role_change", args=[line.role_id]),
            "person": _person(line, user),
        }
        for line in lines
    ]


def by_kind(permissions: Iterable[str]) -> list[tuple[Any, list[Any]]]:
    """Permissions as a kind and what may be done with it."""
    known = catalogue.known()
    found: dict[Any, list[Any]] = {}
    for name in permissions:
        subject, verb = known[name]
        found.setdefault(subject.title, []).append(verb.title)
    return list(found.items())


def _person(line: Line, user: Any) -> str:
    return reverse("admin:accounts_user_change", args=[line.user_id]) if user.is_superuser else ""
