"""RBAC as it is in clusters now, beside what is granted here: asked of several at once.

A cluster that does not answer is unknown since it was last seen, and never without drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from fleet import addresses
from fleet.conditions import IDENTIFIED, REACHABLE
from fleet.connection import Connection
from fleet.grants import drift, objects
from fleet.grants.drift import Administrator, Finding, Wish
from fleet.grants.objects import Grant, Json
from fleet.grants.project_account import ProjectAccount
from fleet.kube import Budget, Kube, ObjectRef, discovery_of
from fleet.kube_errors import NotFound
from fleet.models import Cluster, ClusterGrant, Project
from fleet.projects.bounds import rules_of
from fleet.queries import connection_of
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.netguard import Policy

_BUDGET = Budget(connect=3, read=8, total=10)
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ClusterReview:
    """One cluster: what differs there, as read at `at`; or `code` says why it is not known.

    Of an unknown one `at` is when it was last seen. `administrators` only where asked for.
    """

    cluster: str
    at: datetime | None
    grants: int
    findings: tuple[Finding, ...] = ()
    administrators: tuple[Administrator, ...] = ()
    code: str = ""
    message: str = ""

    @property
    def known(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    last_seen_at: datetime | None
    connection: Connection | None
    wishes: tuple[Wish, ...]
    rules: Policy
    foreign: bool
    accounts: tuple[ProjectAccount, ...]
    refused: KubeCarrierError | None = None


def review_clusters(clusters: Sequence[Cluster], *, foreign: bool = False) -> list[ClusterReview]:
    """Each cluster in its order; `foreign` reads who else may do everything there, too."""
    grants: dict[Any, list[ClusterGrant]] = {cluster.pk: [] for cluster in clusters}
    for grant in ClusterGrant.objects.filter(cluster__in=clusters).select_related("binding"):
        grants[grant.cluster_id].append(grant)
    rules = addresses.policy()
    accounts = tuple(
        ProjectAccount(one.name, one.pk, rules_of(one), ()) for one in Project.objects.all()
    )
    jobs = [_job(cluster, grants[cluster.pk], rules, foreign, accounts) for cluster in clusters]
    if not jobs:
        return []
    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(jobs))) as pool:
        return list(pool.map(_reviewed, jobs))


def _job(
    cluster: Cluster,
    grants: list[ClusterGrant],
    rules: Policy,
    foreign: bool,
    accounts: tuple[ProjectAccount, ...],
) -> _Job:
    connection, refused = None, _known_to_be_away(cluster)
    if refused is None:
        try:
            connection = connection_of(cluster)
        except KubeCarrierError as error:  # its credential cannot be opened
            refused = error
    wishes = tuple(_wish(grant) for grant in grants)
    return _Job(
        cluster.name, cluster.last_seen_at, connection, wishes, rules, foreign, accounts, refused
    )


def _known_to_be_away(cluster: Cluster) -> KubeCarrierError | None:
    """Nobody waits for a cluster of which the last probe says that it does not answer."""
    for name, code in ((REACHABLE, "cluster_unreachable"), (IDENTIFIED, "cluster_quarantined")):
        condition = cluster.condition(name)
        if condition.get("status") == "False":
            return KubeCarrierError(code, str(condition.get("message") or "It does not answer."))
    return None


def _wish(row: ClusterGrant) -> Wish:
    grant = Grant(
        name=row.binding.name,
        owner=objects.owner_of(row.binding_id),
        rules=row.wanted.get("rules", ()),
        subjects=row.wanted.get("subjects", ()),
        namespaces=row.wanted.get("namespaces"),
    )
    return Wish(
        grant,
        row.binding_id,
        deleting=row.deletion_requested_at is not None,
        settled=row.observed_generation >= row.generation,
    )


def _reviewed(job: _Job) -> ClusterReview:
    """In a thread, without the ORM."""
    if job.connection is None:
        return _unknown(job, job.refused or KubeCarrierError("cluster_unknown", "Not asked."))
    try:
        connection = addresses.guarded(job.connection, job.rules)
        kube = Kube(connection, budget=_BUDGET, discovery=discovery_of(connection))
        present = _present(kube)
        taken = _taken(kube, job.wishes, present)
        administrators = _administrators(kube) if job.foreign else ()
    except KubeCarrierError as error:
        return _unknown(job, error)
    found = tuple(drift.findings(job.wishes, present, taken, job.accounts))
    return ClusterReview(job.name, timezone.now(), len(job.wishes), found, administrators)


def _unknown(job: _Job, error: KubeCarrierError) -> ClusterReview:
    return ClusterReview(
        job.name, job.last_seen_at, len(job.wishes), code=error.code, message=error.message
    )


def _present(kube: Kube) -> dict[ObjectRef, Json]:
    """Every object of RBAC with our mark."""
    found: dict[ObjectRef, Json] = {}
    for kind in objects.KINDS:
        resource = kube.resource_for(objects.API_VERSION, kind)
        for obj in kube.list(resource, label_selector=objects.SELECTOR):
            found[objects.ref_of(obj)] = obj
    return found


def _taken(
    kube: Kube, wishes: Sequence[Wish], present: dict[ObjectRef, Json]
) -> dict[ObjectRef, Json]:
    """What has one of our names and not our mark."""
    found: dict[ObjectRef, Json] = {}
    for ref in {ref for wish in wishes for ref in wish.objects()} - present.keys():
        try:
            found[ref] = kube.get(ref)
        except NotFound:
            continue
    return found


def _administrators(kube: Kube) -> tuple[Administrator, ...]:
    listed = {
        kind: list(kube.list(kube.resource_for(objects.API_VERSION, kind)))
        for kind in ("ClusterRole", "ClusterRoleBinding", "RoleBinding")
    }
    bindings = [*listed["ClusterRoleBinding"], *listed["RoleBinding"]]
    return tuple(drift.administrators(bindings, listed["ClusterRole"]))
