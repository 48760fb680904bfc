"""Capacity by cluster, namespace and project: sums in SQL over what the probes saw.

Those whose requests and use differ most come first: over- and under-used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Abs, Cast

from fleet.capacity.figures import RESOURCES, CapacityRow, Measure
from fleet.conditions import REACHABLE
from fleet.models import Cluster, Namespace, Node, Project, ProjectNamespace
from fleet.quantities import QuantityError, bytes_of, cpu_millicores
from kubecarrier.lib.conditions import Status

_KEYS = {"cpu": "cpu_millicores", "memory": "memory_bytes"}
_PARSE = {"cpu": cpu_millicores, "memory": bytes_of}
Wanted = Mapping[str, int]


def amount(column: str, resource: str) -> Cast:
    """One figure of a JSON column; NULL where it is not there."""
    return Cast(KeyTextTransform(_KEYS[resource], column), BigIntegerField())


def by_cluster(
    clusters: QuerySet[Cluster], nodes: QuerySet[Node], wanted: Wanted, *, order: str = "cpu"
) -> list[CapacityRow]:
    """Every cluster; room is counted on nodes that take pods."""
    room = {row["cluster_id"]: row for row in _room(nodes, wanted)}
    columns = ("pk", "name", "last_seen_at", "conditions", "allocatable", "requested", "usage")
    rows = []
    for pk, name, seen_at, conditions, *amounts in clusters.order_by("name").values_list(*columns):
        found = room.get(pk, {})
        reachable = (conditions.get(REACHABLE) or {}).get("status") == Status.TRUE
        measures = {r: _of_cluster(r, amounts, found) for r in RESOURCES}
        row = CapacityRow(name, name, "", seen_at, reachable, measures)
        rows.append(_fitted(row, wanted, found.get("fitting") if reachable else None))
    return sorted(rows, key=lambda row: _difference(row, order))


def _room(nodes: QuerySet[Node], wanted: Wanted) -> Iterable[Any]:
    free: dict[str, Any] = {
        f"free_{r}": amount("allocatable", r) - amount("requested", r) for r in RESOURCES
    }
    fitting = Q(**{f"free_{resource}__gte": least for resource, least in wanted.items()})
    sums: dict[str, Any] = {f"sum_{r}": Sum(f"free_{r}") for r in RESOURCES}
    sums |= {f"max_{r}": Max(f"free_{r}") for r in RESOURCES}
    rows = nodes.filter(schedulable=True).select_related(None).order_by().annotate(**free)
    counted = Count("pk", filter=fitting) if wanted else Count("pk")
    return rows.values("cluster_id").annotate(**sums, fitting=counted)


def _of_cluster(resource: str, amounts: list[Any], room: Mapping[str, Any]) -> Measure:
    offered, requested, used = ((part or {}).get(_KEYS[resource]) for part in amounts)
    return Measure(
        allocatable=offered,
        requested=requested,
        used=used,
        free=room.get(f"sum_{resource}"),
        block=room.get(f"max_{resource}"),
    )


def by_namespace(
    namespaces: QuerySet[Namespace], wanted: Wanted, *, order: str = "cpu", limit: int = 200
) -> list[CapacityRow]:
    """The namespaces whose requests and use differ most; with something wanted, those with a quota."""
    if wanted:
        namespaces = namespaces.filter(Exists(_here().exclude(quota=None)))
    requested, used = amount("requested", order), amount("usage", order)
    rows = namespaces.annotate(difference=Abs(requested - used)).select_related("cluster")
    last = {"nulls_last": True}
    found = list(rows.order_by(F("difference").desc(**last), requested.desc(**last), "pk")[:limit])
    claims = _claims(found)
    return [_of_namespace(row, claims.get((row.cluster_id, row.name)), wanted) for row in found]


def of_project(namespaces: QuerySet[Namespace], project: str) -> QuerySet[Namespace]:
    """Those that belong to a project."""
    return namespaces.filter(Exists(_here().filter(project__name=project, wanted=True)))


def _here() -> QuerySet[ProjectNamespace]:
    return ProjectNamespace.objects.filter(cluster=OuterRef("cluster"), name=OuterRef("name"))


def _claims(rows: Sequence[Namespace]) -> dict[tuple[Any, str], ProjectNamespace]:
    found = ProjectNamespace.objects.filter(
        cluster_id__in={row.cluster_id for row in rows}, name__in={row.name for row in rows}
    ).select_related("project")
    return {(claim.cluster_id, claim.name): claim for claim in found}


def _of_namespace(row: Namespace, claim: ProjectNamespace | None, wanted: Wanted) -> CapacityRow:
    quota = (claim.quota if claim else None) or {}
    measures = {
        r: _of_quota(
            r,
            quota,
            requested=row.requested.get(_KEYS[r]),
            used=(row.usage or {}).get(_KEYS[r]),
        )
        for r in RESOURCES
    }
    reachable = row.cluster.condition(REACHABLE).get("status") == Status.TRUE
    project = claim.project.name if claim else ""
    made = CapacityRow(row.name, row.cluster.name, project, row.seen_at, reachable, measures)
    return _fitted(made, wanted, None)


def by_project(
    projects: QuerySet[Project], wanted: Wanted, *, order: str = "cpu"
) -> list[CapacityRow]:
    """Every project, its namespaces on all clusters summed."""
    here = Namespace.objects.filter(cluster=OuterRef("cluster"), name=OuterRef("name"))
    parts = {
        f"{column}_{r}": Subquery(here.values(found=amount(column, r))[:1])
        for column in ("requested", "usage")
        for r in RESOURCES
    }
    claims = ProjectNamespace.objects.filter(wanted=True, project__in=projects.order_by())
    summed = (
        claims.order_by()
        .annotate(**parts)
        .values("project_id")
        .annotate(**{f"sum_{name}": Sum(name) for name in parts})
    )
    sums: dict[Any, Any] = {row["project_id"]: row for row in summed}
    rows = []
    for project in projects.order_by("name"):
        found = sums.get(project.pk, {})
        measures = {
            r: _of_quota(
                r,
                project.totals or {},
                requested=found.get(f"sum_requested_{r}"),
                used=found.get(f"sum_usage_{r}"),
            )
            for r in RESOURCES
        }
        row = CapacityRow(project.name, "", project.name, project.updated_at, True, measures)
        rows.append(_fitted(row, wanted, None))
    return sorted(rows, key=lambda row: _difference(row, order))


def _of_quota(
    resource: str, quota: Mapping[str, Any], *, requested: int | None, used: int | None
) -> Measure:
    """`free` is what the quota still allows; None without one."""
    hard = _quantity(resource, quota.get("hard") or {})
    taken = _quantity(resource, quota.get("used") or {})
    free = None if hard is None or taken is None else hard - taken
    return Measure(requested=requested, used=used, quota=hard, free=free)


def _quantity(resource: str, amounts: Mapping[str, str]) -> int | None:
    """`requests.cpu`, or `cpu`, which means the same in a quota."""
    text = amounts.get(f"requests.{resource}", amounts.get(resource))
    try:
        return None if text is None else _PARSE[resource](text)
    except QuantityError:
        return None


def _fitted(row: CapacityRow, wanted: Wanted, nodes: int | None) -> CapacityRow:
    if not wanted:
        return row
    return CapacityRow(
        row.name, row.cluster, row.project, row.seen_at, row.reachable, row.measures,
        row.fit(wanted), nodes,
    )  # fmt: skip


def _difference(row: CapacityRow, order: str) -> tuple[bool, int, str]:
    """The largest difference between requests and use first, what is not known last."""
    waste = row.measures[order].waste
    return waste is None, -abs(waste or 0), row.name
