"""The passes that a config copy's steps end with: conditions, columns, and when to look again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import Case, F, Value, When
from django.utils import timezone

from fleet.conditions import APPLIED, DRIFTED, STALLED, ConfigReason
from fleet.configs.object import Author
from fleet.reconcilers.configcopy_job import CopyJob
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.reconcile import Pass

Json = dict[str, Any]

_BLOCKED_SECONDS = 300.0
_LEFT_SECONDS = 60.0
_NO_DRIFT = Condition(DRIFTED, Status.FALSE, ConfigReason.NO_DRIFT, "As it was applied.")
_NOT_STALLED = Condition(STALLED, Status.FALSE, ConfigReason.NOT_STALLED, "")


@dataclass(frozen=True, slots=True)
class Found:
    """What somebody wrote in the cluster: for the recording thread, never for a column."""

    values: Mapping[str, bytes]
    author: Author
    version: str


def in_place(
    job: CopyJob,
    obj: Json,
    text: str,
    *,
    reason: ConfigReason = ConfigReason.APPLIED,
    columns: Json | None = None,
) -> Pass:
    """The object is as wanted. `Ready` at once: the server's answer is the observation."""
    seen = [Condition(APPLIED, Status.TRUE, reason, text), _NO_DRIFT, _NOT_STALLED]
    applied = {
        "applied_digest": job.row.desired_digest,
        "applied_revision": job.revision_number,
        **known(job, obj),
        **(columns or {}),
    }
    return of(seen, applied, again=verify_seconds())


def known(job: CopyJob, obj: Json) -> Json:
    """The object as it is known now. An event that came during the pass stands."""
    metadata, now = obj["metadata"], timezone.now()
    seen = When(watch_version=job.row.watch_version, then=Value(""))
    return {
        "uid": metadata["uid"],
        "resource_version": metadata["resourceVersion"],
        "watch_version": Case(seen, default=F("watch_version")),
        "seen_at": now,
        "verified_at": now,
    }


def nothing_there(job: CopyJob) -> Json:
    """Columns of an object that is not there."""
    seen = When(watch_version=job.row.watch_version, then=Value(""))
    return {
        "uid": "",
        "resource_version": "",
        "applied_digest": "",
        "watch_version": Case(seen, default=F("watch_version")),
        "seen_at": timezone.now(),
    }


def of(seen: list[Condition], columns: Json, *, again: float | None, failed: bool = False) -> Pass:
    """A pass that saw this; `Ready` is summed up here and nowhere else."""
    ready = summarize(seen, needed=(APPLIED,), harmful=(STALLED, DRIFTED))
    return Pass([*seen, ready], columns, again_seconds=again, failed=failed)


def blocked(job: CopyJob) -> Pass:
    """The cluster cannot be seen: the last state stays, and says that it is old."""
    since = f" Last seen {job.seen_at:%Y-%m-%d %H:%M} UTC." if job.seen_at else ""
    text = f"{job.blocked}{since}"
    reason = ConfigReason.CLUSTER_NOT_READY
    seen = [
        Condition(DRIFTED, Status.UNKNOWN, reason, text),
        Condition("Ready", Status.UNKNOWN, reason, text),
    ]
    return Pass(seen, again_seconds=_BLOCKED_SECONDS, failed=True)


def waiting(reason: ConfigReason, text: str, *, again: float, columns: Json | None = None) -> Pass:
    """Not there yet, and no failure: `observed_generation` stays behind."""
    seen = [Condition(APPLIED, Status.FALSE, reason, text), _NO_DRIFT, _NOT_STALLED]
    return of(seen, columns or {}, again=again, failed=True)


def foreign(job: CopyJob, obj: Json) -> Pass:
    """Somebody else's object of that name: left alone and reported."""
    wanted = job.wanted
    text = (
        f"{wanted.kind} “{wanted.name}” in {wanted.namespace} is there already and not ours:"
        " it is left alone. Adopt it, or choose another name."
    )
    reason = ConfigReason.OBJECT_OWNED_BY_OTHERS
    seen = [
        Condition(APPLIED, Status.FALSE, reason, text),
        Condition(DRIFTED, Status.FALSE, ConfigReason.NO_DRIFT, ""),
        Condition(STALLED, Status.TRUE, reason, text),
    ]
    return of(seen, nothing_there(job), again=_LEFT_SECONDS)


def refused(job: CopyJob, text: str) -> Pass:
    """The API server takes it for wrong, or we may not: only a person can help."""
    seen = [
        Condition(APPLIED, Status.FALSE, ConfigReason.REFUSED, text),
        Condition(STALLED, Status.TRUE, ConfigReason.REFUSED, text),
    ]
    return of(seen, {}, again=_LEFT_SECONDS)


def drifted(
    job: CopyJob, obj: Json, author: Author, reason: ConfigReason, text: str, **columns: Any
) -> Pass:
    """Another state is in the cluster, and stays there for now."""
    seen = [
        Condition(APPLIED, Status.TRUE, ConfigReason.APPLIED, "It was applied."),
        Condition(DRIFTED, Status.TRUE, reason, text),
        _NOT_STALLED,
    ]
    kept = {**known(job, obj), "changed_by": author.manager, **columns}
    return of(seen, kept, again=verify_seconds())


def held(job: CopyJob, obj: Json, *, written: bool) -> Pass:
    """Keys wait for a decision and stay as they are; the others are as wanted."""
    text = f"A change of {', '.join(sorted(job.contested)[:5])} waits for a decision in the inbox."
    seen = [
        Condition(APPLIED, Status.TRUE, ConfigReason.APPLIED, "All other keys are as wanted."),
        Condition(DRIFTED, Status.TRUE, ConfigReason.WAITS_FOR_DECISION, text),
        _NOT_STALLED,
    ]
    applied: Json = {}
    if written or job.changed:
        applied = {
            "applied_digest": job.row.desired_digest,
            "applied_revision": job.revision_number,
        }
    return of(seen, {**known(job, obj), **applied, "held": True}, again=verify_seconds())


def finished(text: str, reason: ConfigReason) -> Pass:
    """Nothing of it is left: the row goes."""
    return Pass([Condition("Ready", Status.TRUE, reason, text)], {"finished": True})


def corrected(job: CopyJob, author: Author) -> Json:
    """Columns that keep count of corrections."""
    return {
        "corrections": [*job.corrections[-19:], datetime.now(UTC).isoformat(timespec="seconds")],
        "changed_by": author.manager,
    }


def verify_seconds() -> float:
    """The verification interval, spread so that copies applied together do not stay together."""
    return float(settings.KUBECARRIER_VERIFY_SECONDS) * random.uniform(0.8, 1.0)  # noqa: S311
