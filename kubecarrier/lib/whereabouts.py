"""In which cluster and project a row is: told by each app, since the audit knows neither.

A row with a foreign key `cluster` or `project` needs nothing. A kind that is a
cluster, or that finds its project on the way of another row, registers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models


@dataclass(frozen=True, slots=True)
class Place:
    """Names and keys as they are now; empty where the row is in none.

    `asks_reason`: the project demands a reason for each change.
    """

    cluster: str = ""
    cluster_id: uuid.UUID | None = None
    project: str = ""
    project_id: uuid.UUID | None = None
    asks_reason: bool = False


NOWHERE = Place()
_finders: dict[type[models.Model], Callable[[Any], Place]] = {}


def register(model: type[models.Model], finder: Callable[[Any], Place]) -> None:
    """`finder(row)` tells where rows of `model` are; called in `AppConfig.ready`."""
    _finders[model] = finder


def place_of(row: models.Model) -> Place:
    """Where `row` is; nowhere for a row whose cluster or project is gone already."""
    finder = _finders.get(type(row), _by_columns)
    try:
        return finder(row)
    except ObjectDoesNotExist:
        return NOWHERE


def at(*, cluster: Any = None, project: Any = None) -> Place:
    """The place of these two rows, either of which may be None."""
    return Place(
        cluster=str(cluster or ""),
        cluster_id=getattr(cluster, "pk", None),
        project=str(project or ""),
        project_id=getattr(project, "pk", None),
        asks_reason=bool(getattr(project, "require_reason", False)),
    )


def of_cluster(row: Any) -> Place:
    """The place of a row that is a cluster itself."""
    return at(cluster=row, project=getattr(row, "project", None))


def of_project(row: Any) -> Place:
    """The place of a row that is a project itself."""
    return at(project=row)


def _by_columns(row: Any) -> Place:
    """The foreign keys `cluster` and `project`; a cluster's project where the row has none."""
    names = {field.name for field in row._meta.concrete_fields if field.is_relation}
    cluster = row.cluster if "cluster" in names else None
    project = row.project if "project" in names else None
    return at(cluster=cluster, project=project) if names & {"cluster", "project"} else NOWHERE
