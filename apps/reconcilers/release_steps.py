"""One pass over a release: observe, plan, and the one step that changes something.

Runs in a thread: it touches clusters through the doors and never the ORM.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from django.utils import timezone

from apps import release_objects as live
from apps.conditions import HEALTHY, RELEASED, Reason
from apps.desired import ATTEMPT_LABEL, DIGEST_LABEL, KEPT_ANNOTATION, OWNER_ANNOTATION
from apps.doors import Doors, doors_to
from apps.helm import HelmFailed, HelmReason, ReleaseSpec
from apps.helm.errors import HelmError
from apps.helm_records import RecordMeta, forget_refs, unlock_ref
from apps.projects import crds_allowed, look_at_chart, out_of_bounds
from apps.reconcilers import release_context as context
from apps.reconcilers import release_passes as passes
from apps.reconcilers.release_job import ReleaseJob, acting
from apps.reconcilers.release_look import look, own_entries
from apps.reconcilers.release_plan import AFTER_DEPLOYMENT, MUTATING, Facts, Step, plan
from fleet.errors import ProjectDeniedError
from fleet.grants import standing
from fleet.kube import Budget
from fleet.kube_errors import Conflict, NotFound
from kubecarrier.lib.conditions import Condition, Status
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.reconcile import Pass

Json = dict[str, Any]

_BUDGET = Budget(connect=3, read=10, total=10)


def one_pass(job: ReleaseJob) -> Pass:
    """Observe, plan, act once. Errors of the doors are raised to the runner."""
    if job.blocked:
        return passes.blocked(job)
    site = doors_to(job.connection, job.rules, budget=_BUDGET)
    records = live.records_of(site.kube, namespace=job.namespace, name=job.release_name)
    facts = _facts(job, records)
    step = plan(facts)
    if job.paused and step in MUTATING:
        step = Step.LOOK
    if step in MUTATING:
        job.claim.require()
        site.kube.verify()  # Helm asks nobody whose cluster it is
        if job.account and step in AFTER_DEPLOYMENT and (going := context.going(job, site.kube)):
            return going
    match step:
        case Step.WAIT_FOR_DEPENDENCY:
            return passes.waiting(
                job, Reason.WAITING_FOR_DEPENDENCY, f"Waiting for {', '.join(job.waiting_for)}."
            )
        case Step.WAIT_FOR_OTHERS:
            return passes.waiting(
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
            return look(job, site, facts) if facts.newest else passes.stalled(job)
        case Step.LOOK:
            return look(job, site, facts) if facts.newest else passes.missing(job)
        case _:
            assert_never(step)


# --- observe ------------------------------------------------------------------------------


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


def _unlock(job: ReleaseJob, site: Doors, facts: Facts) -> Pass:
    """A pending record nobody works on any more: the lease is ours, so its writer is dead."""
    assert facts.newest is not None  # noqa: S101 - the state says so
    ref, uid, version = unlock_ref(facts.newest)
    try:
        site.kube.delete(ref, uid=uid, resource_version=version)
    except (NotFound, Conflict):
        return passes.waiting(
            job, Reason.IN_PROGRESS_ELSEWHERE, "The Helm record changed while it was unlocked."
        )
    text = f"Unlocked: revision {facts.newest.revision} was left {facts.newest.status} by a killed worker."
    return passes.not_ready(job, Reason.UNLOCKED, text, again=0.0)


def _deploy(job: ReleaseJob, site: Doors, facts: Facts) -> Pass:
    """Namespace, context objects, then `helm upgrade --install` with the digest as a label."""
    assert job.desired is not None and job.chart_path is not None  # noqa: S101 - not deleting
    if problem := context.prepare(job, site.kube):
        return problem
    doors = acting(job, site)
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
        skip_crds=not crds_allowed(job.account.rules if job.account else None),
        secrets=job.secrets,
    )
    try:
        if job.account is not None:
            look_at_chart(job.account, site, spec)
        result = doors.helm.install_or_upgrade(site.connection, spec)
    except ProjectDeniedError as error:
        return _denied(job, verb, error)
    except HelmFailed as error:
        if denied := out_of_bounds(job.account, error):
            return _failed(job, verb, denied)
        if error.reason is HelmReason.DENIED:
            raise
        return _failed(job, verb, error)
    if job.revision_number > 1:
        context.prune(job, site.kube, keep=frozenset(context.refs(job)))
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
        "last_operation": passes.operation(job, verb, succeeded=True, baseline=0),
    }
    released = Condition(
        RELEASED, Status.TRUE, Reason.DEPLOYED, f"Helm revision {result.revision} is deployed."
    )
    healthy = Condition(
        HEALTHY, Status.UNKNOWN, Reason.NOT_OBSERVED, "The objects were just applied."
    )
    return passes.of(job, [released, healthy], columns, again=passes.SOON_SECONDS)


def _failed(job: ReleaseJob, verb: str, error: KubeCarrierError) -> Pass:
    """Helm refused or the chart's hook failed: remembered, remedied by the next pass."""
    reason = Reason.UPGRADE_FAILED if verb == "upgrade" else Reason.INSTALL_FAILED
    if isinstance(error, ProjectDeniedError):
        reason = Reason.PROJECT_DENIED
    columns = {
        "last_operation": passes.operation(
            job, verb, succeeded=False, remedied=False, error=error.message, code=error.code
        )
    }
    released = Condition(RELEASED, Status.FALSE, reason, error.message)
    return passes.of(job, [released], columns, again=0.0)


def _denied(job: ReleaseJob, verb: str, error: ProjectDeniedError) -> Pass:
    """The project does not allow what the chart brings: nothing was changed, nothing is to be remedied."""
    columns = {
        "last_operation": passes.operation(
            job, verb, succeeded=False, error=error.message, code=error.code
        )
    }
    released = Condition(RELEASED, Status.FALSE, Reason.PROJECT_DENIED, error.message)
    return passes.of(job, [released], columns, again=0.0)


def _remedy(job: ReleaseJob, site: Doors, facts: Facts, step: Step) -> Pass:
    """After a failure: remove what it made, or go back to the last good revision."""
    if step is Step.REMOVE:
        _uninstall_quietly(job, acting(job, site))
        context.prune(job, site.kube, keep=frozenset())
        reason, text = Reason.REMOVED_AFTER_FAILURE, "What the failed deployment made was removed."
    else:
        assert facts.good_revision is not None  # noqa: S101 - the plan says so
        acting(job, site).helm.rollback(
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
    return passes.of(job, [released], {"last_operation": last, "objects_seen": []}, again=0.0)


def _uninstall_quietly(job: ReleaseJob, doors: Doors) -> None:
    try:
        doors.helm.uninstall(
            doors.connection,
            name=job.release_name,
            namespace=job.namespace,
            timeout_seconds=float(job.timeout_seconds),
        )
    except HelmError as error:
        if error.reason is not HelmReason.NOT_FOUND:
            raise


def _uninstall(job: ReleaseJob, site: Doors, facts: Facts) -> Pass:
    """`helm uninstall`; that everything is gone is seen by the passes after it."""
    assert facts.newest is not None  # noqa: S101 - the state says so
    entries = own_entries(job) or _entries(site, facts.newest)
    _uninstall_quietly(job, acting(job, site))
    return passes.not_ready(
        job,
        Reason.UNINSTALLING,
        "Uninstalled; waiting until every object is gone.",
        again=passes.SOON_SECONDS,
        columns={"objects_seen": entries},
    )


def _entries(site: Doors, record: RecordMeta) -> list[Json]:
    return [live.Seen(ref, None).entry() for ref in live.manifest_objects(site.kube, record)]


def _forget(job: ReleaseJob, site: Doors, facts: Facts) -> Pass:
    """Every object stays and says so; Helm's records go, so that nothing owns it any more."""
    assert facts.newest is not None  # noqa: S101 - the state says so
    refs = list(live.manifest_objects(site.kube, facts.newest)) + context.refs(job)
    kept = {KEPT_ANNOTATION: datetime.now(UTC).isoformat(timespec="seconds"), OWNER_ANNOTATION: ""}
    live.annotate_kept(acting(job, site).kube, refs, kept)
    for ref, uid in forget_refs(facts.records, namespace=job.namespace, name=job.release_name):
        try:
            site.kube.delete(ref, uid=uid)
        except NotFound:
            continue
    _forget_account(job, site)
    return passes.finished(job, f"Forgotten; {len(refs)} objects were kept.")


def _finish(job: ReleaseJob, site: Doors) -> Pass:
    """No record is left: wait until the objects are gone, then take what stood beside them."""
    if job.keep_resources:
        _forget_account(job, site)
        return passes.finished(job, "Forgotten; every object was kept.")
    own = [live.ref_of(entry) for entry in own_entries(job)]
    left = live.still_there(site.kube, own, owner=f"{job.namespace}/{job.release_name}")
    if left:
        names = ", ".join(f"{ref.kind}/{ref.name}" for ref in left[:3])
        text = f"Waiting until {len(left)} objects are gone: {names}."
        return passes.not_ready(job, Reason.UNINSTALLING, text, again=passes.SOON_SECONDS)
    context.prune(job, site.kube, keep=frozenset())
    _forget_account(job, site)
    return passes.finished(job, "Uninstalled; every object is gone.")


def _forget_account(job: ReleaseJob, site: Doors) -> None:
    if job.account and job.last:
        standing.remove(site.kube, project=job.account.project, mark=job.account.mark)
