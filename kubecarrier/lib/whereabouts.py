"""In which cluster, namespace and project a row is: what the audit keeps beside its entry.

By the paths along which rights reach the row (`kubecarrier.lib.access.Reach`), so that
who holds a project, a cluster or a namespace finds there the entries of all that is
theirs. A kind that names its place in another way registers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from kubecarrier.lib import access


@dataclass(frozen=True, slots=True)
class Place:
    """Names and keys as they are now; empty where the row is in none.

    `asks_reason`: the project demands a reason for each change.
    """

    cluster: str = ""
    cluster_id: uuid.UUID | None = None
    project: str = ""
    project_id: uuid.UUID | None = None
    namespace: str = ""
    asks_reason: bool = False


NOWHERE = Place()
_finders: dict[type[models.Model], Callable[[Any], Place]] = {}


def register(model: type[models.Model], finder: Callable[[Any], Place]) -> None:
    """`finder(row)` tells where rows of `model` are; called in `AppConfig.ready`."""
    _finders[model] = finder


def place_of(row: models.Model) -> Place:
    """Where `row` is; nowhere for a row whose cluster or project is gone already."""
    return _finders.get(row._meta.model, _by_reach)(row)  # a request's user is a lazy one


def at(*, cluster: Any = None, project: Any = None, namespace: Any = "") -> Place:
    """The place of these two rows, either of which may be None."""
    return Place(
        cluster=str(cluster or ""),
        cluster_id=getattr(cluster, "pk", None),
        project=str(project or ""),
        project_id=getattr(project, "pk", None),
        namespace=str(namespace or "") if cluster else "",
        asks_reason=bool(getattr(project, "require_reason", False)),
    )


def _by_reach(row: models.Model) -> Place:
    reach = access.reach_of(row._meta.model)
    return at(
        cluster=_follow(row, reach.cluster),
        project=_follow(row, reach.project),
        namespace=_follow(row, reach.namespace),
    )


def _follow(row: Any, path: str) -> Any:
    """What a path leads to: `item__project`; the row itself for `pk`."""
    if path == "pk":
        return row
    found = row if path else None
    try:
        for name in path.split("__") if path else ():
            found = getattr(found, name, None)
    except ObjectDoesNotExist:
        return None
    return found
