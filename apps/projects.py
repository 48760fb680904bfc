"""Applications in projects: what the project allows them, and which of them are in one."""

from __future__ import annotations

from typing import Any

from apps import placing
from apps.helm import ReleaseResult
from apps.models import Application
from apps.objects import object_ref, parse_manifest
from apps.release_objects import scope_of
from fleet.kube import Kube
from fleet.models import Project
from fleet.projects.bounds import check_placed, cluster_labels, rules_of
from fleet.projects.rules import Rules, kind_allowed
from kubecarrier.lib import projects
from kubecarrier.lib.projects import Member, ProjectKind


def check_project(row: Application) -> None:
    """Whether the application's project allows its chart and where it goes; raises ProjectDeniedError."""
    if row.project is None:
        return
    repository, _, _ = row.chart.partition("/")
    rules = rules_of(row.project)
    rules.check_repository(repository, field="spec.chart")
    for kind, items, field in (
        ("ConfigMap", row.config_maps, "spec.configMaps"),
        ("Secret", row.secrets, "spec.secrets"),
    ):
        if any(not item.get("existing") for item in items):
            rules.check_kind("", kind, namespaced=True, field=field)
    check_placed(row.project, placement=row.placed, namespaces=(row.namespace,))


def check_rendered(rules: Rules, kube: Kube, result: ReleaseResult, namespace: str) -> None:
    """Whether the project allows every object that a chart renders, hooks too.

    A kind that the server does not know (its CRD comes along) counts as one without a namespace.
    Raises ProjectDeniedError, ManifestError.
    """
    for text in (result.manifest, *result.hooks):
        manifest = parse_manifest(text)
        for obj in (*manifest.objects, *manifest.hooks):
            _check_object(rules, kube, obj, namespace)


def _check_object(rules: Rules, kube: Kube, obj: dict[str, Any], namespace: str) -> None:
    scope = scope_of(kube, str(obj["apiVersion"]), str(obj["kind"]))
    ref = object_ref(obj, default_namespace=namespace, namespaced=lambda _version, _kind: scope)
    rules.check_kind(ref.group, ref.kind, namespaced=scope is True, field="spec.chart")
    if scope is True:
        rules.check_namespaces([ref.namespace], field="spec.chart")


def crds_allowed(rules: Rules | None) -> bool:
    """Whether Helm may install what lies in a chart's `crds/`: it is not part of what is rendered."""
    return rules is None or kind_allowed(
        rules.cluster_kinds, "apiextensions.k8s.io", "CustomResourceDefinition"
    )


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
        placing.forget_denials(row)


def register() -> None:
    """Called once at start."""
    projects.register(ProjectKind("Application", members, project_changed))
