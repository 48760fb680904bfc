"""Applications in projects: what the project allows them, and which of them are in one."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from apps import placing
from apps.doors import Doors
from apps.helm import HelmError, HelmFailed, ReleaseSpec
from apps.models import Application
from apps.objects import object_ref, parse_manifest
from apps.release_objects import scope_of
from fleet.errors import ProjectDeniedError
from fleet.grants.project_account import ProjectAccount
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


def check_rendered(rules: Rules, kube: Kube, rendered: Iterable[str], namespace: str) -> None:
    """Whether the project allows every object that a chart renders, hooks too.

    A kind that the server does not know (its CRD comes along) counts as one without a namespace.
    Raises ProjectDeniedError, ManifestError.
    """
    for text in rendered:
        manifest = parse_manifest(text)
        for obj in (*manifest.objects, *manifest.hooks):
            _check_object(rules, kube, obj, namespace)


def _check_object(rules: Rules, kube: Kube, obj: dict[str, Any], namespace: str) -> None:
    scope = scope_of(kube, str(obj["apiVersion"]), str(obj["kind"]))
    ref = object_ref(obj, default_namespace=namespace, namespaced=lambda _version, _kind: scope)
    rules.check_kind(ref.group, ref.kind, namespaced=scope is True, field="spec.chart")
    if scope is True:
        rules.check_namespaces([ref.namespace], field="spec.chart")


def look_at_chart(
    account: ProjectAccount,
    doors: Doors,
    spec: ReleaseSpec,
    *,
    stands: bool = True,
) -> str:
    """The manifest that a project's chart renders with the account's rights, checked.

    Where the account does not stand yet (`stands`), nothing may be made for a look: it is
    rendered without the cluster, so `lookup` finds nothing. Raises ProjectDeniedError, HelmError.
    """
    if not stands:
        texts = [_without_lookup(doors, spec)]
        check_rendered(account.rules, doors.kube, texts, spec.namespace)
        return texts[0]
    try:
        rendered = doors.helm.acting_as(account.identity).dry_run(doors.connection, spec)
    except HelmFailed as error:
        denied = out_of_bounds(account, error)
        if denied is None:
            raise
        with suppress(HelmFailed):  # the rules say it better than the cluster, where they say it
            look_at_chart(account, doors, spec, stands=False)
        raise denied from error
    texts = [rendered.manifest, *rendered.hooks]
    check_rendered(account.rules, doors.kube, texts, spec.namespace)
    return texts[0]


def _without_lookup(doors: Doors, spec: ReleaseSpec) -> str:
    """Rendered with what the cluster says of itself, and nothing else of it."""
    kinds = doors.kube.resources()
    served = {text for one in kinds for text in (one.api_version, f"{one.api_version}/{one.kind}")}
    version = str(doors.kube.version()["gitVersion"])
    return doors.helm.template(spec, kube_version=version, api_versions=sorted(served))


def out_of_bounds(account: ProjectAccount | None, error: HelmError) -> ProjectDeniedError | None:
    """Helm's error as the project's, when the cluster refused the project's account and nobody else."""
    if account is None or f'user "{account.identity.user}"' not in error.message.lower():
        return None
    text = f"The cluster refuses it to the project “{account.project}”: {error.message}"
    return ProjectDeniedError("project_account_denied", text, field="spec.chart")


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
