"""How well an object is, from the object alone.

Source of the rules: the resource health checks of Argo CD (`gitops-engine/
pkg/health`) for the built-in kinds and the states Healthy, Progressing,
Degraded, Suspended; kstatus (`sigs.k8s.io/cli-utils/pkg/kstatus`) for
`observedGeneration` and for the conditions of custom resources. Where the two
differ, what a person at a page would expect decides, and the function says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fleet.health.cluster import CLUSTER_CHECKS
from fleet.health.types import (
    Health,
    HealthStatus,
    Json,
    condition,
    degraded,
    healthy,
    is_true,
    part,
    progressing,
    told,
    unknown,
)
from fleet.health.workloads import WORKLOAD_CHECKS

__all__ = ["Health", "HealthStatus", "health", "missing", "summarize"]

_ORDER = {status: place for place, status in enumerate(HealthStatus)}
_CHECKS: dict[tuple[str, str], Callable[[Json], Health]] = {**WORKLOAD_CHECKS, **CLUSTER_CHECKS}


def health(obj: Json) -> Health:
    """Health of a raw object as the API server gives it. Never raises on odd input.

    An object on its way out is Progressing whatever its kind (Argo CD and
    kstatus agree); a status that is older than the spec is Progressing (kstatus).
    """
    metadata = part(obj, "metadata")
    if metadata.get("deletionTimestamp"):
        return progressing("Terminating", "The object is being deleted.")
    group, _, _ = str(obj.get("apiVersion", "")).rpartition("/")
    check = _CHECKS.get((group, str(obj.get("kind", ""))), _custom)
    try:
        return _stale(obj) or check(obj)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return unknown("Unreadable", f"The status has an unexpected form: {type(error).__name__}.")


def missing() -> Health:
    """For an object that should be there and is not."""
    return degraded("Missing", "The object is not in the cluster.")


def summarize(healths: Iterable[Health]) -> Health:
    """The worst one, with how many share its status; no objects at all is Healthy."""
    found = list(healths)
    if not found:
        return healthy("NoObjects")
    worst = max(found, key=lambda item: _ORDER[item.status])
    same = sum(1 for item in found if item.status is worst.status)
    if worst.status is HealthStatus.HEALTHY or same == 1:
        return worst
    others = f"{same} of {len(found)} objects are {worst.status}."
    return Health(worst.status, worst.reason, f"{worst.message} {others}".strip())


def _stale(obj: Json) -> Health | None:
    observed = part(obj, "status").get("observedGeneration")
    generation = part(obj, "metadata").get("generation")
    if isinstance(observed, int) and isinstance(generation, int) and observed < generation:
        return progressing("NotObserved", "The controller has not seen the latest change yet.")
    return None


def _custom(obj: Json) -> Health:
    """kstatus: `Stalled`, `Reconciling`, then `Ready` (or `Available`, `Failed`) by convention.

    A false Ready is Progressing, unless the controller says that it gave up: it
    may simply not be done yet. Without any of these the object is well because
    it exists.
    """
    if is_true(found := condition(obj, "Stalled")):
        return degraded("Stalled", told(found))
    if is_true(found := condition(obj, "Failed")):
        return degraded("Failed", told(found))
    if is_true(found := condition(obj, "Reconciling")):
        return progressing("Reconciling", told(found))
    for kind in ("Ready", "Available"):
        if found := condition(obj, kind):
            return healthy(kind) if is_true(found) else progressing(f"Not{kind}", told(found))
    return healthy("Exists")
