"""Config items in projects: what the project allows them, and which of them are in one."""

from __future__ import annotations

from fleet.configs import placing
from fleet.models import ConfigItem, Project
from fleet.projects.bounds import check_placed, cluster_labels, rules_of
from kubecarrier.lib import projects
from kubecarrier.lib.projects import Member, ProjectKind


def check_project(row: ConfigItem) -> None:
    """Whether the item's project allows its type and where it goes; raises ProjectDeniedError."""
    if row.project is None:
        return
    rules = rules_of(row.project)
    rules.check_kind("", row.object_kind, namespaced=True, field="spec.type")
    check_placed(
        row.project,
        placement=row.placed,
        namespaces=tuple(row.namespaces),
        field="spec.namespaces",
    )


def members(project: Project) -> list[Member]:
    """The config items in a project, with where their copies are."""
    rows = project.config_items.prefetch_related("copies__cluster").order_by("name")
    return [
        Member(
            "ConfigItem",
            row.name,
            tuple(sorted((c.cluster.name, c.namespace) for c in row.copies.all())),
        )
        for row in rows
    ]


def project_changed(project: Project) -> None:
    """Its config items follow the project's clusters; none may be pushed off one by its rules.

    Raises ProjectDeniedError.
    """
    labels, rules = cluster_labels(), rules_of(project)
    for row in project.config_items.filter(deletion_requested_at=None).order_by("name"):
        row.project = project
        check_project(row)
        placed = row.copies.filter(deletion_requested_at=None)
        names = placed.values_list("cluster__name", flat=True).distinct()
        rules.check_clusters(names, labels, field=f"configitems.{row.name}")
        placing.replace(row)


def register() -> None:
    """Called once at start."""
    projects.register(ProjectKind("ConfigItem", members, project_changed))
