"""One pass over a config copy: look where it must be looked, and the one step that changes something.

Runs in a thread: it touches clusters through the door and never the ORM. A
copy whose object is known and unsuspected is written at once: the apply names
the uid and resourceVersion that were seen last, so the API server itself
refuses it when anything else stands there.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from fleet.conditions import ConfigReason
from fleet.configs.object import (
    FIELD_MANAGER,
    author_of,
    is_marked,
    is_own_write,
    owner_of,
    unmarked,
    values_of,
    without,
)
from fleet.kube import Kube, ObjectRef
from fleet.kube_errors import (
    AlreadyExists,
    AnotherCluster,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unreachable,
)
from fleet.reconcilers import configcopy_passes as passes
from fleet.reconcilers.configcopy_job import CopyJob
from fleet.reconcilers.configcopy_plan import MUTATING, Facts, Step, plan
from kubecarrier.lib.lease import LeaseLost
from kubecarrier.lib.reconcile import Pass

Json = dict[str, Any]

_MAX_CORRECTIONS = 5
_CORRECTION_WINDOW = timedelta(minutes=10)
_FLAPPING_SECONDS = 120.0
_TERMINATING = "being terminated"
_SOON_SECONDS = 1.0


def one_pass(job: CopyJob, kube: Kube) -> Pass:
    """Observe, plan, act once. Errors of the door are raised to the runner."""
    if job.blocked:
        return passes.blocked(job)
    try:
        if job.deleting:
            return _remove(job, kube)
        return _at_once(job, kube) or _by_plan(job, kube)
    except (Invalid, Forbidden) as error:
        if _TERMINATING in error.message:
            text = f"The namespace {job.wanted.namespace} is being deleted in the cluster."
            return passes.waiting(ConfigReason.NAMESPACE_TERMINATING, text, again=5.0)
        return passes.refused(job, error.message)


def _at_once(job: CopyJob, kube: Kube) -> Pass | None:
    """The one write of an ordinary change; None where it has to be looked first."""
    known = job.uid and not job.suspect
    if not known or not job.changed or job.paused or job.contested or job.ignored:
        return None
    try:
        obj = _applied(job, kube, job.wanted.values, uid=job.uid, version=job.version)
    except (Conflict, NotFound, Invalid):
        return None
    return _done(job, kube, obj, "The API server has taken it.")


def _by_plan(job: CopyJob, kube: Kube) -> Pass:
    ref = _ref(job)
    try:
        live: Json | None = kube.get(ref)
    except NotFound:
        live = None
    values = _values(job, live)
    step = plan(_facts(job, live, values))
    if job.paused and step in {*MUTATING, Step.TAKE_OVER, Step.ASK}:
        return _paused(job, live, step)
    match step:
        case Step.CREATE:
            return _create(job, kube, values)
        case Step.APPLY:
            return _apply(job, kube, live or {}, values, reason=_why(job, live))
        case Step.CORRECT:
            return _correct(job, kube, live or {}, values)
        case Step.REPLACE:
            return _replace(job, kube, live or {})
        case Step.TAKE_OVER | Step.ASK:
            return _found(job, live or {}, step)
        case Step.APPLY_REST:
            return _apply_rest(job, kube, live or {}, values)
        case Step.HOLD:
            return passes.held(job, live or {}, written=False)
        case Step.LEAVE:
            return passes.foreign(job, live or {})
        case Step.WAIT:
            text = "The object is being deleted in the cluster."
            return passes.waiting(ConfigReason.OBJECT_TERMINATING, text, again=_SOON_SECONDS)
        case Step.NOTHING:
            return _done(job, kube, live or {}, "It is as wanted.")
        case _:
            assert_never(step)


def _facts(job: CopyJob, live: Json | None, values: dict[str, bytes]) -> Facts:
    if live is None:
        return Facts(present=False)
    metadata, wanted = live["metadata"], job.wanted
    frozen, same_type = bool(live.get("immutable")), live.get("type", "") == wanted.type
    alike = frozen == wanted.immutable and same_type
    own_write = is_own_write(live, job.key)
    version, there = metadata["resourceVersion"], values_of(live)
    return Facts(
        present=True,
        terminating=bool(metadata.get("deletionTimestamp")),
        owned=owner_of(live) == wanted.owner,
        equal=alike and there == values,
        marked=own_write and is_marked(live),
        own_write=own_write,
        frozen=frozen or not same_type,
        decided=version == job.decided_version,
        held=bool(job.contested) and (own_write or version == job.asked_version),
        rest_equal=alike and there == _kept(job, there, values),
        adopt=job.adopt,
        propagation=job.propagation,
    )


def _values(job: CopyJob, live: Json | None) -> dict[str, bytes]:
    """What to write: of ignored keys, what stands there."""
    values = dict(job.wanted.values)
    if live is not None and job.ignored:
        there = values_of(live)
        for key in job.ignored:
            values.pop(key, None)
            if key in there:
                values[key] = there[key]
    return values


def _kept(job: CopyJob, there: dict[str, bytes], values: dict[str, bytes]) -> dict[str, bytes]:
    """What is wanted, with the keys that wait for a decision as they stand there."""
    others = {key: value for key, value in values.items() if key not in job.contested}
    return others | {key: value for key, value in there.items() if key in job.contested}


def _create(job: CopyJob, kube: Kube, values: dict[str, bytes]) -> Pass:
    try:
        obj = _applied(job, kube, values)
    except NotFound:  # of an object that is made, only its namespace can be missing
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": job.wanted.namespace},
        }
        with suppress(AlreadyExists):
            kube.create(namespace, field_manager=FIELD_MANAGER)
        obj = _applied(job, kube, values)
    return _done(job, kube, obj, "It was made.", reason=ConfigReason.CREATED)


def _apply(
    job: CopyJob, kube: Kube, live: Json, values: dict[str, bytes], *, reason: ConfigReason
) -> Pass:
    try:
        obj = _applied(job, kube, values, **_precondition(live))
    except Conflict:  # something moved since the look: look again
        return passes.waiting(ConfigReason.NOT_APPLIED, "It changes just now.", again=0.1)
    return _done(job, kube, obj, "The API server has taken it.", reason=reason)


def _apply_rest(job: CopyJob, kube: Kube, live: Json, values: dict[str, bytes]) -> Pass:
    """All keys but those that wait: they are not sent, so whoever changed them keeps them.

    The digest that is written covers them, so that what stands there then is
    known to be ours and theirs, and the next change of somebody is seen as one.
    """
    kept = _kept(job, values_of(live), values)
    try:
        obj = _applied(job, kube, kept, untouched=job.contested, **_precondition(live))
    except Conflict:
        return passes.waiting(ConfigReason.NOT_APPLIED, "It changes just now.", again=0.1)
    _restarted(job, kube)
    return passes.held(job, obj, written=True)


def _correct(job: CopyJob, kube: Kube, live: Json, values: dict[str, bytes]) -> Pass:
    """Put back what is wanted, but do not fight for ever."""
    author = author_of(live)
    since = datetime.now(UTC) - _CORRECTION_WINDOW
    recent = [text for text in job.corrections if datetime.fromisoformat(text) > since]
    if len(recent) >= _MAX_CORRECTIONS and not job.changed:
        text = f"“{author.manager}” changes it again and again; it is not corrected for a while."
        flapping = passes.drifted(job, live, author, ConfigReason.FLAPPING, text)
        return Pass(flapping.seen, flapping.columns, again_seconds=_FLAPPING_SECONDS)
    try:
        obj = _applied(job, kube, values, **_precondition(live))
    except Conflict:
        return passes.waiting(ConfigReason.NOT_APPLIED, "It changes just now.", again=0.1)
    text = f"A change by “{author.manager}” was put back."
    columns = passes.corrected(job, author)
    return _done(job, kube, obj, text, reason=ConfigReason.CORRECTED, columns=columns)


def _replace(job: CopyJob, kube: Kube, live: Json) -> Pass:
    """What cannot be changed in place is deleted, and made by the next pass."""
    if owner_of(live) != job.wanted.owner:
        text = f"The {job.wanted.kind} that is there is immutable or of another type: delete it."
        return passes.refused(job, text)
    _deleted(job, kube, live)
    text = "The object cannot be changed in place: it is made anew."
    columns = passes.nothing_there(job)
    return passes.waiting(ConfigReason.REPLACING, text, again=0.0, columns=columns)


def _found(job: CopyJob, live: Json, step: Step) -> Pass:
    """Somebody's change: the recording thread takes it over, or puts it into the inbox."""
    author = author_of(live)
    found = passes.Found(values_of(live), author, live["metadata"]["resourceVersion"])
    if step is Step.TAKE_OVER:
        text = f"A change by “{author.manager}” is taken over everywhere."
        reason = ConfigReason.TAKEN_OVER
    else:
        text = f"A change by “{author.manager}” waits for a decision in the inbox."
        reason = ConfigReason.WAITS_FOR_DECISION
    asked = passes.drifted(job, live, author, reason, text, found=found, step=step)
    if step is Step.ASK and job.changed and not job.contested:  # now the other keys
        return Pass(asked.seen, asked.columns, again_seconds=_SOON_SECONDS)
    return asked


def _paused(job: CopyJob, live: Json | None, step: Step) -> Pass:
    if live is None or step in {Step.CREATE, Step.APPLY, Step.REPLACE}:
        again = passes.verify_seconds()
        columns = passes.known(job, live) if live else passes.nothing_there(job)
        return passes.waiting(ConfigReason.PAUSED, job.paused, again=again, columns=columns)
    author = author_of(live)
    text = f"Changed by “{author.manager}”; {job.paused}"
    return passes.drifted(job, live, author, ConfigReason.CHANGED_IN_CLUSTER, text)


def _remove(job: CopyJob, kube: Kube) -> Pass:
    """Delete our object, or let go of it; finished once it was seen to be gone."""
    if job.paused:
        return passes.waiting(ConfigReason.PAUSED, job.paused, again=passes.verify_seconds())
    ref = _ref(job)
    try:
        live = kube.get(ref, metadata_only=True)
    except NotFound:
        return passes.finished("It is not in the cluster.", ConfigReason.DELETED)
    if owner_of(live) != job.wanted.owner:
        text = "An object of that name is not ours: it was left alone."
        return passes.finished(text, ConfigReason.OBJECT_OWNED_BY_OTHERS)
    if job.keep_object:
        patch = unmarked(version=live["metadata"]["resourceVersion"])
        kube.patch(ref, patch, field_manager=FIELD_MANAGER)
        return passes.finished("The object stays, without our marks.", ConfigReason.KEPT)
    if not live["metadata"].get("deletionTimestamp"):
        _deleted(job, kube, live)
    try:
        kube.get(ref, metadata_only=True)
    except NotFound:
        return passes.finished("It was deleted.", ConfigReason.DELETED)
    text = "It is being deleted."
    return passes.waiting(ConfigReason.DELETING, text, again=_SOON_SECONDS)


# --- the door ----------------------------------------------------------------------------------


def _applied(
    job: CopyJob,
    kube: Kube,
    values: dict[str, bytes] | Any,
    *,
    uid: str = "",
    version: str = "",
    untouched: Collection[str] = (),
) -> Json:
    """One server-side apply; a second write only where somebody else holds further keys."""
    job.claim.require()
    body = job.wanted.document(values, key=job.key, uid=uid, version=version, untouched=untouched)
    obj = kube.apply(body, field_manager=FIELD_MANAGER, force=True).obj
    extra = set(values_of({"kind": job.wanted.kind, **obj})) - set(values) - set(untouched)
    if extra and not obj.get("immutable"):
        patch = without(job.wanted.kind, extra, version=obj["metadata"]["resourceVersion"])
        obj = kube.patch(_ref(job), patch, field_manager=FIELD_MANAGER)
    return obj


def _done(
    job: CopyJob,
    kube: Kube,
    obj: Json,
    text: str,
    *,
    reason: ConfigReason = ConfigReason.APPLIED,
    columns: Json | None = None,
) -> Pass:
    """As wanted; what uses it is restarted once per state, however often this is repeated."""
    if missed := _restarted(job, kube):
        text = f"{text} Not restarted, for it is not there: {', '.join(missed)}."
    return passes.in_place(job, obj, text, reason=reason, columns=columns)


def _restarted(job: CopyJob, kube: Kube) -> list[str]:
    """Restarts what uses it, after a change; says which are not there."""
    if not (job.restart and job.changed and job.row.applied_revision):
        return []
    return [f"{kind} {name}" for kind, name in job.restart if not _restart(job, kube, kind, name)]


def _restart(job: CopyJob, kube: Kube, kind: str, name: str) -> bool:
    """By an annotation of its pods that is another one for each state: again changes nothing."""
    mark = {f"config.kubecarrier.io/{job.row.item_id.hex[:12]}": job.row.desired_digest}
    body = {"spec": {"template": {"metadata": {"annotations": mark}}}}
    ref = ObjectRef("apps/v1", kind, job.wanted.namespace, name)
    try:
        kube.patch(ref, body, field_manager=FIELD_MANAGER)
    except NotFound:
        return False
    return True


def _deleted(job: CopyJob, kube: Kube, live: Json) -> None:
    """Only the very object and state that was looked at."""
    metadata = live["metadata"]
    job.claim.require()
    try:
        kube.delete(_ref(job), uid=metadata["uid"], resource_version=metadata["resourceVersion"])
    except NotFound:
        return


def _precondition(live: Json) -> dict[str, str]:
    metadata = live["metadata"]
    return {"uid": metadata["uid"], "version": metadata["resourceVersion"]}


def _why(job: CopyJob, live: Json | None) -> ConfigReason:
    adopted = live is not None and owner_of(live) != job.wanted.owner
    return ConfigReason.ADOPTED if adopted else ConfigReason.APPLIED


def _ref(job: CopyJob) -> ObjectRef:
    return ObjectRef("v1", job.wanted.kind, job.wanted.namespace, job.wanted.name)


def ends_lane(error: Exception) -> bool:
    """A cluster that does not answer, or asks to be left alone, is not asked for the next copy."""
    return isinstance(error, Unreachable | TooManyRequests | AnotherCluster | LeaseLost)
