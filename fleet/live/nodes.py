"""Nodes as people look at them and operate them: what is on one, cordon, label, taint, drain."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fleet.choices import PROBE_TASK
from fleet.draining import NODES, PODS, DrainOptions, DrainPlan, drain_plan
from fleet.kube import Kube, ObjectRef, PatchType, Resource
from fleet.kube_errors import Conflict, Forbidden, KubeError, NotFound, ServerError
from fleet.live.objects import live_object
from fleet.live.session import Session
from fleet.live.shown import shown
from fleet.models import Cluster
from fleet.pod_requests import Amount, amount_of, pod_requests
from kubecarrier.lib import lease
from kubecarrier.lib.errors import ConflictError, InvalidError, KubeCarrierError
from kubecarrier.lib.placement import is_label_key
from kubecarrier.lib.tasks import wake_on_commit

Json = dict[str, Any]

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_METRICS = Resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", namespaced=False)
_OPERATE = "nodes.operate"


def node_detail(session: Session, name: str) -> Json:
    """The node, what is on it, and what of it is reserved and used; `used` None: no metrics."""
    session.require("nodes.view")
    with session.doing(f"get Node {name}"):
        node = live_object(session.kube, NODES, _ref(name))
        pods = list(session.kube.list(PODS, field_selector=f"spec.nodeName={name}"))
    status = node.get("status") or {}
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in _ENDED]
    requested = sum((pod_requests(pod) for pod in running), Amount())
    return {
        "node": shown(node),
        "conditions": status.get("conditions") or [],
        "taints": (node.get("spec") or {}).get("taints") or [],
        "unschedulable": bool((node.get("spec") or {}).get("unschedulable")),
        "capacity": _amount(status.get("capacity")),
        "allocatable": _amount(status.get("allocatable")),
        "requested": {**asdict(requested), "pods": len(running)},
        "used": _used(session.kube, name),
        "pods": [_pod(pod) for pod in pods],
    }


def node_cordon(session: Session, name: str, *, unschedulable: bool, dry_run: bool = False) -> Json:
    """Whether new pods may come; the node after it."""
    verb = "cordon" if unschedulable else "uncordon"
    node = _node(session, name)
    before = bool((node.get("spec") or {}).get("unschedulable"))
    if before == unschedulable:
        return shown(node)
    changes = {"spec.unschedulable": [before, unschedulable]}
    patch = {"spec": {"unschedulable": unschedulable or None}}
    return _changed(session, name, verb, patch, changes, dry_run=dry_run)


def node_label(
    session: Session, name: str, labels: dict[str, str | None], *, dry_run: bool = False
) -> Json:
    """Set labels, and take away those with None; raises InvalidError for what is no label's key."""
    for key in labels:
        if not is_label_key(key):
            raise InvalidError("label_invalid", f"“{key[:80]}” is no label.", field="labels")
    node = _node(session, name)
    present = (node.get("metadata") or {}).get("labels") or {}
    changes = {
        f"metadata.labels[{key}]": [present.get(key), value]
        for key, value in labels.items()
        if present.get(key) != value
    }
    if not changes:
        return shown(node)
    patch = {"metadata": {"labels": labels}}
    return _changed(session, name, "label", patch, changes, dry_run=dry_run)


def node_taint(
    session: Session,
    name: str,
    *,
    add: list[Json],
    remove: list[tuple[str, str]],
    dry_run: bool = False,
) -> Json:
    """Add or replace taints (by key and effect), remove by key and effect ("" for every effect).

    Sent for the version that was read, so that a taint somebody else adds is not lost.
    """
    node = _node(session, name)
    before = list((node.get("spec") or {}).get("taints") or [])
    gone = {(one["key"], one["effect"]) for one in add} | set(remove)
    kept = [
        one
        for one in before
        if (one["key"], one.get("effect")) not in gone and (one["key"], "") not in gone
    ]
    after = kept + [{k: v for k, v in one.items() if v} for one in add]
    if after == before:
        return shown(node)
    version = node["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "spec": {"taints": after}}
    changes = {"spec.taints": [_texts(before), _texts(after)]}
    return _changed(session, name, "taint", patch, changes, dry_run=dry_run)


def node_drain_plan(session: Session, name: str, options: DrainOptions) -> DrainPlan:
    """What a drain would do; raises ConflictError `drain_refused` with the pods against it."""
    _node(session, name)
    with session.doing(f"list pods of Node {name}"):
        pods = session.kube.list(PODS, field_selector=f"spec.nodeName={name}")
        plan = drain_plan(pods, options)
    if plan.refused:
        listed = [{"pod": pod.name, "why": str(why)} for pod, why in plan.refused]
        names = ", ".join(f"{one['pod']} ({one['why']})" for one in listed[:5])
        raise ConflictError(
            "drain_refused", f"{len(listed)} pods stand against it: {names}.",
            hint="force moves pods without a controller, deleteEmptyDirData those with scratch data.",
            pods=listed,
        )  # fmt: skip
    return plan


_ENDED = frozenset({"Succeeded", "Failed"})


def _ref(name: str) -> ObjectRef:
    return ObjectRef("v1", "Node", "", name)


def _node(session: Session, name: str) -> Json:
    session.require(_OPERATE)
    with session.doing(f"get Node {name}"):
        return live_object(session.kube, NODES, _ref(name))


def _changed(
    session: Session, name: str, verb: str, patch: Json, changes: Json, *, dry_run: bool
) -> Json:
    """On record first, then done; the probe looks at the cluster again."""
    what = f"{verb} Node {name}"
    if not dry_run:
        session.on_record(f"node-{verb}", what, changes=changes)
    with session.doing(what):
        try:
            made = session.kube.patch(
                _ref(name), patch, patch_type=PatchType.MERGE,
                field_manager=session.manager, dry_run=dry_run,
            )  # fmt: skip
        except Conflict as error:
            session.failed(what, error)
            raise ConflictError(
                "resource_conflict", f"Node {name} was changed meanwhile.", hint="Try again."
            ) from error
        except KubeCarrierError as error:
            if not dry_run:
                session.failed(what, error)
            raise
    if not dry_run:
        lease.wake(Cluster.objects.filter(pk=session.cluster.pk))
        wake_on_commit(PROBE_TASK)
    return shown(made)


def _amount(given: Json | None) -> Json:
    pods = str((given or {}).get("pods", "0"))
    return {**asdict(amount_of(given)), "pods": int(pods) if pods.isdecimal() else 0}


def _used(kube: Kube, name: str) -> Json | None:
    """The metrics server is an add-on: its absence is no failure of the node."""
    try:
        usage = kube.get(_METRICS.path(name=name)).get("usage")
    except (NotFound, Forbidden, ServerError):
        return None
    except KubeError as error:
        if error.status == 0:  # nobody answered: that is the cluster, not the add-on
            raise
        return None
    return asdict(amount_of(usage))


def _pod(pod: Json) -> Json:
    metadata, status = pod["metadata"], pod.get("status") or {}
    owner: Json = next(
        (one for one in metadata.get("ownerReferences") or () if one.get("controller")), {}
    )
    containers = status.get("containerStatuses") or []
    return {
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "uid": metadata["uid"],
        "phase": status.get("phase", ""),
        "ready": sum(1 for one in containers if one.get("ready")),
        "containers": len((pod.get("spec") or {}).get("containers") or []),
        "restarts": sum(int(one.get("restartCount") or 0) for one in containers),
        "owner": f"{owner['kind']}/{owner['name']}" if owner else "",
        "requested": asdict(pod_requests(pod)),
        "createdAt": metadata.get("creationTimestamp"),
        "deleting": bool(metadata.get("deletionTimestamp")),
    }


def _texts(taints: list[Json]) -> list[str]:
    return [
        f"{one['key']}{'=' + one['value'] if one.get('value') else ''}:{one.get('effect')}"
        for one in taints
    ]
