"""Who takes a namespace over that is there already gives the project's people rights in it."""

from __future__ import annotations

from typing import Any

from accounts import granting
from accounts.models import Binding
from fleet.models import Project

Json = dict[str, Any]


def check(row: Project, before: Json) -> None:
    """Raises DeniedError unless the acting person holds there what the project's bindings give.

    `row` as it is going to be, `before` what `reached` said of it. A namespace that the
    project makes is empty, and nobody loses it; one that is adopted was somebody else's.
    """
    now = reached(row)
    if now["placement"] == before["placement"]:
        names = sorted(set(now["adopted"]) - set(before["adopted"]))
    else:
        names = now["adopted"]
    if not names:
        return
    bindings = Binding.objects.filter(scope__project=row.name, deletion_requested_at=None)
    bound = list(bindings.select_related("role"))
    scope = {**now["placement"], "namespaces": names}
    for binding in bound:
        granting.check(granting.Given.by(binding.role), scope, without=bound)


def reached(row: Project) -> Json:
    """Which namespaces it takes over, and on which clusters."""
    placement = row.placement or {}
    return {
        "placement": {
            "clusters": sorted(placement.get("clusters") or ()),
            "selector": placement.get("selector") or "",
        },
        "adopted": sorted(
            item["name"] for item in row.namespaces if isinstance(item, dict) and item.get("adopt")
        ),
    }
