"""From an object to its project: which one it belongs to, and whether that allows it.

Called by the services of every kind that belongs to projects, inside their
transaction.
"""

from __future__ import annotations

from typing import Any

from fleet.errors import ProjectInvalidError, ProjectStateError
from fleet.models import Cluster, Project
from fleet.permissions import visible_projects
from fleet.projects.rules import DEFAULT_KINDS, Labels, Rules
from kubecarrier.lib import access
from kubecarrier.lib.manifests import Wish
from kubecarrier.lib.placement import Placement


def project_for(*, actor: Any, wish: Wish, row: Any, plural: str) -> Project | None:
    """The project that `row` shall belong to after the wish, locked against its deletion.

    Joining one needs `<plural>.create` there, leaving one `<plural>.create` on the platform.
    Raises ProjectInvalidError, ProjectStateError, DeniedError.
    """
    present: Project | None = row.project
    name = present.name if wish.project is None and present else wish.project or ""
    if not name:
        if present is not None:
            access.require(actor, f"{plural}.create")
        return None
    project = Project.objects.select_for_update().filter(name=name).first()
    moved = project is None or project.pk != row.project_id
    if project is None or (moved and not visible_projects(actor).filter(pk=project.pk).exists()):
        raise ProjectInvalidError(
            "project_not_found", f"There is no project “{name[:80]}”.", field="metadata.project"
        )
    if moved:
        access.require(actor, f"{plural}.create", project)
        if project.deletion_requested_at:
            raise ProjectStateError("project_being_deleted", f"“{name}” is being deleted.")
    return project


def rules_of(project: Project) -> Rules:
    """A project's rules as a value."""
    allow = project.allow
    return Rules(
        project=project.name,
        placement=project.placed,
        clusters=allow.get("clusters", ""),
        repositories=tuple(allow.get("repositories", ("*",))),
        namespaces=tuple(allow.get("namespaces", ())),
        own=tuple(project.namespace_names),
        kinds=tuple(allow.get("kinds", DEFAULT_KINDS)),
        cluster_kinds=tuple(allow.get("clusterKinds", ())),
    )


def within(project: Project | None, clusters: Labels) -> Labels:
    """Those of `clusters` (name → labels) that an object of `project` may be placed on."""
    return clusters if project is None else rules_of(project).within(clusters)


def check_placed(
    project: Project | None,
    *,
    placement: Placement,
    namespaces: tuple[str, ...],
    field: str = "spec.namespace",
) -> None:
    """Whether `project` allows this placement and these namespaces; raises ProjectDeniedError."""
    if project is None:
        return
    rules = rules_of(project)
    rules.check_namespaces(namespaces, field=field)
    if placement.clusters:
        rules.check_clusters(placement.clusters, cluster_labels(), field="spec.placement.clusters")


def cluster_labels() -> Labels:
    """Every cluster that stays, with the labels that selectors see."""
    found = Cluster.objects.filter(deletion_requested_at=None)
    return {cluster.name: cluster.selector_labels() for cluster in found}
