"""The passes that a release's steps end with: conditions, columns, and when to look again."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.conditions import DRIFTED, HEALTHY, RELEASED, STALLED, Reason
from apps.reconcilers.release_job import ReleaseJob
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.reconcile import Pass

Json = dict[str, Any]

SOON_SECONDS = 0.3
_WAIT_SECONDS = 2.0
_BLOCKED_SECONDS = 300.0


def of(job: ReleaseJob, seen: list[Condition], columns: Json, *, again: float | None) -> Pass:
    """A pass that saw this; `Ready` is summed up here and nowhere else."""
    ready = summarize(seen, needed=(RELEASED, HEALTHY), harmful=(STALLED,))
    return Pass([*seen, ready], columns, again_seconds=again)


def operation(job: ReleaseJob, verb: str, *, succeeded: bool, **more: Any) -> Json:
    return {
        "verb": verb,
        "digest": job.desired_digest,
        "revision": job.revision_number,
        "succeeded": succeeded,
        "remedied": more.pop("remedied", True),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }


def blocked(job: ReleaseJob) -> Pass:
    """The cluster cannot be seen: the last state stays, and says that it is old."""
    since = f" Last seen {job.seen_at:%Y-%m-%d %H:%M} UTC." if job.seen_at else ""
    text = f"{job.blocked}{since}"
    seen = [
        Condition(HEALTHY, Status.UNKNOWN, Reason.CLUSTER_NOT_READY, text),
        Condition("Ready", Status.UNKNOWN, Reason.CLUSTER_NOT_READY, text),
    ]
    return Pass(seen, {"alarm_seen": job.alarm}, again_seconds=_BLOCKED_SECONDS, failed=True)


def waiting(job: ReleaseJob, reason: Reason, text: str, *, again: float = _WAIT_SECONDS) -> Pass:
    return not_ready(job, reason, text, again=again)


def not_ready(
    job: ReleaseJob, reason: Reason, text: str, *, again: float, columns: Json | None = None
) -> Pass:
    """Not there yet, and no failure: `observed_generation` stays behind."""
    seen = [
        Condition(RELEASED, Status.FALSE, reason, text),
        Condition("Ready", Status.FALSE, reason, text),
        Condition(STALLED, Status.FALSE, Reason.NOT_STALLED, ""),
    ]
    return Pass(seen, columns or {}, again_seconds=again, failed=True)


def stall_reason(job: ReleaseJob) -> Reason:
    """Why only a person can help after the last operation."""
    denied = str(job.row.last_operation.get("code", "")).startswith("project_")
    return Reason.PROJECT_DENIED if denied else Reason.NEEDS_A_CHANGE


def stalled(job: ReleaseJob, reason: Reason | None = None, text: str = "") -> Pass:
    """Only a person can help: a change of the application, or a redeploy."""
    said = text or str(job.row.last_operation.get("error", "The last deployment failed."))
    seen = [
        Condition(RELEASED, Status.FALSE, Reason.NOT_DEPLOYED, said),
        Condition(HEALTHY, Status.UNKNOWN, Reason.NOT_DEPLOYED, "Nothing is deployed."),
        Condition(STALLED, Status.TRUE, reason or stall_reason(job), said),
    ]
    columns = {"alarm_seen": job.alarm, "objects_seen": [], "verified_at": timezone.now()}
    return of(job, seen, columns, again=verify_seconds())


def missing(job: ReleaseJob) -> Pass:
    """No record in the cluster, and nothing to be done about it: paused, or removed by hand."""
    if job.paused:
        return not_ready(job, Reason.PAUSED, job.paused, again=verify_seconds())
    text = "The release was removed by hand with helm."
    seen = [
        Condition(RELEASED, Status.FALSE, Reason.REMOVED_BY_HELM, text),
        Condition(HEALTHY, Status.UNKNOWN, Reason.NOT_DEPLOYED, "Nothing is deployed."),
        Condition(DRIFTED, Status.TRUE, Reason.REMOVED_BY_HELM, text),
        Condition(STALLED, Status.FALSE, Reason.NOT_STALLED, ""),
    ]
    columns = {"alarm_seen": job.alarm, "objects_seen": [], "record_fingerprint": ""}
    return of(job, seen, columns, again=verify_seconds())


def finished(job: ReleaseJob, text: str) -> Pass:
    return Pass([Condition("Ready", Status.TRUE, Reason.UNINSTALLING, text)], {"finished": True})


def verify_seconds() -> float:
    """The verification interval, spread so that releases deployed together do not stay together."""
    return float(settings.KUBECARRIER_VERIFY_SECONDS) * random.uniform(0.8, 1.0)  # noqa: S311
