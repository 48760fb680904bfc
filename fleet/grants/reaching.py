"""Which bindings reach a place: asked by access reviews, for all bindings at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.models import Cluster, Project
from kubecarrier.lib.granted import Scopes, Where
from kubecarrier.lib.placement import Placement, resolve

Scope = Mapping[str, Any]


def reaching(where: Where, scopes: Scopes) -> set[Any]:
    """The keys of the scopes that reach `where`: two queries, however many scopes."""
    projects = _in_clusters()
    labels = _labels(where.cluster) if where.cluster else None
    return {key for key, scope in scopes.items() if _reaches(where, scope, projects, labels)}


def _reaches(
    where: Where,
    scope: Scope,
    projects: Mapping[str, Scope],
    labels: Mapping[str, Mapping[str, str]] | None,
) -> bool:
    if scope.get("platform"):
        return labels is None or bool(labels)
    project = scope.get("project")
    if where.project and project != where.project:
        return False
    there = projects.get(project, {}) if project else scope
    if labels is not None and not resolve(Placement.of(there), labels):
        return False
    if not where.namespace:
        return True
    return bool(there) and where.namespace in (there.get("namespaces") or [where.namespace])


def _in_clusters() -> dict[str, Scope]:
    """Each project's scope in clusters: its placement, and the namespaces that are its own."""
    rows = Project.objects.values_list("name", "placement", "namespaces")
    return {
        name: {**placement, "namespaces": [str(one["name"]) for one in namespaces]}
        for name, placement, namespaces in rows
        if namespaces
    }


def _labels(name: str) -> dict[str, dict[str, str]]:
    found = Cluster.objects.filter(name=name, deletion_requested_at=None).first()
    return {found.name: found.selector_labels()} if found else {}
