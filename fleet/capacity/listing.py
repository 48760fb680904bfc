"""Questions about capacity, as the API and the console ask them, answered for one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.capacity import queries as capacity_queries
from fleet.capacity.figures import RESOURCES, CapacityRow, parse_fits
from fleet.errors import CapacityInvalidError
from fleet.permissions import (
    visible_clusters,
    visible_namespaces,
    visible_nodes,
    visible_projects,
)

BY = ("cluster", "namespace", "project")
MOST = 500


@dataclass(frozen=True, slots=True)
class Question:
    """By what, ordered by which resource, with room for what, where."""

    by: str = BY[0]
    order: str = RESOURCES[0]
    wanted: Mapping[str, int] = field(default_factory=dict)
    cluster: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows, and the names of those of which it is not known whether there is room."""

    rows: list[CapacityRow]
    unknown: list[str]


def read_question(given: Mapping[str, Any]) -> Question:
    """From query parameters; raises CapacityInvalidError."""
    by, order = given.get("by") or BY[0], given.get("order") or RESOURCES[0]
    for name, value, known in (("by", by, BY), ("order", order, RESOURCES)):
        if value not in known:
            text = f"{name} is one of {', '.join(known)}."
            raise CapacityInvalidError(f"{name}_invalid", text, field=name)
    wanted = parse_fits(given.get("fits") or "")
    return Question(by, order, wanted, given.get("cluster") or "", given.get("project") or "")


def answer(user: Any, question: Question) -> Answer:
    """What `user` may see; with something wanted, what has room for it, the most room first."""
    rows = _rows(user, question)
    if not question.wanted:
        return Answer(rows, [])
    first = next(iter(question.wanted))
    fitting = sorted(
        (row for row in rows if row.fits), key=lambda row: -(row.measures[first].free or 0)
    )
    return Answer(fitting, [row.name for row in rows if row.fits is None])


def _rows(user: Any, question: Question) -> list[CapacityRow]:
    cluster, project = question.cluster, question.project
    if question.by == "project":
        projects = visible_projects(user)
        projects = projects.filter(name=project) if project else projects
        projects = projects.filter(copies__cluster__name=cluster) if cluster else projects
        return capacity_queries.by_project(projects, question.wanted, order=question.order)
    if question.by == "namespace":
        namespaces = visible_namespaces(user)
        namespaces = namespaces.filter(cluster__name=cluster) if cluster else namespaces
        namespaces = capacity_queries.of_project(namespaces, project) if project else namespaces
        return capacity_queries.by_namespace(
            namespaces, question.wanted, order=question.order, limit=MOST
        )
    clusters = visible_clusters(user)
    clusters = clusters.filter(name=cluster) if cluster else clusters
    clusters = clusters.filter(project_copies__project__name=project) if project else clusters
    return capacity_queries.by_cluster(
        clusters, visible_nodes(user), question.wanted, order=question.order
    )
