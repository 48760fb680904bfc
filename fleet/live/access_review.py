"""Drift of grants and the report of orphans, as far as one person may review access."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.models import Binding
from accounts.review import orphans
from accounts.review.orphans import Orphan, Reason
from accounts.review.questions import REVIEW
from fleet.grants.drift import State
from fleet.live.rbac import ClusterReview, review_clusters
from fleet.models import Cluster, Namespace
from kubecarrier.lib import access, audit
from kubecarrier.lib.errors import NotFoundError

PAGE = 50  # clusters that are asked for one answer


def reviewed_clusters(
    user: Any, *, cluster: str = "", after: str = "", limit: int = PAGE
) -> list[Cluster]:
    """The clusters whose access `user` may review, by name; raises DeniedError, NotFoundError."""
    access.require_somewhere(user, REVIEW)
    everybodys = Cluster.objects.filter(deletion_requested_at=None)
    rows = access.visible(everybodys, user, REVIEW).order_by("name")
    if cluster:
        named = everybodys.filter(name=cluster)
        found = list(rows.filter(name=cluster))
        if not found:
            if access.visible(named, user).exists():
                raise access.denied(REVIEW, named.first())
            audit.hidden("clusters.view", named.first)
            raise NotFoundError(
                "not_found", f"There is no cluster “{cluster[:80]}”.", field="cluster"
            )
        return found
    return list(rows.filter(name__gt=after)[:limit])


def drift(clusters: list[Cluster]) -> list[ClusterReview]:
    """What is granted here and stands otherwise there, read from each cluster now."""
    return review_clusters(clusters)


def report(user: Any, clusters: list[Cluster], *, portal: bool = True) -> Iterator[Orphan]:
    """What nobody needs: of the portal for who may review all of it, and of these clusters."""
    if portal and access.may(user, REVIEW):
        yield from orphans.orphans()
        yield from _namespaces()
    for found in review_clusters(clusters, foreign=True):
        yield from _of_cluster(found)


def _of_cluster(found: ClusterReview) -> Iterator[Orphan]:
    if not found.known:
        text = f"It could not be asked: {found.message}"
        yield Orphan(Reason.CLUSTER_UNKNOWN, "Cluster", found.cluster, text, found.cluster, since=found.at)  # fmt: skip
        return
    for one in found.findings:
        if one.state in {State.ORPHANED, State.EXTRA}:
            yield Orphan(
                Reason.OBJECT_ORPHANED,
                one.ref.kind,
                one.ref.name,
                one.message,
                found.cluster,
                one.ref.namespace,
            )
    for admin in found.administrators:
        whom = ", ".join(admin.subjects[:5]) or "nobody"
        yield Orphan(
            Reason.FOREIGN_ADMINISTRATOR,
            admin.ref.kind,
            admin.ref.name,
            f"Gives {admin.role} to {whom}; it is not ours.",
            found.cluster,
            admin.ref.namespace,
        )


def _namespaces() -> Iterator[Orphan]:
    """Namespaces that bindings name and no cluster has."""
    known = set(Namespace.objects.values_list("name", flat=True).distinct())
    rows = Binding.objects.filter(deletion_requested_at=None, builtin=False).order_by("name")
    for row in rows:
        gone = [name for name in row.scope.get("namespaces") or () if name not in known]
        if gone:
            text = f"No cluster has the namespace {', '.join(gone[:5])}."
            yield Orphan(
                Reason.NAMESPACE_GONE, "Binding", row.name, text, since=row.updated_at, key=row.pk
            )
