"""A look at a release: health and drift of its live objects, as conditions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from apps import release_objects as live
from apps.choices import DriftPolicy
from apps.conditions import DRIFTED, HEALTHY, RELEASED, STALLED, Reason
from apps.desired import FIELD_MANAGER
from apps.doors import Doors
from apps.helm_records import RecordMeta
from apps.reconcilers import release_context as context
from apps.reconcilers import release_passes as passes
from apps.reconcilers.release_job import ReleaseJob, acting
from apps.reconcilers.release_plan import Facts, State, state_of
from fleet import health as health_rules
from fleet.health import HealthStatus
from fleet.kube import Kube, ObjectRef
from kubecarrier.lib.conditions import Condition, Status
from kubecarrier.lib.reconcile import Pass

Json = dict[str, Any]

_CORRECTIONS_WINDOW = timedelta(minutes=10)
_MAX_CORRECTIONS = 5
_PROGRESS_SECONDS = 3.0


def look(job: ReleaseJob, site: Doors, facts: Facts) -> Pass:
    """Health and drift of the live objects; nothing is changed unless drift is to be corrected."""
    newest, kube = facts.newest, site.kube
    assert newest is not None  # noqa: S101 - the state says so
    manifest: dict[ObjectRef, Json] | None = None
    known = bool(job.objects_seen) and newest.revision == job.known_revision
    if not known:
        manifest = live.manifest_objects(kube, newest)
    own = [live.ref_of(entry) for entry in own_entries(job)] if known else list(manifest or {})
    beside = context.beside(job)
    refs = [*own, *beside]
    seen = live.look(kube, refs)
    drifts: list[live.Drift] = []
    corrected: list[str] = []
    if known and job.baseline_revision == newest.revision:
        drifts, corrected = _drift(job, site, newest, seen, beside)
    if corrected:
        seen = live.look(kube, refs)
    return _looked(job, facts, newest, seen, drifts, corrected)


def own_entries(job: ReleaseJob) -> list[Json]:
    """What was noted of the objects of the Helm release itself, without what stands beside it."""
    return [entry for entry in job.objects_seen if not entry.get("beside")]


def _drift(
    job: ReleaseJob,
    site: Doors,
    newest: RecordMeta,
    seen: list[live.Seen],
    beside: Mapping[ObjectRef, Json],
) -> tuple[list[live.Drift], list[str]]:
    """What differs, and what was put right; the manifest is decoded for suspects only."""
    doubtful = live.suspects(job.objects_seen, seen)
    if not doubtful or job.drift_policy is DriftPolicy.IGNORE:
        return [], []
    kube = site.kube
    wanted = _wanted(kube, newest) if any(one.ref not in beside for one in doubtful) else {}
    found = [
        drift
        for one in doubtful
        if (drift := _drift_of(kube, one, wanted.get(one.ref), beside.get(one.ref)))
    ]
    if job.drift_policy is not DriftPolicy.CORRECT or not found or job.paused or _flapping(job):
        return found, []
    doors = acting(job, site)
    left = [
        drift
        for drift in found
        if drift.taken_by or not _heal(job, site, doors, drift, wanted, beside)
    ]
    return left, [datetime.now(UTC).isoformat()] if len(left) < len(found) else []


def _wanted(kube: Kube, newest: RecordMeta) -> dict[ObjectRef, Json]:
    manifest = live.manifest_objects(kube, newest)
    return {ref: live.as_applied(obj, newest) for ref, obj in manifest.items()}


def _drift_of(
    kube: Kube, one: live.Seen, wanted: Json | None, beside: Json | None
) -> live.Drift | None:
    if beside is not None:
        return live.drift_of(kube, one, beside, manager=FIELD_MANAGER)
    return live.drift_of(kube, one, wanted) if wanted is not None else None


def _heal(
    job: ReleaseJob,
    site: Doors,
    doors: Doors,
    drift: live.Drift,
    wanted: Mapping[ObjectRef, Json],
    beside: Mapping[ObjectRef, Json],
) -> bool:
    """`doors` act for what the record says; what stands beside the release is the portal's own."""
    job.claim.require()
    if drift.ref in beside:
        return context.restore(job, site.kube, beside[drift.ref])
    live.heal(doors.kube, wanted[drift.ref], uid=drift.uid)
    return True


def _recent(job: ReleaseJob) -> list[str]:
    since = (datetime.now(UTC) - _CORRECTIONS_WINDOW).isoformat()
    return [at for at in job.corrections if at > since]


def _flapping(job: ReleaseJob) -> bool:
    """Another controller fights for the fields: five corrections in ten minutes are enough."""
    return len(_recent(job)) >= _MAX_CORRECTIONS


def _looked(
    job: ReleaseJob,
    facts: Facts,
    newest: RecordMeta,
    seen: list[live.Seen],
    drifts: list[live.Drift],
    corrected: list[str],
) -> Pass:
    found = health_rules.summarize([one.health for one in seen])
    by_hand = state_of(facts) is State.CHANGED_BY_HAND
    conditions = [
        _released(facts, newest),
        _healthy(found) if not corrected else _just_corrected(),
        _drifted(job, by_hand, drifts),
        _stalled_condition(job, facts),
    ]
    now = timezone.now()
    columns: Json = {
        "helm_revision": job.known_revision if by_hand else newest.revision,
        "helm_status": str(newest.status)[:40],
        "record_fingerprint": newest.fingerprint,
        "objects_seen": _noted(job, seen, drifts, context.beside(job)),
        "drift": [drift.entry() for drift in drifts],
        "seen_at": now,
        "verified_at": now,
        "alarm_seen": job.alarm,
        "corrections": [*_recent(job), *corrected],
    }
    if state_of(facts) is State.CURRENT:
        columns["deployed_digest"] = job.desired_digest
        columns["last_operation"] = {**job.row.last_operation, "baseline": newest.revision}
        columns["actual_version"] = job.row.wanted_version
    quiet = found.status in {HealthStatus.HEALTHY, HealthStatus.SUSPENDED}
    again = passes.verify_seconds() if quiet else _PROGRESS_SECONDS
    return passes.of(job, conditions, columns, again=passes.SOON_SECONDS if corrected else again)


def _noted(
    job: ReleaseJob,
    seen: list[live.Seen],
    drifts: list[live.Drift],
    beside: Mapping[ObjectRef, Json],
) -> list[Json]:
    """Entries of what was seen; a drifted object keeps its old mark, so that it stays a suspect."""
    drifted = {drift.ref for drift in drifts}
    before = {live.ref_of(entry): entry for entry in job.objects_seen}
    entries = []
    for one in seen:
        entry = one.entry() | ({"beside": True} if one.ref in beside else {})
        if one.ref in drifted and one.ref in before:
            entry |= {key: before[one.ref][key] for key in ("uid", "generation")}
        entries.append(entry)
    return entries


def _released(facts: Facts, newest: RecordMeta) -> Condition:
    match state_of(facts):
        case State.CURRENT:
            return Condition(
                RELEASED,
                Status.TRUE,
                Reason.DEPLOYED,
                f"Helm revision {newest.revision} is deployed.",
            )
        case State.ABSENT | State.OUTDATED:
            return Condition(
                RELEASED, Status.FALSE, Reason.PAUSED, "Paused before it was deployed."
            )
        case State.DELETING:
            return Condition(RELEASED, Status.FALSE, Reason.PAUSED, "Paused before it was deleted.")
        case State.CHANGED_BY_HAND:
            text = f"Helm revision {newest.revision} was made by somebody else."
            return Condition(RELEASED, Status.FALSE, Reason.CHANGED_BY_HELM, text)
        case _:
            return Condition(
                RELEASED, Status.FALSE, Reason.NOT_DEPLOYED, "The last deployment failed."
            )


def _healthy(found: health_rules.Health) -> Condition:
    match found.status:
        case HealthStatus.HEALTHY:
            return Condition(HEALTHY, Status.TRUE, Reason.ALL_HEALTHY, "Every object is healthy.")
        case HealthStatus.SUSPENDED:
            return Condition(HEALTHY, Status.TRUE, found.reason, found.message)
        case HealthStatus.UNKNOWN:
            return Condition(HEALTHY, Status.UNKNOWN, found.reason, found.message)
        case _:
            return Condition(HEALTHY, Status.FALSE, found.reason, found.message)


def _just_corrected() -> Condition:
    """A pass that changed something does not say that all is well: the next one does."""
    return Condition(HEALTHY, Status.UNKNOWN, Reason.CORRECTED, "Drift was just corrected.")


def _drifted(job: ReleaseJob, by_hand: bool, drifts: list[live.Drift]) -> Condition:
    if by_hand:
        text = "The release was changed by hand with helm."
        return Condition(DRIFTED, Status.TRUE, Reason.CHANGED_BY_HELM, text)
    if not drifts:
        return Condition(DRIFTED, Status.FALSE, Reason.NO_DRIFT, "As deployed.")
    if taken := [d for d in drifts if d.taken_by]:
        text = "; ".join(
            f"{d.ref.kind}/{d.ref.name} belongs to the release {d.taken_by} now" for d in taken[:3]
        )
        return Condition(DRIFTED, Status.TRUE, Reason.OBJECT_OWNED_BY_OTHERS, text)
    named = "; ".join(f"{d.ref.kind}/{d.ref.name}: {', '.join(d.fields[:3])}" for d in drifts[:3])
    if _flapping(job):
        managers = sorted({name for d in drifts for name in d.managers})
        text = f"Corrected {_MAX_CORRECTIONS} times in 10 minutes, then left: {named} (by {', '.join(managers)})"
        return Condition(DRIFTED, Status.TRUE, Reason.FLAPPING, text)
    return Condition(DRIFTED, Status.TRUE, Reason.OBJECTS_CHANGED, named)


def _stalled_condition(job: ReleaseJob, facts: Facts) -> Condition:
    if state_of(facts) in {State.FAILED, State.FAILED_UNREMEDIED}:
        text = str(job.row.last_operation.get("error", "The last deployment failed."))
        return Condition(STALLED, Status.TRUE, passes.stall_reason(job), text)
    return Condition(STALLED, Status.FALSE, Reason.NOT_STALLED, "")
