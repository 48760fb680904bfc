"""The ConfigManagement: keeps each config item's objects as they are wanted on every cluster.

Missing ones are made, others updated, unneeded ones deleted: only with our
owner mark, and only the state that was looked at. Copies of which nothing
changed are settled in SQL; the others are worked on in batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from fleet import addresses
from fleet.choices import PROBE_TASK, TargetState
from fleet.conditions import REACHABLE, STALLED
from fleet.configs import placing
from fleet.configs.changes import close_waiting, take_over, to_inbox
from fleet.kube import Budget, Kube
from fleet.models import Cluster, ConfigCopy
from fleet.operations import Report, targets_progress
from fleet.reconcilers import configcopy_steps as steps
from fleet.reconcilers.configcopy_job import CopyJob, jobs_of
from fleet.reconcilers.configcopy_plan import Step
from kubecarrier.lib import lease
from kubecarrier.lib.conditions import READY, Status
from kubecarrier.lib.lease import Claim, due, in_seconds
from kubecarrier.lib.reconcile import Pass, record_pass
from kubecarrier.lib.tasks import wake_on_commit

_BUDGET = Budget(connect=3, read=8, total=10)
_ROWS = 400
_LANES = 20


class ConfigCopyReconciler:
    """Works on due copies, a few at once per cluster."""

    model = ConfigCopy
    group_column = "cluster_id"
    lease_seconds = 30.0
    rows = _ROWS
    rows_per_group = 100
    lanes = _LANES

    def __init__(self) -> None:
        self.lanes_per_group: int = settings.KUBECARRIER_CALLS_PER_CLUSTER

    def load(self, claims: Sequence[Claim]) -> list[CopyJob]:
        """The claimed copies as values."""
        return jobs_of(claims)

    def open(self, job: CopyJob) -> Kube:
        """The door to the cluster, on a checked address."""
        return Kube(addresses.guarded(job.connection, job.rules), budget=_BUDGET)

    def run(self, job: CopyJob, shared: Kube) -> Pass:
        """In a thread: one pass."""
        return steps.one_pass(job, shared)

    def ends_lane(self, error: Exception) -> bool:
        """A cluster that does not answer is not asked for each of its copies."""
        return steps.ends_lane(error)

    def record(self, results: Sequence[tuple[CopyJob, Pass]]) -> None:
        """One transaction: every pass, then what operations, items and the probe hear of them."""
        with transaction.atomic():
            recorded = [(job, result) for job, result in results if _recorded(job, result)]
            _tell(recorded)


def settle_quiet() -> int:
    """Put off every due copy of which nothing changed: one UPDATE, no cluster.

    Quiet means: what is wanted is applied, the watch saw no other state since,
    it was ready, its cluster answers, and the last look is younger than the
    verification interval.
    """
    fresh = Now() - timedelta(seconds=settings.KUBECARRIER_VERIFY_SECONDS)
    quiet = ConfigCopy.objects.filter(
        due(),
        Q(watch_version="") | Q(watch_version=F("resource_version")),
        desired_digest=F("applied_digest"),
        generation=F("observed_generation"),
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


def _recorded(job: CopyJob, result: Pass) -> bool:
    """Write one pass; a finished deletion takes the row."""
    if result.columns.pop("finished", False):
        held = ConfigCopy.objects.filter(pk=job.claim.pk, lease_token=job.claim.token)
        return bool(held.delete()[0])
    found, step = result.columns.pop("found", None), result.columns.pop("step", None)
    held = result.columns.pop("held", False)
    if found is not None:
        holds = ConfigCopy.objects.select_for_update().filter(
            pk=job.claim.pk, lease_token=job.claim.token, generation=job.claim.generation
        )
        if holds.exists():
            change = take_over if step is Step.TAKE_OVER else to_inbox
            change(job.row, found.values, found.author, found.version)
    written = record_pass(job.row, job.claim, result)
    if written and job.contested and not held and "applied_digest" in result.columns:
        close_waiting([job.row.pk])
    return written


def _tell(recorded: Sequence[tuple[CopyJob, Pass]]) -> None:
    """Operations, the items and the probe hear of what these passes saw."""
    reports: list[Report] = []
    items, done, gone, silent = set(), False, set(), set()
    for job, result in recorded:
        state = _state(job, result)
        seen = {condition.type: condition for condition in result.seen}
        if state is not None:
            reports.append((job.claim.pk, job.claim.generation, state, seen[READY].message))
            done |= job.fresh
        if job.deleting and state is TargetState.SUCCEEDED:
            gone.add(job.row.item_id)
        if job.fresh or job.row.ready != seen[READY].status:
            items.add(job.row.item_id)
        if result.error_code:
            silent.add(job.row.cluster_id)
    targets_progress(reports)
    if gone:
        placing.finish_deleted(gone)
        leaving = {job.row.cluster_id for job, _ in recorded if job.deleting}
        clusters = Cluster.objects.filter(pk__in=leaving, deletion_requested_at__isnull=False)
        silent |= set(clusters.values_list("pk", flat=True))
    if items or gone:
        placing.wake_item(items | gone, at_once=done or bool(gone))
    if silent:
        lease.wake(Cluster.objects.filter(pk__in=silent))
        wake_on_commit(PROBE_TASK)


def _state(job: CopyJob, result: Pass) -> TargetState | None:
    """What an operation is told; None: it is still under way."""
    seen = {condition.type: condition.status for condition in result.seen}
    if seen.get(STALLED) is Status.TRUE:
        return TargetState.FAILED
    finished = not job.deleting or not result.columns
    return TargetState.SUCCEEDED if seen[READY] is Status.TRUE and finished else None
