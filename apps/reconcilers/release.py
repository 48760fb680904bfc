"""The AppManager: brings each release to what its application wants on its cluster.

observe (Helm's records, live objects) → plan (release_plan) → one mutating
step (release_steps) → record (one conditional UPDATE). A release of which
nothing changed is settled in SQL, without a claim of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from apps import placing
from apps.conditions import STALLED
from apps.models import Release
from apps.reconcilers import release_steps
from apps.reconcilers.release_job import ReleaseJob, jobs_of
from fleet.choices import PROBE_TASK, TargetState
from fleet.conditions import REACHABLE
from fleet.models import Cluster
from fleet.operations import target_progress
from kubecarrier.lib import lease
from kubecarrier.lib.conditions import READY, Status
from kubecarrier.lib.lease import Claim, due, in_seconds
from kubecarrier.lib.reconcile import Pass, record_pass
from kubecarrier.lib.tasks import wake_on_commit


class ReleaseReconciler:
    """Works on due releases, at most a few at once per cluster."""

    model = Release
    group_column = "cluster_id"
    lease_seconds = 30.0

    def __init__(self) -> None:
        self.slots: int = settings.KUBECARRIER_HELM_SLOTS
        self.slots_per_group: int = settings.KUBECARRIER_CALLS_PER_CLUSTER

    def load(self, claims: Sequence[Claim]) -> list[ReleaseJob]:
        """The claimed releases as values."""
        return jobs_of(claims)

    def run(self, job: ReleaseJob) -> Pass:
        """In a thread: one pass."""
        return release_steps.one_pass(job)

    def record(self, job: ReleaseJob, result: Pass) -> None:
        """Write the pass; a finished deletion takes the row, and perhaps its application."""
        with transaction.atomic():
            if result.columns.pop("finished", False):
                _finish(job, result)
                return
            if record_pass(job.row, job.claim, result):
                _tell(job, result)


def settle_quiet() -> int:
    """Put off every due release of which nothing changed: one UPDATE, no cluster, no Helm.

    Quiet means: what is wanted is what the watch last saw deployed, no alarm
    was raised since, it was ready, its cluster answers, and the last full
    look is younger than the verification interval.
    """
    fresh = Now() - timedelta(seconds=settings.KUBECARRIER_VERIFY_SECONDS)
    quiet = Release.objects.filter(
        due(),
        desired_digest=F("deployed_digest"),
        generation=F("observed_generation"),
        alarm=F("alarm_seen"),
        ready=Status.TRUE.value,
        deletion_requested_at=None,
        verified_at__gt=fresh,
        cluster__in=Cluster.objects.filter(
            Q(**{f"conditions__{REACHABLE}__status": Status.TRUE.value})
        ),
    )
    if not quiet.exists():  # an UPDATE takes SQLite's write lock even when it changes nothing
        return 0
    return quiet.status_update(next_reconcile_at=in_seconds(settings.KUBECARRIER_VERIFY_SECONDS))


def _finish(job: ReleaseJob, result: Pass) -> None:
    """Nothing of the release is left in the cluster: its row goes."""
    held = Release.objects.filter(pk=job.claim.pk, lease_token=job.claim.token)
    if not held.delete()[0]:
        return
    message = next((c.message for c in result.seen if c.type == READY), "Deleted.")
    _progress(job, TargetState.SUCCEEDED, message)
    placing.finish_deleted([job.row.application_id])
    placing.wake_application(job.row.application_id, at_once=True)
    if job.row.cluster.deletion_requested_at:
        lease.wake(Cluster.objects.filter(pk=job.row.cluster_id))
        wake_on_commit(PROBE_TASK)


def _tell(job: ReleaseJob, result: Pass) -> None:
    """Operations, the application and the probe hear of what this pass saw."""
    seen = {condition.type: condition for condition in result.seen}
    ready, stalled = seen.get(READY), seen.get(STALLED)
    if stalled and stalled.status is Status.TRUE:
        _progress(job, TargetState.FAILED, stalled.message)
    elif ready and ready.status is Status.TRUE and not job.deleting:
        _progress(job, TargetState.SUCCEEDED, ready.message)
    if ready and (job.row.ready != ready.status or job.spec_changed):
        done = ready.status is Status.TRUE or (stalled and stalled.status is Status.TRUE)
        placing.wake_application(job.row.application_id, at_once=bool(done))
    if result.error_code:
        lease.wake(Cluster.objects.filter(pk=job.row.cluster_id))
        wake_on_commit(PROBE_TASK)


def _progress(job: ReleaseJob, state: TargetState, message: str) -> None:
    target_progress(
        target_id=job.claim.pk, generation=job.claim.generation, state=state, message=message
    )
