"""Facts about projects, read only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from fleet.models import Namespace, Project, ProjectNamespace
from kubecarrier.lib.projects import members_of


def namespaces_of(project: Project, cluster: str = "") -> QuerySet[ProjectNamespace]:
    """The project's namespaces on its clusters, those being let go too."""
    rows = project.claims.select_related("cluster").order_by("cluster__name", "name")
    return rows.filter(cluster__name=cluster) if cluster else rows


@dataclass(frozen=True, slots=True)
class Kept:
    """A namespace that a deletion leaves; `pods` is None where it is not known."""

    cluster: str
    name: str
    made: bool
    pods: int | None


@dataclass(frozen=True, slots=True)
class Deletion:
    """What deleting a project would take, and leave."""

    members: list[str]
    clusters: list[str]
    namespaces: list[Kept]


def deletion(project: Project) -> Deletion:
    """What is in the project, and where its namespaces are."""
    claims = list(namespaces_of(project))
    found = Namespace.objects.filter(
        cluster_id__in={claim.cluster_id for claim in claims},
        name__in={claim.name for claim in claims},
    )
    pods = {(row.cluster_id, row.name): row.requested.get("pods") for row in found}
    copies = project.copies.select_related("cluster").order_by("cluster__name")
    return Deletion(
        members=[member.reference for member in members_of(project)],
        clusters=[copy.cluster.name for copy in copies],
        namespaces=[
            Kept(c.cluster.name, c.name, c.made, pods.get((c.cluster_id, c.name))) for c in claims
        ],
    )
