"""Brings a project to one of its clusters: namespaces, quotas and limit ranges there.

observe (each namespace and its two quota objects) → plan (project_plan, pure) →
the steps of that plan → record. A pass that changed something says so; only one
that found everything as wanted says Ready.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from fleet.choices import OWN_NAMESPACE, PROBE_TASK, NamespaceState, TargetState
from fleet.conditions import STALLED
from fleet.grants.deriving import project_changed
from fleet.models import Cluster, ProjectCopy, ProjectNamespace
from fleet.operations import target_progress
from fleet.projects import copies as project_copies
from fleet.reconcilers import projectcopy_pass as passes
from fleet.reconcilers.projectcopy_job import CopyJob, jobs_of
from fleet.reconcilers.projectcopy_pass import NamespaceSeen
from kubecarrier.lib import audit, lease
from kubecarrier.lib.conditions import READY, Status
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Pass, record_pass
from kubecarrier.lib.tasks import wake_on_commit

_STATUS = ["state", "message", "made", "quota", "seen_at"]


class ProjectCopyReconciler:
    """Works on due copies, a few at once per cluster."""

    model = ProjectCopy
    group_column = "cluster_id"
    lease_seconds = 30.0
    slots = 16

    def __init__(self) -> None:
        self.slots_per_group: int = settings.KUBECARRIER_CALLS_PER_CLUSTER

    def load(self, claims: Sequence[Claim]) -> list[CopyJob]:
        """The claimed copies as values."""
        return jobs_of(claims)

    def run(self, job: CopyJob) -> Pass:
        """In a thread: one pass."""
        return passes.one_pass(job)

    def record(self, job: CopyJob, result: Pass) -> None:
        """Write the pass and what was seen of each namespace; a finished deletion takes the row."""
        seen = result.columns.pop("namespaces", None)
        with transaction.atomic():
            if not record_pass(job.row, job.claim, result):
                return
            moved = seen is not None and _write(job, seen)
            if job.deleting and not _rows(job).exists():
                _finish(job)
            else:
                _tell(job, result, moved=moved)


def _rows(job: CopyJob) -> QuerySet[ProjectNamespace]:
    """The claims as they are now, not as they were loaded."""
    return ProjectNamespace.objects.filter(copy_id=job.claim.pk)


def _write(job: CopyJob, seen: dict[str, NamespaceSeen]) -> bool:
    """The namespaces' states; claims that were let go are free. Whether any differs from before."""
    rows = {row.name: row for row in _rows(job)}
    changed, freed, given = [], [], False
    for name, found in seen.items():
        row = rows.get(name)
        if row is None:
            continue
        if found.state is NamespaceState.RELEASED and not row.wanted:
            freed.append(row)
        elif any(getattr(row, c) != getattr(found, c) for c in _STATUS if c != "seen_at"):
            changed.append(row)
        given |= (row.state in OWN_NAMESPACE) != (found.state in OWN_NAMESPACE)
        for column in _STATUS:
            setattr(row, column, getattr(found, column))
    with audit.unaudited("observed in the cluster"):
        ProjectNamespace.objects.bulk_update(changed, _STATUS, batch_size=200)
    if freed:
        ProjectNamespace.objects.filter(pk__in=[row.pk for row in freed]).delete()
        project_copies.retry_refused(job.row.cluster, [row.name for row in freed])
    if given:
        project_changed(job.row.project)
    return bool(changed or freed)


def _finish(job: CopyJob) -> None:
    """Nothing of the copy is left in the cluster."""
    _progress(job, TargetState.SUCCEEDED, "Let go.")
    project_copies.finish(job.row)
    if job.row.cluster.deletion_requested_at:
        lease.wake(Cluster.objects.filter(pk=job.row.cluster_id))
        wake_on_commit(PROBE_TASK)


def _tell(job: CopyJob, result: Pass, *, moved: bool) -> None:
    """Operations and the project hear of what this pass saw."""
    seen = {condition.type: condition for condition in result.seen}
    ready, stalled = seen.get(READY), seen.get(STALLED)
    if stalled and stalled.status is Status.TRUE:
        _progress(job, TargetState.FAILED, stalled.message)
    elif ready and ready.status is Status.TRUE and not job.deleting:
        _progress(job, TargetState.SUCCEEDED, ready.message)
    if moved or (ready and (job.row.ready != ready.status or job.spec_changed)):
        done = ready and (
            ready.status is Status.TRUE or bool(stalled and stalled.status is Status.TRUE)
        )
        project_copies.wake_project(job.row.project_id, at_once=bool(done))


def _progress(job: CopyJob, state: TargetState, message: Any) -> None:
    target_progress(
        target_id=job.claim.pk, generation=job.claim.generation, state=state, message=message
    )
