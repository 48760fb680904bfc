"""Applications in projects: what the project allows them, and which of them are in one."""

from __future__ import annotations

from apps import placing
from apps.models import Application
from fleet.models import Project
from fleet.projects import check_placed, cluster_labels, rules_of
from kubecarrier.lib import projects
from kubecarrier.lib.projects import Member, ProjectKind


def check_project(row: Application) -> None:
    """Whether the application's project allows its chart and where it goes; raises ProjectDeniedError."""
    if row.project is None:
        return
    repository, _, _ = row.chart.partition("/")
    rules_of(row.project).check_repository(repository, field="spec.chart")
    check_placed(row.project, placement=row.placed, namespaces=(row.namespace,))


def members(project: Project) -> list[Member]:
    """The applications in a project, with where their releases are."""
    rows = project.applications.prefetch_related("releases__cluster").order_by("name")
    return [
        Member(
            "Application",
            row.name,
            tuple(sorted((r.cluster.name, r.namespace) for r in row.releases.all())),
        )
        for row in rows
    ]


def project_changed(project: Project) -> None:
    """Its applications follow the project's clusters; none may be pushed off one by its rules.

    Raises ProjectDeniedError.
    """
    labels, rules = cluster_labels(), rules_of(project)
    for row in project.applications.filter(deletion_requested_at=None).order_by("name"):
        row.project = project
        check_project(row)
        placed = row.releases.filter(deletion_requested_at=None)
        names = placed.values_list("cluster__name", flat=True)
        rules.check_clusters(names, labels, field=f"applications.{row.name}")
        placing.replace(row)


def register() -> None:
    """Called once at start."""
    projects.register(ProjectKind("Application", members, project_changed))
