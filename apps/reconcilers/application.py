"""An application's own status: the summary of its releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps import placing
from apps.conditions import PLACED, Reason
from apps.models import Application
from kubecarrier.lib.conditions import Condition, Status
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Pass, record_pass


@dataclass(frozen=True, slots=True)
class SummaryJob:
    """One application and the state of its releases: (name, ready, is it the wanted generation)."""

    claim: Claim
    group: UUID
    row: Application
    releases: tuple[tuple[str, str, bool], ...]


class ApplicationReconciler:
    """Summarises; touches no cluster."""

    model = Application
    group_column = None
    lease_seconds = 30.0
    slots = 8
    slots_per_group = 1

    def load(self, claims: Sequence[Claim]) -> list[SummaryJob]:
        """The claimed applications with their releases' states."""
        rows = Application.objects.prefetch_related("releases").in_bulk([c.pk for c in claims])
        return [_job(claim, rows[claim.pk]) for claim in claims if claim.pk in rows]

    def run(self, job: SummaryJob) -> Pass:
        """Pure."""
        return summary(job.releases)

    def record(self, job: SummaryJob, result: Pass) -> None:
        """Write it; an application whose last release went is finished here too."""
        record_pass(job.row, job.claim, result)
        if job.row.deletion_requested_at:
            placing.finish_deleted([job.row.pk])


def _job(claim: Claim, row: Application) -> SummaryJob:
    releases = tuple(
        (r.name, r.ready, r.observed_generation >= r.generation) for r in row.releases.all()
    )
    return SummaryJob(claim, claim.pk, row, releases)


def summary(releases: Sequence[tuple[str, str, bool]]) -> Pass:
    """`Ready` of an application: True when every release is ready at what is wanted now."""
    total = len(releases)
    if not total:
        text = "The placement chooses no cluster."
        placed = Condition(PLACED, Status.FALSE, Reason.NOWHERE, text)
        return Pass([placed, Condition("Ready", Status.UNKNOWN, Reason.NOWHERE, text)])
    placed = Condition(PLACED, Status.TRUE, Reason.DEPLOYED, f"On {total} clusters.")
    waiting = [name for name, ready, current in releases if ready != Status.TRUE or not current]
    if not waiting:
        text = f"All {total} releases are ready."
        return Pass([placed, Condition("Ready", Status.TRUE, Reason.ALL_READY, text)])
    unknown = [name for name, ready, _ in releases if ready == Status.UNKNOWN]
    status = Status.UNKNOWN if len(unknown) == len(waiting) else Status.FALSE
    text = f"{total - len(waiting)} of {total} releases are ready; not {', '.join(waiting[:3])}."
    return Pass([placed, Condition("Ready", status, Reason.SOME_NOT_READY, text)])
