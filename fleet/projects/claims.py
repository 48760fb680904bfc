"""A project's claims on namespaces: which it has on a cluster, and what is wanted of each.

A namespace belongs to one project on a cluster: the claim, unique by cluster
and name, says to which, and stands until the reconciler let the namespace go.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Q

from fleet.errors import ProjectStateError
from fleet.models import Cluster, Project, ProjectCopy, ProjectNamespace
from fleet.projects.objects import NamespaceWish
from kubecarrier.lib import audit

_COLUMNS = ["wanted", "adopt", "labels", "hard", "limits", "delete_asked"]
_ByName = dict[str, ProjectNamespace]


class Claims:
    """The claims on some clusters, and what of them is to be written."""

    def __init__(self, rows: Iterable[ProjectNamespace]) -> None:
        self._by_cluster: dict[uuid.UUID, _ByName] = {}
        for row in rows:
            self._by_cluster.setdefault(row.cluster_id, {})[row.name] = row
        self._fresh: list[ProjectNamespace] = []
        self._changed: dict[uuid.UUID, ProjectNamespace] = {}

    @classmethod
    def of_project(cls, project: Project, cluster_ids: Collection[uuid.UUID]) -> Claims:
        """All that can matter: the project's own, and those of others on its namespaces."""
        mine = Q(project=project) | Q(name__in=project.namespace_names)
        rows = ProjectNamespace.objects.filter(mine, cluster_id__in=cluster_ids)
        return cls(rows.select_related("project", "cluster"))

    @classmethod
    def on_cluster(cls, cluster: Cluster) -> Claims:
        """Every claim there."""
        return cls(cluster.claims.all())

    def taken(self, copy: ProjectCopy, names: Collection[str]) -> list[ProjectNamespace]:
        """Claims of other projects on `names` there."""
        here = self._by_cluster.get(copy.cluster_id, {})
        return [
            here[name]
            for name in names
            if name in here and here[name].project_id != copy.project_id
        ]

    def want(self, copy: ProjectCopy, wishes: Iterable[NamespaceWish]) -> bool:
        """Bring the copy's claims to `wishes`; what is not among them is let go. Whether any moved."""
        here = self._by_cluster.get(copy.cluster_id, {})
        own = {name: row for name, row in here.items() if row.project_id == copy.project_id}
        moved = False
        for wish in wishes:
            moved |= self._want(copy, own.pop(wish.name, None), wish)
        for row in own.values():
            if row.wanted:
                row.wanted = False
                self._changed[row.pk] = row
                moved = True
        return moved

    def _want(self, copy: ProjectCopy, row: ProjectNamespace | None, wish: NamespaceWish) -> bool:
        columns: dict[str, Any] = {
            "wanted": True, "adopt": wish.adopt, "labels": dict(wish.labels), "hard": dict(wish.hard),
            "limits": {part: dict(value) for part, value in wish.limits.items()}, "delete_asked": False,
        }  # fmt: skip
        if row is None:
            row = ProjectNamespace(
                project_id=copy.project_id, copy=copy, cluster_id=copy.cluster_id, name=wish.name
            )
            self._fresh.append(row)
        elif all(getattr(row, column) == value for column, value in columns.items()):
            return False
        else:
            self._changed[row.pk] = row
        for column, value in columns.items():
            setattr(row, column, value)
        return True

    def let_go(self, copy: ProjectCopy, delete: Collection[str] = ()) -> None:
        """Every claim of the copy; the namespaces in `delete` are to be deleted."""
        for row in self._by_cluster.get(copy.cluster_id, {}).values():
            if row.project_id == copy.project_id:
                row.wanted, row.delete_asked = False, row.name in delete
                self._changed[row.pk] = row

    def write(self) -> None:
        """After the copies were written."""
        with audit.unaudited("derived from the project"):
            ProjectNamespace.objects.bulk_create(self._fresh, batch_size=500)
            ProjectNamespace.objects.bulk_update(
                list(self._changed.values()), _COLUMNS, batch_size=200
            )


def namespaces_wanted(project: Project, cluster_name: str) -> list[NamespaceWish]:
    """What is wanted of each namespace there; the namespace's quota goes over the cluster's."""
    quota = project.quota
    override = project.placed.overrides.get(cluster_name, {}).get("quota", {})
    return [
        NamespaceWish(
            name=item["name"],
            adopt=bool(item.get("adopt")),
            labels=project.namespace_labels,
            hard={**quota.get("hard", {}), **override, **item.get("quota", {})},
            limits=quota.get("limits", {}),
        )
        for item in project.namespaces
    ]


def taken_error(claim: ProjectNamespace) -> ProjectStateError:
    """Two projects cannot have one namespace."""
    where = f"“{claim.name}” on “{claim.cluster.name}”"
    return ProjectStateError(
        "namespace_taken",
        f"The namespace {where} belongs to the project “{claim.project.name}”.",
        field="spec.namespaces",
        project=claim.project.name,
        cluster=claim.cluster.name,
    )
