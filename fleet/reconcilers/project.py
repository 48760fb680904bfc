"""A project's own status: the summary of its copies, and its quotas summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fleet.choices import NamespaceState
from fleet.conditions import PLACED, ProjectReason
from fleet.models import Project
from fleet.projects import copies as project_copies
from fleet.projects.totals import summed
from kubecarrier.lib.conditions import Condition, Status
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Pass, record_pass


@dataclass(frozen=True, slots=True)
class ProjectJob:
    """One project, its copies as (name, ready, is it the wanted generation), its namespaces as (state, quota)."""

    claim: Claim
    group: UUID
    row: Project
    copies: tuple[tuple[str, str, bool], ...]
    namespaces: tuple[tuple[str, dict[str, Any] | None], ...]


class ProjectReconciler:
    """Summarises; touches no cluster."""

    model = Project
    group_column = None
    lease_seconds = 30.0
    slots = 8
    slots_per_group = 1

    def load(self, claims: Sequence[Claim]) -> list[ProjectJob]:
        """The claimed projects with what their copies say."""
        rows = Project.objects.prefetch_related("copies").in_bulk([c.pk for c in claims])
        return [_job(claim, rows[claim.pk]) for claim in claims if claim.pk in rows]

    def run(self, job: ProjectJob) -> Pass:
        """Pure."""
        result = summary(job.copies)
        result.columns["totals"] = totals(job.namespaces)
        return result

    def record(self, job: ProjectJob, result: Pass) -> None:
        """Write it; a project whose last copy went is finished here too."""
        record_pass(job.row, job.claim, result)
        if job.row.deletion_requested_at:
            project_copies.finish_deleted([job.row.pk])


def _job(claim: Claim, row: Project) -> ProjectJob:
    copies = tuple(
        (copy.name, copy.ready, copy.observed_generation >= copy.generation)
        for copy in row.copies.all()
    )
    namespaces = tuple(row.claims.filter(wanted=True).values_list("state", "quota"))
    return ProjectJob(claim, claim.pk, row, copies, namespaces)


def totals(namespaces: Sequence[tuple[str, dict[str, Any] | None]]) -> dict[str, Any]:
    """How many namespaces, how many of them ready, and their quotas summed.

    `unseen` counts those of whose quota nothing is known: then the sums are of the others.
    """
    seen = [quota for _, quota in namespaces if quota]
    return {
        "namespaces": len(namespaces),
        "ready": sum(1 for state, _ in namespaces if state == NamespaceState.READY),
        "unseen": len(namespaces) - len(seen),
        "hard": summed(quota.get("hard", {}) for quota in seen),
        "used": summed(quota.get("used", {}) for quota in seen),
    }


def summary(copies: Sequence[tuple[str, str, bool]]) -> Pass:
    """`Ready` of a project: True when it is prepared on every cluster as is wanted now."""
    total = len(copies)
    if not total:
        text = "The placement chooses no cluster."
        placed = Condition(PLACED, Status.FALSE, ProjectReason.NOWHERE, text)
        return Pass([placed, Condition("Ready", Status.TRUE, ProjectReason.NOWHERE, text)])
    placed = Condition(PLACED, Status.TRUE, ProjectReason.CHOSEN, f"On {total} clusters.")
    waiting = [name for name, ready, current in copies if ready != Status.TRUE or not current]
    if not waiting:
        text = f"Prepared on all {total} clusters."
        return Pass([placed, Condition("Ready", Status.TRUE, ProjectReason.ALL_PREPARED, text)])
    unknown = [name for name, ready, _ in copies if ready == Status.UNKNOWN]
    status = Status.UNKNOWN if len(unknown) == len(waiting) else Status.FALSE
    text = f"Prepared on {total - len(waiting)} of {total} clusters; not {', '.join(waiting[:3])}."
    return Pass([placed, Condition("Ready", status, ProjectReason.SOME_NOT_READY, text)])
