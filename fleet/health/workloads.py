"""Rules for what runs: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Pod."""

from __future__ import annotations

from collections.abc import Callable

from fleet.health.types import (
    Health,
    Json,
    condition,
    degraded,
    healthy,
    is_true,
    part,
    progressing,
    suspended,
    told,
    unknown,
)

# Reasons of a waiting container that do not pass by themselves.
_BROKEN_WAITS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)


def deployment(obj: Json) -> Health:
    """Argo CD: paused, deadline exceeded, then the counts that `kubectl rollout status` compares.

    Kubernetes marks a rollout that makes no progress itself (`Progressing=False`,
    `ProgressDeadlineExceeded`); a failed replica set (quota, admission) is told
    by `ReplicaFailure`.
    """
    return _stuck_rollout(obj) or _unobserved(obj) or _rollout(obj)


def _stuck_rollout(obj: Json) -> Health | None:
    if part(obj, "spec").get("paused"):
        return suspended("Paused", "The rollout is paused.")
    advance = condition(obj, "Progressing")
    if advance.get("reason") == "ProgressDeadlineExceeded":
        return degraded("ProgressDeadlineExceeded", told(advance))
    if is_true(failure := condition(obj, "ReplicaFailure")):
        return degraded("ReplicaFailure", told(failure))
    return None


def _rollout(obj: Json) -> Health:
    status, wanted = part(obj, "status"), _wanted(part(obj, "spec"))
    total = _count(status, "replicas")
    updated = _count(status, "updatedReplicas")
    if updated < wanted:
        return progressing("Updating", f"{updated} of {wanted} replicas are updated.")
    if total > updated:
        return progressing("Terminating", f"{total - updated} old replicas are left.")
    return _available(_count(status, "availableReplicas"), wanted)


def stateful_set(obj: Json) -> Health:
    """Ready count, then the rolling update (its partition counts as wanted), then revisions."""
    spec, status = part(obj, "spec"), part(obj, "status")
    if (unobserved := _unobserved(obj)) is not None:
        return unobserved
    wanted, ready = _wanted(spec), _count(status, "readyReplicas")
    strategy = part(spec, "updateStrategy")
    if ready < wanted:
        return progressing("NotReady", f"{ready} of {wanted} replicas are ready.")
    if strategy.get("type") == "OnDelete":
        return healthy("Ready", f"{ready} of {wanted} replicas are ready.")
    partition = _count(part(strategy, "rollingUpdate"), "partition")
    updated, due = _count(status, "updatedReplicas"), max(0, wanted - partition)
    if partition and updated < due:
        return progressing("Updating", f"{updated} of {due} replicas are updated.")
    if not partition and status.get("updateRevision") != status.get("currentRevision"):
        return progressing("Updating", f"{updated} of {wanted} replicas are updated.")
    return healthy("Ready", f"{ready} of {wanted} replicas are ready.")


def daemon_set(obj: Json) -> Health:
    """On every node it should be on, in the present version, and available."""
    spec, status = part(obj, "spec"), part(obj, "status")
    if (unobserved := _unobserved(obj)) is not None:
        return unobserved
    wanted = _count(status, "desiredNumberScheduled")
    updated = _count(status, "updatedNumberScheduled")
    on_delete = part(spec, "updateStrategy").get("type") == "OnDelete"
    if updated < wanted and not on_delete:
        return progressing("Updating", f"{updated} of {wanted} pods are updated.")
    return _available(_count(status, "numberAvailable"), wanted)


def replica_set(obj: Json) -> Health:
    if is_true(failure := condition(obj, "ReplicaFailure")):
        return degraded("ReplicaFailure", told(failure))
    if (unobserved := _unobserved(obj)) is not None:
        return unobserved
    return _available(_count(part(obj, "status"), "availableReplicas"), _wanted(part(obj, "spec")))


def job(obj: Json) -> Health:
    """Complete is well, Failed is not; a suspended one rests."""
    if is_true(failed := condition(obj, "Failed")):
        return degraded("Failed", told(failed))
    if is_true(condition(obj, "Complete")):
        return healthy("Complete")
    if is_true(rest := condition(obj, "Suspended")) or part(obj, "spec").get("suspend"):
        return suspended("Suspended", told(rest))
    return progressing("Running", "The job is not done yet.")


def cron_job(obj: Json) -> Health:
    """A schedule is well by being there; what its jobs do is theirs."""
    if part(obj, "spec").get("suspend"):
        return suspended("Suspended", "The schedule is suspended.")
    return healthy("Scheduled")


def pod(obj: Json) -> Health:
    """By phase; a container that cannot start is Degraded before the phase says so."""
    status = part(obj, "status")
    match status.get("phase"):
        case "Succeeded":
            return healthy("Completed")
        case "Failed":
            return degraded("Failed", str(status.get("message") or _worst_exit(status)))
        case "Running" | "Pending":
            return _broken_container(status) or _waiting_pod(obj)
        case None | "":
            return progressing("Pending", "The pod has not been looked at yet.")
    return unknown("PhaseUnknown", "The node of the pod does not answer.")


def _waiting_pod(obj: Json) -> Health:
    if is_true(condition(obj, "Ready")):
        return healthy("Ready")
    scheduled = condition(obj, "PodScheduled")
    if scheduled.get("status") == "False":
        return progressing(str(scheduled.get("reason") or "Unscheduled"), told(scheduled))
    if part(obj, "status").get("phase") == "Pending":
        return progressing("Pending", "The containers have not been started yet.")
    return progressing("NotReady", told(condition(obj, "Ready")))


def _broken_container(status: Json) -> Health | None:
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            waiting = part(part(container, "state"), "waiting")
            if waiting.get("reason") in _BROKEN_WAITS:
                words = waiting.get("message") or f"Container {container.get('name')} is waiting."
                return degraded(str(waiting["reason"]), str(words))
    return None


def _worst_exit(status: Json) -> str:
    for container in status.get("containerStatuses") or ():
        ended = part(part(container, "state"), "terminated")
        if ended.get("exitCode"):
            return f"Container {container.get('name')} ended with exit code {ended['exitCode']}."
    return str(status.get("reason") or "")


def _unobserved(obj: Json) -> Health | None:
    """A new object has no status at all until its controller saw it."""
    if part(obj, "status").get("observedGeneration") is None:
        return progressing("NotObserved", "The controller has not seen the object yet.")
    return None


def _available(available: int, wanted: int) -> Health:
    message = f"{available} of {wanted} replicas are available."
    if available < wanted:
        return progressing("NotAvailable", message)
    return healthy("Available", message)


def _wanted(spec: Json) -> int:
    """`replicas` is 1 when it is left out; 0 is a wish too."""
    return 1 if spec.get("replicas") is None else int(spec["replicas"])


def _count(status: Json, name: str) -> int:
    return int(status.get(name) or 0)


WORKLOAD_CHECKS: dict[tuple[str, str], Callable[[Json], Health]] = {
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("apps", "DaemonSet"): daemon_set,
    ("apps", "ReplicaSet"): replica_set,
    ("batch", "Job"): job,
    ("batch", "CronJob"): cron_job,
    ("", "Pod"): pod,
}
