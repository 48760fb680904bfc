"""One pass over a project on a cluster: look, plan, take the steps, say what was seen.

Runs in a thread: it touches the cluster through its door and never the ORM. A
step that is refused leaves the other namespaces alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from django.conf import settings
from django.utils import timezone

from fleet import addresses
from fleet.choices import NamespaceState
from fleet.conditions import PREPARED, STALLED, ProjectReason
from fleet.grants import standing
from fleet.kube import Budget, Kube, ObjectRef, discovery_of
from fleet.kube_errors import AlreadyExists, Conflict, Invalid, NotFound, Rejected
from fleet.kube_errors import Forbidden as KubeForbidden
from fleet.projects.objects import FIELD_MANAGER, MADE, QUOTA_KINDS, QUOTA_NAME, notes_of
from fleet.projects.plan import Plan, Seen, Step, Verb, plan
from fleet.reconcilers.projectcopy_job import CopyJob
from kubecarrier.lib.backoff import delay_seconds
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.reconcile import Pass

Json = dict[str, Any]

_BUDGET = Budget(connect=3, read=8, total=15)
_SOON_SECONDS = 0.3
_TERMINATING_SECONDS = 5.0
_STALLED_SECONDS = 60.0
_BLOCKED_SECONDS = 300.0
_WINDOW = timedelta(minutes=10)
_MAX_CORRECTIONS = 5
_SHOWN = 3
# What the server refuses for good: told of that namespace, while the others go on.
_REFUSALS = (KubeForbidden, Invalid, Rejected)


@dataclass(frozen=True, slots=True)
class NamespaceSeen:
    """What is written of one namespace, by column of its claim."""

    state: NamespaceState
    message: str
    made: bool
    quota: Json | None
    seen_at: datetime


def one_pass(job: CopyJob) -> Pass:
    """Errors that concern the whole cluster are raised to the runner."""
    if job.blocked:
        return _unseen(job)
    connection = addresses.guarded(job.connection, job.rules)
    kube = Kube(connection, budget=_BUDGET, discovery=discovery_of(connection))
    looks = {wish.name: look(kube, wish.name) for wish in job.wishes}
    plans = {wish.name: plan(wish, job.owner, looks[wish.name]) for wish in job.wishes}
    due = sum(len(one.steps) for one in plans.values())
    held = bool(due) and bool(job.paused or _flapping(job))
    if due:
        job.claim.require()
    refused = {} if held else _take_all(kube, plans)
    if job.deleting:
        standing.remove(kube, project=job.owner.project, mark=job.owner.mark)
    columns: Json = {
        "seen_at": timezone.now(),
        "namespaces": {n: _seen(looks[n], one, refused.get(n, "")) for n, one in plans.items()},
    }
    if due and not held and not job.spec_changed:
        columns["corrections"] = [*_recent(job), datetime.now(UTC).isoformat()]
    return _told(job, plans, refused, columns, due=bool(due))


# --- observe ------------------------------------------------------------------------------


def look(kube: Kube, name: str) -> Seen:
    """One namespace and the objects of our name in it."""
    namespace = _get(kube, ObjectRef("v1", "Namespace", "", name), metadata_only=True)
    if namespace is None:
        return Seen(None, {})
    found = {kind: _get(kube, ObjectRef("v1", kind, name, QUOTA_NAME)) for kind in QUOTA_KINDS}
    return Seen(namespace, {kind: obj for kind, obj in found.items() if obj is not None})


def _get(kube: Kube, ref: ObjectRef, *, metadata_only: bool = False) -> Json | None:
    try:
        return kube.get(ref, metadata_only=metadata_only)
    except NotFound:
        return None


def _seen(found: Seen, one: Plan, refusal: str) -> NamespaceSeen:
    quota = (found.quotas.get("ResourceQuota") or {}).get("status") or None
    made = one.made or bool(found.namespace and MADE in notes_of(found.namespace))
    state = NamespaceState.BLOCKED if refusal else one.state
    kept = {key: quota.get(key) or {} for key in ("hard", "used")} if quota else None
    return NamespaceSeen(state, (refusal or one.message)[:500], made, kept, timezone.now())


# --- act ----------------------------------------------------------------------------------


def _take_all(kube: Kube, plans: dict[str, Plan]) -> dict[str, str]:
    """Take every step; the refusals by namespace."""
    refused = {}
    for name, one in plans.items():
        try:
            for step in one.steps:
                take(kube, step)
        except (Conflict, AlreadyExists, NotFound):
            continue  # it moved since it was looked at: the next pass looks again
        except _REFUSALS as error:
            refused[name] = error.message
    return refused


def take(kube: Kube, step: Step) -> None:
    """One change; raises KubeError."""
    ref = ObjectRef("v1", step.kind, step.namespace, step.name)
    match step.verb:
        case Verb.CREATE:
            kube.create(step.body or {}, field_manager=FIELD_MANAGER)
        case Verb.PATCH:
            kube.patch(ref, step.body, field_manager=FIELD_MANAGER)
        case Verb.REPLACE:
            kube.replace(step.body or {}, field_manager=FIELD_MANAGER)
        case Verb.DELETE:
            kube.delete(ref, uid=step.uid)
        case _:
            assert_never(step.verb)


# --- say ----------------------------------------------------------------------------------


def _told(
    job: CopyJob, plans: dict[str, Plan], refused: dict[str, str], columns: Json, *, due: bool
) -> Pass:
    prepared = _prepared(job, plans, refused, due=due)
    stalled = _stalled(job, plans, refused, due=due)
    ready = summarize([prepared, stalled], needed=(PREPARED,), harmful=(STALLED,))
    seen = [prepared, stalled, ready]
    if refused:
        again = delay_seconds(job.claim.failures)
        return Pass(seen, columns, again_seconds=again, failed=True)
    if due and job.paused:
        return Pass(seen, columns, again_seconds=verify_seconds(), failed=True)
    if due and not _flapping(job):
        return Pass(seen, columns, again_seconds=_SOON_SECONDS, failed=True)
    if stalled.status is Status.TRUE:
        return Pass(seen, columns, again_seconds=_STALLED_SECONDS)
    if _named(plans, NamespaceState.TERMINATING, NamespaceState.RELEASING):
        return Pass(seen, columns, again_seconds=_TERMINATING_SECONDS, failed=True)
    return Pass(seen, columns, again_seconds=verify_seconds())


def _prepared(
    job: CopyJob, plans: dict[str, Plan], refused: dict[str, str], *, due: bool
) -> Condition:
    """Whether every namespace is as wanted."""
    if refused:
        name, text = next(iter(refused.items()))
        return _not_prepared(ProjectReason.OBJECT_FOREIGN, f"{name}: {text}")
    if due and job.paused:
        return _not_prepared(ProjectReason.PAUSED, job.paused)
    for state, reason, text in (
        (NamespaceState.FOREIGN, ProjectReason.NAMESPACE_FOREIGN, "There already"),
        (NamespaceState.BLOCKED, ProjectReason.OBJECT_FOREIGN, "A quota of somebody else"),
        (NamespaceState.TERMINATING, ProjectReason.NAMESPACE_TERMINATING, "Being deleted"),
        (NamespaceState.RELEASING, ProjectReason.RELEASING, "Being let go"),
        (NamespaceState.CHANGING, ProjectReason.CHANGED, "Just changed"),
    ):
        if names := _named(plans, state):
            return _not_prepared(reason, f"{text}: {_some(names)}.")
    if job.refused:
        return _not_prepared(ProjectReason.NAMESPACE_TAKEN, _taken(job))
    text = f"{len(plans)} namespaces are as wanted."
    return Condition(PREPARED, Status.TRUE, ProjectReason.AS_WANTED, text)


def _stalled(
    job: CopyJob, plans: dict[str, Plan], refused: dict[str, str], *, due: bool
) -> Condition:
    """What only a person can put right."""
    names = _named(plans, NamespaceState.FOREIGN)
    if names:
        text = f"{_some(names)}: {plans[names[0]].message}"
        return Condition(STALLED, Status.TRUE, ProjectReason.NAMESPACE_FOREIGN, text)
    if names := _named(plans, NamespaceState.BLOCKED):
        text = f"{_some(names)}: {plans[names[0]].message}"
        return Condition(STALLED, Status.TRUE, ProjectReason.OBJECT_FOREIGN, text)
    if job.refused:
        return Condition(STALLED, Status.TRUE, ProjectReason.NAMESPACE_TAKEN, _taken(job))
    if due and not job.paused and _flapping(job):
        changing = _named(plans, NamespaceState.CHANGING)
        text = f"Put right {_MAX_CORRECTIONS} times in 10 minutes, then left: {_some(changing)}."
        return Condition(STALLED, Status.TRUE, ProjectReason.FLAPPING, text)
    return Condition(STALLED, Status.FALSE, ProjectReason.NOT_STALLED, "")


def _unseen(job: CopyJob) -> Pass:
    """The cluster cannot be seen: the last state stays, and says that it is old."""
    since = f" Last seen {job.seen_at:%Y-%m-%d %H:%M} UTC." if job.seen_at else ""
    text = f"{job.blocked}{since}"
    seen = [
        Condition(PREPARED, Status.UNKNOWN, ProjectReason.CLUSTER_UNREACHABLE, text),
        Condition("Ready", Status.UNKNOWN, ProjectReason.CLUSTER_UNREACHABLE, text),
    ]
    return Pass(seen, again_seconds=_BLOCKED_SECONDS, failed=True)


def _not_prepared(reason: ProjectReason, text: str) -> Condition:
    return Condition(PREPARED, Status.FALSE, reason, text)


def _named(plans: dict[str, Plan], *states: NamespaceState) -> list[str]:
    return sorted(name for name, one in plans.items() if one.state in states)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _taken(job: CopyJob) -> str:
    return f"Another project has: {_some(job.refused)}."


def _recent(job: CopyJob) -> list[str]:
    since = (datetime.now(UTC) - _WINDOW).isoformat()
    return [at for at in job.corrections if at > since]


def _flapping(job: CopyJob) -> bool:
    """Somebody else fights for the objects: five corrections in ten minutes are enough."""
    return len(_recent(job)) >= _MAX_CORRECTIONS and not job.spec_changed


def verify_seconds() -> float:
    """The verification interval, spread so that copies made together do not stay together."""
    return float(settings.KUBECARRIER_VERIFY_SECONDS) * random.uniform(0.8, 1.0)  # noqa: S311
