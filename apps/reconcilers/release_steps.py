"""One pass over a release: observe, plan, and the one step that changes something.

Runs in a thread: it touches clusters through the doors and never the ORM.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, assert_never

from django.conf import settings
from django.utils import timezone

from apps import health as health_rules
from apps import release_objects as live
from apps.choices import DriftPolicy
from apps.conditions import DRIFTED, HEALTHY, RELEASED, STALLED, Reason
from apps.desired import (
    ATTEMPT_LABEL,
    DIGEST_LABEL,
    FIELD_MANAGER,
    KEPT_ANNOTATION,
    MANAGED_BY_LABEL,
    OWNER_ANNOTATION,
)
from apps.health import HealthStatus
from apps.helm import Helm, HelmFailed, HelmReason, ReleaseSpec
from apps.helm.errors import HelmError
from apps.helm_records import RecordMeta, forget_refs, unlock_ref
from apps.queries import helm_door
from apps.reconcilers.release_job import ReleaseJob
from apps.reconcilers.release_plan import MUTATING, Facts, State, Step, plan, state_of
from fleet import addresses
from fleet.connection import Connection
from fleet.kube import Budget, Kube, ObjectRef
from fleet.kube.discovery import Discovery
from fleet.kube_errors import AlreadyExists, Conflict, NotFound
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.reconcile import Pass

Json = dict[str, Any]

_DISCOVERY_SECONDS = 600.0
_BUDGET = Budget(connect=3, read=10, total=20)
_CORRECTIONS_WINDOW = timedelta(minutes=10)
_MAX_CORRECTIONS = 5
_SOON_SECONDS = 0.3
_PROGRESS_SECONDS = 3.0
_WAIT_SECONDS = 2.0
_BLOCKED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Site:
    """The doors to one cluster, on a checked address."""

    kube: Kube
    helm: Helm
    connection: Connection


def one_pass(job: ReleaseJob) -> Pass:
    """Observe, plan, act once. Errors of the doors are raised to the runner."""
    if job.blocked:
        return _blocked(job)
    site = _site(job)
    records = live.records_of(site.kube, namespace=job.namespace, name=job.release_name)
    facts = _facts(job, records)
    step = plan(facts)
    if job.paused and step in MUTATING:
        step = Step.LOOK
    match step:
        case Step.WAIT_FOR_DEPENDENCY:
            return _waiting(
                job, Reason.WAITING_FOR_DEPENDENCY, f"Waiting for {', '.join(job.waiting_for)}."
            )
        case Step.WAIT_FOR_OTHERS:
            return _waiting(
                job, Reason.IN_PROGRESS_ELSEWHERE, "Somebody else's Helm operation is running."
            )
        case Step.UNLOCK:
            return _unlock(job, site, facts)
        case Step.DEPLOY:
            return _deploy(job, site, facts)
        case Step.REMOVE | Step.ROLL_BACK:
            return _remedy(job, site, facts, step)
        case Step.UNINSTALL:
            return _uninstall(job, site, facts)
        case Step.FORGET:
            return _forget(job, site, facts)
        case Step.FINISH:
            return _finish(job, site)
        case Step.STALL:
            return _look(job, site, facts) if facts.newest else _stalled(job)
        case Step.LOOK:
            return _look(job, site, facts) if facts.newest else _missing(job)
        case _:
            assert_never(step)


# --- observe ------------------------------------------------------------------------------


def _site(job: ReleaseJob) -> Site:
    connection = addresses.guarded(job.connection, job.rules)
    kube = Kube(connection, budget=_BUDGET, discovery=_discovery(connection))
    return Site(kube, helm_door(), connection)


@lru_cache(maxsize=512)
def _discovery(connection: Connection) -> Discovery:
    """What a server serves, read once in a while and not once per pass; a miss asks it again."""
    return Discovery(max_age_seconds=_DISCOVERY_SECONDS)


def _facts(job: ReleaseJob, records: tuple[RecordMeta, ...]) -> Facts:
    return Facts(
        desired_digest=job.desired_digest,
        known_revision=job.known_revision,
        spec_changed=job.spec_changed,
        deleting=job.deleting,
        keep_resources=job.keep_resources,
        on_failure=job.on_failure,
        drift_policy=job.drift_policy,
        attempt=job.attempt,
        waiting_for=job.waiting_for,
        records=records,
        foreign_pending_old=_older_than_timeout(job, records),
    )


def _older_than_timeout(job: ReleaseJob, records: tuple[RecordMeta, ...]) -> bool:
    """Somebody else's operation that outlived the release's own time-out is taken for dead."""
    newest = max(records, key=lambda record: record.revision, default=None)
    began = (newest.modified_at or newest.created_at) if newest else None
    return began is not None and timezone.now() - began > timedelta(seconds=job.timeout_seconds)


# --- steps --------------------------------------------------------------------------------


def _unlock(job: ReleaseJob, site: Site, facts: Facts) -> Pass:
    """A pending record nobody works on any more: the lease is ours, so its writer is dead."""
    assert facts.newest is not None  # noqa: S101 - the state says so
    ref, uid, version = unlock_ref(facts.newest)
    try:
        site.kube.delete(ref, uid=uid, resource_version=version)
    except (NotFound, Conflict):
        return _waiting(
            job, Reason.IN_PROGRESS_ELSEWHERE, "The Helm record changed while it was unlocked."
        )
    text = f"Unlocked: revision {facts.newest.revision} was left {facts.newest.status} by a killed worker."
    return _not_ready(job, Reason.UNLOCKED, text, again=0.0)


def _deploy(job: ReleaseJob, site: Site, facts: Facts) -> Pass:
    """Namespace, context objects, then `helm upgrade --install` with the digest as a label."""
    assert job.desired is not None and job.chart_path is not None  # noqa: S101 - not deleting
    if problem := _prepare(job, site):
        return problem
    verb = "upgrade" if facts.good_revision else "install"
    spec = ReleaseSpec(
        name=job.release_name,
        namespace=job.namespace,
        chart_path=job.chart_path,
        values=job.desired.values,
        labels={DIGEST_LABEL: job.desired_digest, ATTEMPT_LABEL: f"{job.claim.token}"},
        description=f"KubeCarrier revision {job.revision_number}",
        timeout_seconds=float(job.timeout_seconds),
        max_history=job.max_history,
        force_conflicts=True,
        secrets=job.secrets,
    )
    try:
        result = site.helm.install_or_upgrade(site.connection, spec)
    except HelmFailed as error:
        if error.reason is HelmReason.DENIED:
            raise
        return _failed(job, verb, error)
    if job.revision_number > 1:
        _prune_context(job, site, keep=frozenset(_context_refs(job)))
    objects = live.objects_of(site.kube, result.manifest, job.namespace)
    entries = [
        live.Seen(ref, None).entry() | {"health": "Progressing", "reason": "Applied", "message": ""}
        for ref in objects
    ]
    columns = {
        "deployed_digest": job.desired_digest,
        "helm_revision": result.revision,
        "helm_status": result.status[:40],
        "actual_version": result.chart_version[:100],
        "objects_seen": entries,
        "drift": [],
        "last_operation": _operation(job, verb, succeeded=True, baseline=0),
    }
    released = Condition(
        RELEASED, Status.TRUE, Reason.DEPLOYED, f"Helm revision {result.revision} is deployed."
    )
    healthy = Condition(
        HEALTHY, Status.UNKNOWN, Reason.NOT_OBSERVED, "The objects were just applied."
    )
    return _pass(job, [released, healthy], columns, again=_SOON_SECONDS)


def _prepare(job: ReleaseJob, site: Site) -> Pass | None:
    """Namespace, references, and the config maps and secrets beside the release."""
    if problem := _ensure_namespace(job, site):
        return problem
    assert job.desired is not None  # noqa: S101 - not deleting
    for kind, name in job.desired.references:
        try:
            site.kube.get(ObjectRef("v1", kind, job.namespace, name), metadata_only=True)
        except NotFound:
            text = f"{kind} “{name}” is referenced and does not exist in {job.namespace}."
            return _waiting(job, Reason.REFERENCE_MISSING, text, again=15.0)
    for obj in job.desired.objects:
        if not _ours_or_absent(job, site, obj):
            text = f"{obj['kind']} “{obj['metadata']['name']}” in {job.namespace} belongs to somebody else."
            return _stalled(job, Reason.OBJECT_OWNED_BY_OTHERS, text)
        site.kube.apply(obj, field_manager=FIELD_MANAGER, force=True)
    return None


def _ensure_namespace(job: ReleaseJob, site: Site) -> Pass | None:
    ref = ObjectRef("v1", "Namespace", "", job.namespace)
    try:
        found = site.kube.get(ref, metadata_only=True)
    except NotFound:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": job.namespace}}
        try:
            site.kube.create(body, field_manager=FIELD_MANAGER)
        except AlreadyExists:
            return None
        return None
    if found["metadata"].get("deletionTimestamp"):
        text = f"The namespace {job.namespace} is being deleted in the cluster."
        return _waiting(job, Reason.NAMESPACE_TERMINATING, text, again=5.0)
    return None


def _ours_or_absent(job: ReleaseJob, site: Site, obj: Json) -> bool:
    metadata = obj["metadata"]
    ref = ObjectRef("v1", obj["kind"], metadata["namespace"], metadata["name"])
    try:
        found = site.kube.get(ref, metadata_only=True)
    except NotFound:
        return True
    return _owner_of(found) == job.owner


def _owner_of(found: Json) -> str:
    annotations = found["metadata"].get("annotations") or {}
    return str(annotations.get(OWNER_ANNOTATION, ""))


def _failed(job: ReleaseJob, verb: str, error: HelmError) -> Pass:
    """Helm refused or the chart's hook failed: remembered, remedied by the next pass."""
    reason = Reason.UPGRADE_FAILED if verb == "upgrade" else Reason.INSTALL_FAILED
    columns = {
        "last_operation": _operation(
            job, verb, succeeded=False, remedied=False, error=error.message, code=error.code
        )
    }
    released = Condition(RELEASED, Status.FALSE, reason, error.message)
    return _pass(job, [released], columns, again=0.0)


def _remedy(job: ReleaseJob, site: Site, facts: Facts, step: Step) -> Pass:
    """After a failure: remove what it made, or go back to the last good revision."""
    if step is Step.REMOVE:
        _uninstall_quietly(job, site)
        _prune_context(job, site, keep=frozenset())
        reason, text = Reason.REMOVED_AFTER_FAILURE, "What the failed deployment made was removed."
    else:
        assert facts.good_revision is not None  # noqa: S101 - the plan says so
        site.helm.rollback(
            site.connection,
            name=job.release_name,
            namespace=job.namespace,
            revision=facts.good_revision,
            timeout_seconds=float(job.timeout_seconds),
            max_history=job.max_history,
            secrets=job.secrets,
            force_conflicts=True,
        )
        reason = Reason.ROLLED_BACK_AFTER_FAILURE
        text = f"Rolled back to Helm revision {facts.good_revision} after the failure."
    last = {**job.row.last_operation, "remedied": True, "remedy": text}
    released = Condition(RELEASED, Status.FALSE, reason, f"{text} {last.get('error', '')}"[:2000])
    return _pass(job, [released], {"last_operation": last, "objects_seen": []}, again=0.0)


def _uninstall_quietly(job: ReleaseJob, site: Site) -> None:
    try:
        site.helm.uninstall(
            site.connection,
            name=job.release_name,
            namespace=job.namespace,
            timeout_seconds=float(job.timeout_seconds),
        )
    except HelmError as error:
        if error.reason is not HelmReason.NOT_FOUND:
            raise


def _uninstall(job: ReleaseJob, site: Site, facts: Facts) -> Pass:
    """`helm uninstall`; that everything is gone is seen by the passes after it."""
    assert facts.newest is not None  # noqa: S101 - the state says so
    entries = list(job.objects_seen) or _entries(site, facts.newest)
    _uninstall_quietly(job, site)
    return _not_ready(
        job,
        Reason.UNINSTALLING,
        "Uninstalled; waiting until every object is gone.",
        again=_SOON_SECONDS,
        columns={"objects_seen": entries},
    )


def _entries(site: Site, record: RecordMeta) -> list[Json]:
    return [live.Seen(ref, None).entry() for ref in live.manifest_objects(site.kube, record)]


def _forget(job: ReleaseJob, site: Site, facts: Facts) -> Pass:
    """Every object stays and says so; Helm's records go, so that nothing owns it any more."""
    assert facts.newest is not None  # noqa: S101 - the state says so
    refs = list(live.manifest_objects(site.kube, facts.newest)) + _context_refs(job)
    kept = {KEPT_ANNOTATION: datetime.now(UTC).isoformat(timespec="seconds"), OWNER_ANNOTATION: ""}
    live.annotate_kept(site.kube, refs, kept)
    for ref, uid in forget_refs(facts.records, namespace=job.namespace, name=job.release_name):
        try:
            site.kube.delete(ref, uid=uid)
        except NotFound:
            continue
    return _finished(job, f"Forgotten; {len(refs)} objects were kept.")


def _finish(job: ReleaseJob, site: Site) -> Pass:
    """No record is left: wait until the objects are gone, then take what stood beside them."""
    if job.keep_resources:
        return _finished(job, "Forgotten; every object was kept.")
    left = live.still_there(site.kube, [live.ref_of(entry) for entry in job.objects_seen])
    if left:
        names = ", ".join(f"{ref.kind}/{ref.name}" for ref in left[:3])
        text = f"Waiting until {len(left)} objects are gone: {names}."
        return _not_ready(job, Reason.UNINSTALLING, text, again=_SOON_SECONDS)
    _prune_context(job, site, keep=frozenset())
    return _finished(job, "Uninstalled; every object is gone.")


def _context_refs(job: ReleaseJob) -> list[ObjectRef]:
    spec = job.row.revision.spec
    made = [("ConfigMap", item) for item in spec["config_maps"]]
    made += [("Secret", item) for item in spec["secrets"]]
    return [
        ObjectRef("v1", kind, job.namespace, item["name"])
        for kind, item in made
        if not item.get("existing")
    ]


def _prune_context(job: ReleaseJob, site: Site, *, keep: frozenset[ObjectRef]) -> None:
    """Delete our config maps and secrets that are wanted no more: by owner mark, checked live."""
    for kind in ("ConfigMap", "Secret"):
        found = site.kube.list(
            site.kube.resource_for("v1", kind),
            namespace=job.namespace,
            label_selector=f"{MANAGED_BY_LABEL}=kubecarrier",
            metadata_only=True,
        )
        for obj in found:
            ref = ObjectRef("v1", kind, job.namespace, obj["metadata"]["name"])
            if _owner_of(obj) == job.owner and ref not in keep:
                _delete_quietly(site, ref, obj["metadata"]["uid"])


def _delete_quietly(site: Site, ref: ObjectRef, uid: str) -> None:
    """Only the very object that was looked at; gone is as good."""
    try:
        site.kube.delete(ref, uid=uid)
    except NotFound:
        return


# --- look ---------------------------------------------------------------------------------


def _look(job: ReleaseJob, site: Site, facts: Facts) -> Pass:
    """Health and drift of the live objects; nothing is changed unless drift is to be corrected."""
    newest = facts.newest
    assert newest is not None  # noqa: S101 - the state says so
    manifest: dict[ObjectRef, Json] | None = None
    known = bool(job.objects_seen) and newest.revision == job.known_revision
    if not known:
        manifest = live.manifest_objects(site.kube, newest)
    refs = [live.ref_of(entry) for entry in job.objects_seen] if known else list(manifest or {})
    seen = live.look(site.kube, refs)
    drifts: list[live.Drift] = []
    corrected: list[str] = []
    if known and job.baseline_revision == newest.revision:
        drifts, corrected = _drift(job, site, newest, seen)
    if corrected:
        seen = live.look(site.kube, refs)
    return _looked(job, facts, newest, seen, drifts, corrected)


def _drift(
    job: ReleaseJob, site: Site, newest: RecordMeta, seen: list[live.Seen]
) -> tuple[list[live.Drift], list[str]]:
    """What differs, and what was put right; the manifest is decoded for suspects only."""
    doubtful = live.suspects(job.objects_seen, seen)
    if not doubtful or job.drift_policy is DriftPolicy.IGNORE:
        return [], []
    manifest = live.manifest_objects(site.kube, newest)
    wanted = {ref: live.as_applied(obj, newest) for ref, obj in manifest.items()}
    found = [
        drift
        for one in doubtful
        if one.ref in wanted and (drift := live.drift_of(site.kube, one, wanted[one.ref]))
    ]
    if job.drift_policy is not DriftPolicy.CORRECT or not found or job.paused or _flapping(job):
        return found, []
    for drift in found:
        live.heal(site.kube, wanted[drift.ref])
    return [], [datetime.now(UTC).isoformat()]


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
        "objects_seen": _noted(job, seen, drifts),
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
    again = _verify_seconds() if quiet else _PROGRESS_SECONDS
    return _pass(job, conditions, columns, again=_SOON_SECONDS if corrected else again)


def _verify_seconds() -> float:
    """The verification interval, spread so that releases deployed together do not stay together."""
    return float(settings.KUBECARRIER_VERIFY_SECONDS) * random.uniform(0.8, 1.0)  # noqa: S311


def _noted(job: ReleaseJob, seen: list[live.Seen], drifts: list[live.Drift]) -> list[Json]:
    """Entries of what was seen; a drifted object keeps its old mark, so that it stays a suspect."""
    drifted = {drift.ref for drift in drifts}
    before = {live.ref_of(entry): entry for entry in job.objects_seen}
    entries = []
    for one in seen:
        entry = one.entry()
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
    named = "; ".join(f"{d.ref.kind}/{d.ref.name}: {', '.join(d.fields[:3])}" for d in drifts[:3])
    if _flapping(job):
        managers = sorted({name for d in drifts for name in d.managers})
        text = f"Corrected {_MAX_CORRECTIONS} times in 10 minutes, then left: {named} (by {', '.join(managers)})"
        return Condition(DRIFTED, Status.TRUE, Reason.FLAPPING, text)
    return Condition(DRIFTED, Status.TRUE, Reason.OBJECTS_CHANGED, named)


def _stalled_condition(job: ReleaseJob, facts: Facts) -> Condition:
    if state_of(facts) in {State.FAILED, State.FAILED_UNREMEDIED}:
        text = str(job.row.last_operation.get("error", "The last deployment failed."))
        return Condition(STALLED, Status.TRUE, Reason.NEEDS_A_CHANGE, text)
    return Condition(STALLED, Status.FALSE, Reason.NOT_STALLED, "")


# --- passes -------------------------------------------------------------------------------


def _pass(job: ReleaseJob, seen: list[Condition], columns: Json, *, again: float | None) -> Pass:
    ready = summarize(seen, needed=(RELEASED, HEALTHY), harmful=(STALLED,))
    return Pass([*seen, ready], columns, again_seconds=again)


def _operation(job: ReleaseJob, verb: str, *, succeeded: bool, **more: Any) -> Json:
    return {
        "verb": verb,
        "digest": job.desired_digest,
        "revision": job.revision_number,
        "succeeded": succeeded,
        "remedied": more.pop("remedied", True),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }


def _blocked(job: ReleaseJob) -> Pass:
    """The cluster cannot be seen: the last state stays, and says that it is old."""
    since = f" Last seen {job.seen_at:%Y-%m-%d %H:%M} UTC." if job.seen_at else ""
    text = f"{job.blocked}{since}"
    seen = [
        Condition(HEALTHY, Status.UNKNOWN, Reason.CLUSTER_NOT_READY, text),
        Condition("Ready", Status.UNKNOWN, Reason.CLUSTER_NOT_READY, text),
    ]
    return Pass(seen, {"alarm_seen": job.alarm}, again_seconds=_BLOCKED_SECONDS, failed=True)


def _waiting(job: ReleaseJob, reason: Reason, text: str, *, again: float = _WAIT_SECONDS) -> Pass:
    return _not_ready(job, reason, text, again=again)


def _not_ready(
    job: ReleaseJob, reason: Reason, text: str, *, again: float, columns: Json | None = None
) -> Pass:
    """Not there yet, and no failure: `observed_generation` stays behind."""
    seen = [
        Condition(RELEASED, Status.FALSE, reason, text),
        Condition("Ready", Status.FALSE, reason, text),
        Condition(STALLED, Status.FALSE, Reason.NOT_STALLED, ""),
    ]
    return Pass(seen, columns or {}, again_seconds=again, failed=True)


def _stalled(job: ReleaseJob, reason: Reason = Reason.NEEDS_A_CHANGE, text: str = "") -> Pass:
    """Only a person can help: a change of the application, or a redeploy."""
    said = text or str(job.row.last_operation.get("error", "The last deployment failed."))
    seen = [
        Condition(RELEASED, Status.FALSE, Reason.NOT_DEPLOYED, said),
        Condition(HEALTHY, Status.UNKNOWN, Reason.NOT_DEPLOYED, "Nothing is deployed."),
        Condition(STALLED, Status.TRUE, reason, said),
    ]
    columns = {"alarm_seen": job.alarm, "objects_seen": [], "verified_at": timezone.now()}
    return _pass(job, seen, columns, again=_verify_seconds())


def _missing(job: ReleaseJob) -> Pass:
    """No record in the cluster, and nothing to be done about it: paused, or removed by hand."""
    if job.paused:
        return _not_ready(job, Reason.PAUSED, job.paused, again=_verify_seconds())
    text = "The release was removed by hand with helm."
    seen = [
        Condition(RELEASED, Status.FALSE, Reason.REMOVED_BY_HELM, text),
        Condition(HEALTHY, Status.UNKNOWN, Reason.NOT_DEPLOYED, "Nothing is deployed."),
        Condition(DRIFTED, Status.TRUE, Reason.REMOVED_BY_HELM, text),
        Condition(STALLED, Status.FALSE, Reason.NOT_STALLED, ""),
    ]
    columns = {"alarm_seen": job.alarm, "objects_seen": [], "record_fingerprint": ""}
    return _pass(job, seen, columns, again=_verify_seconds())


def _finished(job: ReleaseJob, text: str) -> Pass:
    return Pass([Condition("Ready", Status.TRUE, Reason.UNINSTALLING, text)], {"finished": True})
