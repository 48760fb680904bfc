"""The status columns of the built-in kinds: small, and what `kubectl get` would show first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet.health.types import condition, is_true, part

Json = dict[str, Any]
_ROLE = "node-role.kubernetes.io/"
_SHOWN = 5  # of lists that may be long


def columns_of(group: str, kind: str, obj: Json) -> Json:
    """The columns that have a value; {} for kinds without any."""
    found = _COLUMNS.get((group, kind))
    if found is None:
        return {}
    return {name: value for name, value in found(obj).items() if value not in (None, "", [], {})}


def _pod(obj: Json) -> Json:
    spec, status = part(obj, "spec"), part(obj, "status")
    containers = [one for one in status.get("containerStatuses") or () if isinstance(one, dict)]
    ready = sum(1 for one in containers if one.get("ready"))
    return {
        "ready": f"{ready}/{len(spec.get('containers') or ())}",
        "status": _pod_status(obj, containers),
        "restarts": sum(int(one.get("restartCount") or 0) for one in containers),
        "node": spec.get("nodeName"),
        "ip": status.get("podIP"),
        "images": _images(spec),
    }


def _pod_status(obj: Json, containers: list[Json]) -> str:
    """As `kubectl get pods` says it: a container's trouble before the phase."""
    if part(obj, "metadata").get("deletionTimestamp"):
        return "Terminating"
    for container in containers:
        state = part(container, "state")
        reason = part(state, "waiting").get("reason") or part(state, "terminated").get("reason")
        if reason:
            return str(reason)
    status = part(obj, "status")
    return str(status.get("reason") or status.get("phase") or "Pending")


def _replicas(obj: Json) -> Json:
    spec, status = part(obj, "spec"), part(obj, "status")
    wanted = 1 if spec.get("replicas") is None else spec["replicas"]
    return {
        "ready": f"{status.get('readyReplicas') or 0}/{wanted}",
        "updated": status.get("updatedReplicas"),
        "available": status.get("availableReplicas"),
        "images": _images(part(part(spec, "template"), "spec")),
    }


def _daemon_set(obj: Json) -> Json:
    status = part(obj, "status")
    return {
        "ready": f"{status.get('numberReady') or 0}/{status.get('desiredNumberScheduled') or 0}",
        "updated": status.get("updatedNumberScheduled"),
        "images": _images(part(part(part(obj, "spec"), "template"), "spec")),
    }


def _job(obj: Json) -> Json:
    spec, status = part(obj, "spec"), part(obj, "status")
    return {
        "completions": f"{status.get('succeeded') or 0}/{spec.get('completions') or 1}",
        "failed": status.get("failed"),
        "finished": status.get("completionTime"),
    }


def _cron_job(obj: Json) -> Json:
    spec, status = part(obj, "spec"), part(obj, "status")
    return {
        "schedule": spec.get("schedule"),
        "suspended": bool(spec.get("suspend")),
        "active": len(status.get("active") or ()),
        "last": status.get("lastScheduleTime"),
    }


def _service(obj: Json) -> Json:
    spec = part(obj, "spec")
    ports = [f"{one.get('port')}/{one.get('protocol', 'TCP')}" for one in spec.get("ports") or ()]
    return {
        "type": spec.get("type"),
        "clusterIP": spec.get("clusterIP"),
        "ports": ports[:_SHOWN],
        "address": _address(obj),
    }


def _ingress(obj: Json) -> Json:
    spec = part(obj, "spec")
    hosts = [str(one["host"]) for one in spec.get("rules") or () if one.get("host")]
    return {
        "class": spec.get("ingressClassName"),
        "hosts": hosts[:_SHOWN],
        "address": _address(obj),
    }


def _address(obj: Json) -> str:
    given = part(part(obj, "status"), "loadBalancer").get("ingress") or [{}]
    return str(given[0].get("ip") or given[0].get("hostname") or "")


def _claim(obj: Json) -> Json:
    spec, status = part(obj, "spec"), part(obj, "status")
    return {
        "status": status.get("phase"),
        "volume": spec.get("volumeName"),
        "capacity": part(status, "capacity").get("storage"),
        "storageClass": spec.get("storageClassName"),
    }


def _volume(obj: Json) -> Json:
    spec, claim = part(obj, "spec"), part(part(obj, "spec"), "claimRef")
    return {
        "status": part(obj, "status").get("phase"),
        "capacity": part(spec, "capacity").get("storage"),
        "claim": f"{claim['namespace']}/{claim['name']}" if claim.get("name") else "",
        "storageClass": spec.get("storageClassName"),
    }


def _node(obj: Json) -> Json:
    labels = part(part(obj, "metadata"), "labels")
    info = part(part(obj, "status"), "nodeInfo")
    return {
        "status": "Ready" if is_true(condition(obj, "Ready")) else "NotReady",
        "roles": sorted(key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)),
        "version": info.get("kubeletVersion"),
        "cordoned": bool(part(obj, "spec").get("unschedulable")) or None,
    }


def _namespace(obj: Json) -> Json:
    return {"status": part(obj, "status").get("phase")}


def _secret(obj: Json) -> Json:
    """The names of the keys, and not one value."""
    return {"type": obj.get("type"), "keys": sorted(map(str, part(obj, "data")))}


def _autoscaler(obj: Json) -> Json:
    spec, status = part(obj, "spec"), part(obj, "status")
    target = part(spec, "scaleTargetRef")
    return {
        "target": f"{target.get('kind')}/{target.get('name')}",
        "replicas": status.get("currentReplicas"),
        "min": spec.get("minReplicas"),
        "max": spec.get("maxReplicas"),
    }


def _budget(obj: Json) -> Json:
    spec = part(obj, "spec")
    return {
        "minAvailable": spec.get("minAvailable"),
        "maxUnavailable": spec.get("maxUnavailable"),
        "allowed": part(obj, "status").get("disruptionsAllowed"),
    }


def _storage_class(obj: Json) -> Json:
    return {"provisioner": obj.get("provisioner"), "reclaimPolicy": obj.get("reclaimPolicy")}


def _definition(obj: Json) -> Json:
    """What the catalogue needs of a CRD; its schema comes with the OpenAPI documents."""
    spec = part(obj, "spec")
    return {
        "group": spec.get("group"),
        "kind": part(spec, "names").get("kind"),
        "scope": spec.get("scope"),
        "versions": [
            {
                "name": one.get("name"),
                "served": bool(one.get("served")),
                "storage": bool(one.get("storage")),
                "deprecated": bool(one.get("deprecated")),
                "columns": [_printer(each) for each in one.get("additionalPrinterColumns") or ()],
            }
            for one in spec.get("versions") or ()
        ],
    }


def _printer(column: Json) -> Json:
    kept = {"name": str(column.get("name"))[:63], "path": str(column.get("jsonPath"))[:500]}
    kept |= {"type": str(column.get("type")), "description": str(column.get("description") or "")}
    return {**kept, "priority": int(column.get("priority") or 0)}


def _images(pod_spec: Json) -> list[str]:
    found = [str(one.get("image")) for one in pod_spec.get("containers") or () if one.get("image")]
    return list(dict.fromkeys(found))[:_SHOWN]


_COLUMNS: dict[tuple[str, str], Callable[[Json], Json]] = {
    ("", "Pod"): _pod,
    ("apps", "Deployment"): _replicas,
    ("apps", "StatefulSet"): _replicas,
    ("apps", "ReplicaSet"): _replicas,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("", "Service"): _service,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "PersistentVolume"): _volume,
    ("", "Node"): _node,
    ("", "Namespace"): _namespace,
    ("", "Secret"): _secret,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("policy", "PodDisruptionBudget"): _budget,
    ("storage.k8s.io", "StorageClass"): _storage_class,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}
