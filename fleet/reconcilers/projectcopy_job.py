"""A claimed copy as values: what the threads need, and nothing of the ORM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fleet import addresses
from fleet.conditions import REACHABLE
from fleet.connection import Connection
from fleet.models import Project, ProjectCopy, ProjectNamespace
from fleet.projects.objects import NamespaceWish, Owner, owner_mark
from fleet.queries import connection_of
from kubecarrier.lib.conditions import Status
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.netguard import Policy


@dataclass(frozen=True, slots=True)
class CopyJob:
    """One project on one cluster. `row` belongs to the recording thread.

    `blocked` says why the cluster cannot be seen ("" when it can), `paused` why nothing
    may be changed; `refused` are namespaces that another project has there.
    """

    claim: Claim
    group: UUID
    row: ProjectCopy
    connection: Connection
    rules: Policy
    owner: Owner
    wishes: tuple[NamespaceWish, ...]
    blocked: str
    paused: str
    refused: tuple[str, ...]
    deleting: bool
    spec_changed: bool
    seen_at: datetime | None
    corrections: tuple[str, ...]


def jobs_of(claims: Sequence[Claim]) -> list[CopyJob]:
    """The claimed copies with everything decided that needs the database."""
    copies = ProjectCopy.objects.select_related("project", "cluster").prefetch_related("claims")
    rows = copies.in_bulk([claim.pk for claim in claims])
    rules = addresses.policy()
    marks = {owner_mark(pk) for pk in Project.objects.values_list("pk", flat=True)}
    return [_job(claim, rows[claim.pk], rules, marks) for claim in claims if claim.pk in rows]


def _job(claim: Claim, row: ProjectCopy, rules: Policy, marks: set[str]) -> CopyJob:
    mark = owner_mark(row.project_id)
    return CopyJob(
        claim=claim,
        group=row.cluster_id,
        row=row,
        connection=connection_of(row.cluster),
        rules=rules,
        owner=Owner(row.project.name, mark, frozenset(marks - {mark})),
        wishes=tuple(wish_of(item) for item in row.claims.all()),
        blocked=_blocked(row),
        paused=_paused(row),
        refused=tuple(f"{item['name']} ({item['by']})" for item in row.refused),
        deleting=row.deletion_requested_at is not None,
        spec_changed=row.observed_generation < row.generation,
        seen_at=row.seen_at,
        corrections=tuple(row.corrections),
    )


def wish_of(item: ProjectNamespace) -> NamespaceWish:
    """What a claim wants."""
    return NamespaceWish(
        name=item.name,
        wanted=item.wanted,
        adopt=item.adopt,
        labels=item.labels,
        hard=item.hard,
        limits=item.limits,
        delete_asked=item.delete_asked,
    )


def _blocked(row: ProjectCopy) -> str:
    reachable = row.cluster.condition(REACHABLE)
    if reachable and reachable["status"] != Status.TRUE:
        return f"The cluster “{row.cluster.name}” cannot be worked on: {reachable['message']}"
    return ""


def _paused(row: ProjectCopy) -> str:
    if row.cluster.suspended:
        return f"The cluster “{row.cluster.name}” is paused."
    return "The project is paused." if row.suspended else ""
