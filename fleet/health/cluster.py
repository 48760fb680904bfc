"""Rules for what pods lean on: storage, network, extensions, scaling, and cluster parts."""

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

# Argo CD: an autoscaler that says one of these is at work, or has nothing to measure yet.
_HPA_FAILURES = ("Failed", "Invalid")


def claim(obj: Json) -> Health:
    """Bound is well; one that waits for its first pod is not (yet)."""
    match part(obj, "status").get("phase"):
        case "Bound":
            return healthy("Bound")
        case "Lost":
            return degraded("Lost", "The claim has lost its volume.")
        case "Pending":
            return progressing("Pending", "The claim has no volume yet.")
        case None | "":
            return progressing("NotObserved", "The controller has not seen the object yet.")
    return unknown("PhaseUnknown")


def volume(obj: Json) -> Health:
    match part(obj, "status").get("phase"):
        case "Failed":
            return degraded("Failed", str(part(obj, "status").get("message") or ""))
        case "Pending":
            return progressing("Pending")
    return healthy(str(part(obj, "status").get("phase") or "Exists"))


def service(obj: Json) -> Health:
    """Only a load balancer has something to wait for: its address."""
    if part(obj, "spec").get("type") != "LoadBalancer":
        return healthy("Exists")
    if part(part(obj, "status"), "loadBalancer").get("ingress"):
        return healthy("AddressAssigned")
    return progressing("NoAddress", "The load balancer has no address yet.")


def ingress(obj: Json) -> Health:
    """Argo CD waits for an address for ever; many controllers never write one.

    So here it is well without one: an Ingress that nobody serves shows in the
    events, and one that is served must not look unfinished.
    """
    if part(part(obj, "status"), "loadBalancer").get("ingress"):
        return healthy("AddressAssigned")
    return healthy("Exists", "No address has been reported.")


def crd(obj: Json) -> Health:
    """Established and its names accepted."""
    names = condition(obj, "NamesAccepted")
    if names.get("status") == "False":
        return degraded("NamesNotAccepted", told(names))
    established = condition(obj, "Established")
    if established.get("status") == "False" and established.get("reason") != "Installing":
        return degraded("NotEstablished", told(established))
    if not is_true(established):
        return progressing("Installing", told(established))
    return healthy("Established")


def api_service(obj: Json) -> Health:
    available = condition(obj, "Available")
    if is_true(available):
        return healthy("Available")
    return progressing(str(available.get("reason") or "NotAvailable"), told(available))


def namespace(obj: Json) -> Health:
    if part(obj, "status").get("phase") == "Terminating":
        return progressing("Terminating", "The namespace is being deleted.")
    return healthy("Active")


def autoscaler(obj: Json) -> Health:
    """Argo CD: a condition that failed is Degraded; otherwise able to scale and active is well."""
    conditions = part(obj, "status").get("conditions") or ()
    for found in conditions:
        reason = str(found.get("reason") or "")
        if found.get("status") == "False" and reason.startswith(_HPA_FAILURES):
            return degraded(reason, told(found))
    if is_true(condition(obj, "ScalingActive")) or is_true(condition(obj, "AbleToScale")):
        return healthy("Active")
    disabled = condition(obj, "ScalingActive").get("reason") == "ScalingDisabled"
    if disabled:
        return suspended("ScalingDisabled", "The target is scaled to zero.")
    return progressing("Waiting", "The autoscaler has not decided anything yet.")


def disruption_budget(obj: Json) -> Health:
    """A budget is well when enough pods are; a budget that can never allow anything says so."""
    status = part(obj, "status")
    if status.get("observedGeneration") is None:
        return progressing("NotObserved", "The controller has not seen the object yet.")
    failure = condition(obj, "DisruptionAllowed")
    if failure.get("reason") == "SyncFailed":
        return degraded("SyncFailed", told(failure))
    current, wanted = int(status.get("currentHealthy") or 0), int(status.get("desiredHealthy") or 0)
    if current < wanted:
        return progressing("InsufficientPods", f"{current} of {wanted} pods are healthy.")
    return healthy("SufficientPods", f"{current} of {wanted} pods are healthy.")


def node(obj: Json) -> Health:
    """Not silent, and not cordoned."""
    ready = condition(obj, "Ready")
    if ready.get("status") == "Unknown":
        return unknown("NodeSilent", told(ready))
    if not is_true(ready):
        return degraded("NodeNotReady", told(ready))
    if part(obj, "spec").get("unschedulable"):
        return suspended("Cordoned", "No new pods are placed on the node.")
    return healthy("Ready")


CLUSTER_CHECKS: dict[tuple[str, str], Callable[[Json], Health]] = {
    ("", "PersistentVolumeClaim"): claim,
    ("", "PersistentVolume"): volume,
    ("", "Service"): service,
    ("", "Namespace"): namespace,
    ("", "Node"): node,
    ("networking.k8s.io", "Ingress"): ingress,
    ("extensions", "Ingress"): ingress,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): crd,
    ("apiregistration.k8s.io", "APIService"): api_service,
    ("autoscaling", "HorizontalPodAutoscaler"): autoscaler,
    ("policy", "PodDisruptionBudget"): disruption_budget,
}
