"""Which pods of a node a drain moves, leaves, or refuses to touch. Pure; kubectl's rules.

Mirror pods belong to the node itself, pods of DaemonSets would come straight
back, finished ones may always go. Pods that nobody would make anew, and pods
whose scratch data would be lost, are moved only when that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleet.kube import ObjectRef, Resource

Json = dict[str, Any]

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
_MIRROR = "kubernetes.io/config.mirror"


class Why(StrEnum):
    """Why a pod is left alone, or stands against the drain."""

    MIRROR = "MirrorPod"
    DAEMON_SET = "DaemonSet"
    UNMANAGED = "NoController"
    EMPTY_DIR = "EmptyDir"


@dataclass(frozen=True, slots=True)
class DrainOptions:
    """How to drain: kubectl's `--force`, `--delete-emptydir-data`, `--grace-period`."""

    force: bool = False
    delete_empty_dir: bool = False
    grace_period_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class PodOnNode:
    """A pod, and whether it is on its way out."""

    ref: ObjectRef
    uid: str
    terminating: bool = False

    @property
    def name(self) -> str:
        return f"{self.ref.namespace}/{self.ref.name}"


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """`evict` goes, `ignored` stays, `refused` stands against it."""

    evict: list[PodOnNode] = field(default_factory=list)
    ignored: list[tuple[PodOnNode, Why]] = field(default_factory=list)
    refused: list[tuple[PodOnNode, Why]] = field(default_factory=list)


def drain_plan(pods: Iterable[Json], options: DrainOptions) -> DrainPlan:
    """Sort the pods of a node."""
    plan = DrainPlan()
    for pod in pods:
        one = pod_on_node(pod)
        if why := _staying(pod):
            plan.ignored.append((one, why))
        elif (why := _objection(pod, options)) and not one.terminating:
            plan.refused.append((one, why))
        else:
            plan.evict.append(one)
    return plan


def pod_on_node(pod: Json) -> PodOnNode:
    """From a raw Pod."""
    metadata = pod["metadata"]
    ref = ObjectRef("v1", "Pod", str(metadata["namespace"]), str(metadata["name"]))
    return PodOnNode(ref, str(metadata["uid"]), bool(metadata.get("deletionTimestamp")))


def _staying(pod: Json) -> Why | None:
    metadata = pod["metadata"]
    if _MIRROR in (metadata.get("annotations") or {}):
        return Why.MIRROR
    if _finished(pod):
        return None
    controller = _controller(metadata)
    return Why.DAEMON_SET if controller and controller.get("kind") == "DaemonSet" else None


def _objection(pod: Json, options: DrainOptions) -> Why | None:
    if _finished(pod):
        return None
    if _controller(pod["metadata"]) is None and not options.force:
        return Why.UNMANAGED
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    if any("emptyDir" in volume for volume in volumes) and not options.delete_empty_dir:
        return Why.EMPTY_DIR
    return None


def _finished(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def _controller(metadata: Json) -> Json | None:
    owners = metadata.get("ownerReferences") or ()
    return next((dict(one) for one in owners if one.get("controller")), None)
