"""Whom Helm, and whatever puts a release right, acts as on a cluster.

A release in a project acts as the project's account, any other as the portal's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from apps.models import Release
from fleet.choices import OWN_NAMESPACE
from fleet.grants.project_account import ProjectAccount
from fleet.models import Namespace, ProjectNamespace
from fleet.projects.bounds import rules_of

Place = tuple[UUID, str]  # cluster and namespace


def claims_on(releases: Sequence[Release]) -> dict[Place, ProjectNamespace]:
    """The namespaces of the releases and of their projects, as projects claim them there; one query."""
    projects = {row.application.project_id for row in releases} - {None}
    concerned = Q(name__in={row.namespace for row in releases}) | Q(project__in=projects)
    clusters = {row.cluster_id for row in releases}
    rows = ProjectNamespace.objects.filter(concerned, wanted=True, cluster_id__in=clusters)
    return {(row.cluster_id, row.name): row for row in rows}


def accounts_of(
    releases: Sequence[Release], claims: dict[Place, ProjectNamespace]
) -> dict[UUID, ProjectAccount]:
    """The account of each release that is in a project, by the release's id; at most one query more.

    It may be in the project's own namespaces that are ready there, in those that the
    project's rules add, and in the release's, unless a project claims that one and has not
    made it its own.
    """
    found = {row.pk: row.application.project for row in releases if row.application.project}
    patterned = {
        row.cluster_id
        for row in releases
        if row.pk in found and found[row.pk].allow.get("namespaces")
    }
    there = _namespaces(patterned)
    accounts = {}
    for row in releases:
        project = found.get(row.pk)
        if project is None:
            continue
        rules = rules_of(project)
        names = {
            name
            for (cluster, name), claim in claims.items()
            if (cluster, claim.project_id) == (row.cluster_id, project.pk)
            and claim.state in OWN_NAMESPACE
        }
        names |= {name for name in there.get(row.cluster_id, ()) if rules.adds_namespace(name)}
        if (row.cluster_id, row.namespace) not in claims:
            names.add(row.namespace)
        accounts[row.pk] = ProjectAccount(project.name, project.pk, rules, tuple(sorted(names)))
    return accounts


def _namespaces(cluster_ids: set[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    if cluster_ids:
        rows = Namespace.objects.filter(cluster_id__in=cluster_ids).exclude(state="Terminating")
        for cluster, name in rows.values_list("cluster_id", "name"):
            found.setdefault(cluster, []).append(name)
    return found


def last_in_project(row: Release) -> bool:
    """Whether no other release on its cluster acts as the same account.

    Of several that are all being deleted the one with the highest id counts as the last;
    should it finish first, the others bring the account back for their own steps.
    """
    others = Release.objects.filter(
        application__project=row.application.project_id, cluster=row.cluster_id
    ).exclude(pk=row.pk)
    staying = others.filter(deletion_requested_at=None)
    return not staying.exists() and not others.filter(pk__gt=row.pk).exists()
