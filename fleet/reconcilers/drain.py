"""Drains nodes: cordon, evict what may go, wait for what disruption budgets hold back.

Each pass looks anew at what is on the node, so that it may be killed at any
moment and go on elsewhere. The evictions are the person's who asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from fleet import acting, addresses
from fleet.choices import TargetState
from fleet.connection import Connection
from fleet.draining import NODES, PODS, DrainOptions, PodOnNode, drain_plan
from fleet.kube import Budget, Identity, Kube, ObjectRef, PatchType, discovery_of
from fleet.kube_errors import Conflict, Forbidden, KubeError, NotFound, TooManyRequests
from fleet.models import NodeDrain, OperationTarget
from fleet.operations import target_progress
from fleet.queries import connection_of
from kubecarrier.lib.conditions import READY, Condition, Status
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.netguard import Policy
from kubecarrier.lib.reconcile import Pass, record_pass

_BUDGET = Budget(connect=3, read=5, total=10)
_AGAIN_SECONDS = 1.0
_BLOCKED_SECONDS = 5.0  # kubectl's own patience with a disruption budget
_EVICTIONS_PER_PASS = 50
_GOES_ANYWAY = "because it is being terminated"  # a namespace that is being deleted answers 403


class Ending(StrEnum):
    """How a drain ended, as the reason of its condition."""

    DRAINED = "Drained"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    DENIED = "Denied"
    NODE_GONE = "NodeGone"


@dataclass(frozen=True, slots=True)
class DrainJob:
    """One drain as values; `row` is for the recording thread. `refused` says why nobody acts."""

    claim: Claim
    group: UUID
    row: NodeDrain
    node: str
    options: DrainOptions
    deadline_at: datetime
    cancelled: bool
    connection: Connection
    identity: Identity | None
    refused: str
    rules: Policy


@dataclass(slots=True)
class Seen:
    """What one pass saw and did: pods still there, and what stands against each."""

    left: dict[str, str] = field(default_factory=dict)  # uid → message
    blocked: bool = False
    denied: int = 0


class NodeDrainReconciler:
    """One pass over each drain that is due."""

    model = NodeDrain
    group_column = "cluster_id"
    lease_seconds = 30.0
    slots = 8
    slots_per_group = 2

    def load(self, claims: Sequence[Claim]) -> list[DrainJob]:
        """Here the ORM may be used."""
        rows = NodeDrain.objects.select_related("cluster", "actor").in_bulk(
            [claim.pk for claim in claims]
        )
        rules = addresses.policy()
        return [_job(claim, rows[claim.pk], rules) for claim in claims if claim.pk in rows]

    def run(self, job: DrainJob) -> Pass:
        """In a thread. Whoever may not evict ends the drain; an unreachable cluster is waited for."""
        if job.row.finished_at is not None:
            return Pass([], again_seconds=None)
        if job.refused:
            return _ended(Ending.DENIED, job.refused)
        if job.cancelled:
            return _ended(Ending.CANCELLED, "Cancelled; the node stays cordoned.")
        if timezone.now() >= job.deadline_at:
            return _ended(Ending.TIMED_OUT, "Not done in time; the node stays cordoned.")
        connection = addresses.guarded(job.connection, job.rules)
        known = discovery_of(connection)
        kube = Kube(connection, budget=_BUDGET, identity=job.identity, discovery=known)
        try:
            return _pass(kube, job)
        except Forbidden as error:
            return _ended(Ending.DENIED, error.message)

    def record(self, job: DrainJob, result: Pass) -> None:
        """The row, and the operation's targets with it."""
        seen: Seen | None = result.columns.pop("seen", None)
        with transaction.atomic():
            if not record_pass(job.row, job.claim, result):
                return
            if seen is not None:
                _progress(job.row, seen)
            if result.columns.get("finished_at"):
                _finish(job.row, result.seen[0])


def _job(claim: Claim, row: NodeDrain, rules: Policy) -> DrainJob:
    identity, refused = None, ""
    try:
        identity = acting.identity_for(row.actor, row.cluster)
    except KubeCarrierError as error:
        refused = error.message
    return DrainJob(
        claim=claim,
        group=row.cluster_id,
        row=row,
        node=row.node,
        options=DrainOptions(row.force, row.delete_empty_dir, row.grace_period_seconds),
        deadline_at=row.deadline_at,
        cancelled=row.cancelled_at is not None,
        connection=connection_of(row.cluster),
        identity=identity,
        refused=refused,
        rules=rules,
    )


def _pass(kube: Kube, job: DrainJob) -> Pass:
    try:
        node = kube.get(NODES.path(name=job.node))
    except NotFound:
        return _ended(Ending.NODE_GONE, "The node is not there any more.", good=True)
    if not (node.get("spec") or {}).get("unschedulable"):
        ref = ObjectRef("v1", "Node", "", job.node)
        kube.patch(ref, {"spec": {"unschedulable": True}}, patch_type=PatchType.MERGE)
    pods = kube.list(PODS, field_selector=f"spec.nodeName={job.node}")
    plan = drain_plan(pods, job.options)
    seen = Seen()
    for number, pod in enumerate(plan.evict):
        if number >= _EVICTIONS_PER_PASS:
            seen.left[pod.uid] = "Waits its turn."
        elif _evicted(kube, pod, job.options, seen):
            seen.left.setdefault(pod.uid, "Terminating." if pod.terminating else "Evicted.")
    for pod, why in plan.refused:  # came after the drain began
        seen.left[pod.uid] = f"Not touched: {why}."
    if not seen.left:
        ended = _ended(Ending.DRAINED, "Nothing is left that had to go.", good=True)
        return Pass(ended.seen, {**ended.columns, "seen": seen}, again_seconds=None)
    if seen.denied == len(seen.left):
        ended = _ended(Ending.DENIED, next(iter(seen.left.values())))
        return Pass(ended.seen, {**ended.columns, "seen": seen}, again_seconds=None)
    text = f"{len(seen.left)} pods are left."
    ready = Condition(READY, Status.FALSE, "Draining", text)
    columns: dict[str, Any] = {"pods_left": len(seen.left), "seen": seen}
    again = _BLOCKED_SECONDS if seen.blocked else _AGAIN_SECONDS
    return Pass([ready], columns, again_seconds=again)


def _evicted(kube: Kube, pod: PodOnNode, options: DrainOptions, seen: Seen) -> bool:
    """Ask for the eviction; False when the pod is gone already. A budget's refusal is no error."""
    if pod.terminating:
        return True
    try:
        kube.evict(pod.ref, uid=pod.uid, grace_period_seconds=options.grace_period_seconds)
    except TooManyRequests as error:
        seen.left[pod.uid], seen.blocked = f"Held back: {error.message}", True
    except (NotFound, Conflict):
        return False
    except Forbidden as error:
        if _GOES_ANYWAY in error.message:
            seen.left[pod.uid] = "Its namespace is being deleted."
        else:
            seen.left[pod.uid], seen.denied = error.message, seen.denied + 1
    except KubeError as error:
        seen.left[pod.uid] = f"{error.code}: {error.message}"
    return True


def _ended(ending: Ending, message: str, *, good: bool = False) -> Pass:
    status = Status.TRUE if good else Status.FALSE
    columns: dict[str, Any] = {"finished_at": timezone.now()}
    if good:
        columns["pods_left"] = 0
    return Pass([Condition(READY, status, ending, message)], columns, again_seconds=None)


def _progress(row: NodeDrain, seen: Seen) -> None:
    """Pods that are gone are done; of the others it is said what stands against them."""
    running = OperationTarget.objects.filter(operation=row.operation_id, state=TargetState.RUNNING)
    known = {str(pk): said for pk, said in running.values_list("target_id", "message")}
    for uid, message in known.items():
        if uid == str(row.pk):
            continue
        if uid not in seen.left:
            _tell(uid, TargetState.SUCCEEDED, "Gone from the node.")
        elif message != seen.left[uid]:
            _tell(uid, TargetState.RUNNING, seen.left[uid])
    _tell(str(row.pk), TargetState.RUNNING, f"{len(seen.left)} pods are left.")


def _finish(row: NodeDrain, ending: Condition) -> None:
    good = ending.status is Status.TRUE
    running = OperationTarget.objects.filter(operation=row.operation_id, state=TargetState.RUNNING)
    for uid in running.values_list("target_id", flat=True):
        if str(uid) != str(row.pk):
            state = TargetState.SUCCEEDED if good else TargetState.FAILED
            _tell(str(uid), state, ending.message)
    state = TargetState.SUCCEEDED if good else TargetState.FAILED
    _tell(str(row.pk), state, ending.message)


def _tell(uid: str, state: TargetState, message: str) -> None:
    target_progress(target_id=UUID(uid), generation=1, state=state, message=message)
