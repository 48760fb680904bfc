"""A claimed release as values: what the threads need, and nothing of the ORM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from apps.acting import accounts_of, claims_on, last_in_project
from apps.choices import DriftPolicy, OnFailure
from apps.desired import Desired
from apps.doors import Doors
from apps.models import Release
from apps.queries import archive_file, desired_release
from apps.reconcilers.release_plan import Attempt
from fleet import addresses
from fleet.choices import OWN_NAMESPACE
from fleet.conditions import REACHABLE
from fleet.connection import Connection
from fleet.grants import standing
from fleet.grants.project_account import ProjectAccount
from fleet.models import ProjectNamespace
from fleet.queries import connection_of
from kubecarrier.lib.conditions import Status
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.netguard import Policy

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """One release to reconcile. `row` belongs to the recording thread.

    `blocked` says why the cluster cannot be seen ("" when it can), `paused` why
    nothing may be changed; `revision_number` is the application's;
    `account` is whom Helm acts as in a project, with its rules; `last`: no other release there acts
    as it. `claimed`: a project makes the namespace there; `given`: it has, and it is its own.
    `desired` and `chart_path` are None for a release that is being deleted.
    """

    claim: Claim
    group: UUID
    row: Release
    connection: Connection
    rules: Policy
    blocked: str
    paused: str
    waiting_for: tuple[str, ...]
    account: ProjectAccount | None
    last: bool
    claimed: bool
    given: bool
    release_name: str
    namespace: str
    owner: str
    desired: Desired | None
    desired_digest: str
    chart_path: Path | None
    revision_number: int
    spec_changed: bool
    deleting: bool
    keep_resources: bool
    on_failure: OnFailure
    drift_policy: DriftPolicy
    timeout_seconds: int
    max_history: int
    attempt: Attempt
    known_revision: int
    objects_seen: tuple[Json, ...]
    baseline_revision: int
    corrections: tuple[str, ...]
    seen_at: datetime | None
    alarm: int
    secrets: tuple[str, ...]


def jobs_of(claims: Sequence[Claim]) -> list[ReleaseJob]:
    """The claimed releases with everything decided that needs the database."""
    related = ("application__project", "cluster", "revision")
    rows = Release.objects.select_related(*related).in_bulk([claim.pk for claim in claims])
    rules = addresses.policy()
    found = [rows[claim.pk] for claim in claims if claim.pk in rows]
    waiting, claims_there = _waiting_for(found), claims_on(found)
    accounts = accounts_of(found, claims_there)
    return [
        _job(
            claim,
            rows[claim.pk],
            rules,
            waiting[claim.pk],
            accounts.get(claim.pk),
            claims_there.get((rows[claim.pk].cluster_id, rows[claim.pk].namespace)),
        )
        for claim in claims
        if claim.pk in rows
    ]


def _job(
    claim: Claim,
    row: Release,
    rules: Policy,
    waiting: tuple[str, ...],
    account: ProjectAccount | None,
    place: ProjectNamespace | None,
) -> ReleaseJob:
    application, spec = row.application, row.revision.spec
    deleting = row.deletion_requested_at is not None
    connection = connection_of(row.cluster)
    desired = None if deleting else _desired(row)
    last = row.last_operation
    return ReleaseJob(
        claim=claim,
        group=row.cluster_id,
        row=row,
        connection=connection,
        rules=rules,
        blocked=_blocked(row),
        paused=_paused(row),
        waiting_for=waiting,
        account=account,
        last=deleting and account is not None and last_in_project(row),
        claimed=place is not None,
        given=place is not None and place.state in OWN_NAMESPACE,
        release_name=row.release_name,
        namespace=row.namespace,
        owner=f"application/{application.pk}",
        desired=desired,
        desired_digest=row.desired_digest,
        chart_path=archive_file(spec["digest"]) if desired else None,
        revision_number=row.revision.number,
        spec_changed=row.observed_generation < row.generation,
        deleting=deleting,
        keep_resources=row.keep_resources,
        on_failure=OnFailure(spec["on_failure"]),
        drift_policy=DriftPolicy(spec["drift_policy"]),
        timeout_seconds=spec["timeout_seconds"],
        max_history=spec["max_history"],
        attempt=Attempt(
            digest=last.get("digest", ""),
            succeeded=last.get("succeeded", True),
            remedied=last.get("remedied", True),
        ),
        known_revision=row.helm_revision,
        objects_seen=tuple(row.objects_seen),
        baseline_revision=last.get("baseline", 0),
        corrections=tuple(row.corrections),
        seen_at=row.seen_at,
        alarm=row.alarm,
        secrets=(*connection.secrets(), *_secret_texts(desired)),
    )


def _desired(row: Release) -> Desired:
    return desired_release(
        application=row.application,
        revision=row.revision,
        cluster_name=row.cluster.name,
        redeploy=row.redeploy,
    )


def _blocked(row: Release) -> str:
    cluster = row.cluster
    reachable = cluster.condition(REACHABLE)
    if reachable and reachable["status"] != Status.TRUE:
        return f"The cluster “{cluster.name}” cannot be worked on: {reachable['message']}"
    return ""


def _paused(row: Release) -> str:
    """What keeps the release from being changed, though it can be looked at; "" when nothing."""
    if row.cluster.suspended:
        return f"The cluster “{row.cluster.name}” is paused."
    return "The application is paused." if row.suspended else ""


def _waiting_for(rows: list[Release]) -> dict[UUID, tuple[str, ...]]:
    """Per release: the applications it depends on that are not ready on its cluster."""
    needed = {name for row in rows for name in row.revision.spec["depends_on"]}
    if not needed:
        return {row.pk: () for row in rows}
    ready = set(
        Release.objects.filter(application__name__in=needed, ready=Status.TRUE.value).values_list(
            "application__name", "cluster_id"
        )
    )
    return {
        row.pk: tuple(
            name for name in row.revision.spec["depends_on"] if (name, row.cluster_id) not in ready
        )
        for row in rows
    }


def _secret_texts(desired: Desired | None) -> tuple[str, ...]:
    if desired is None:
        return ()
    return tuple(
        text
        for item in desired.objects
        for text in item.get("stringData", {}).values()
        if len(text) >= 4
    )


def acting(job: ReleaseJob, site: Doors) -> Doors:
    """The doors as the one whose rights bound what comes from a chart, or from Helm's record of it.

    A record lies in the namespace, where people of the project may write: what it says is
    done with the project's rights only. The account is made and kept here, before each use.
    """
    if job.account is None:
        return site
    standing.ensure(site.kube, job.account, job.namespace)
    return site.acting_as(job.account.identity)
