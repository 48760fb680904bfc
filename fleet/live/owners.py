"""Who owns an object, and what it owns: read from the owner references of its namespace.

For the built-in workloads it is known which kinds can depend on them; for any
other kind every listable kind of the namespace is looked at, by metadata only.
What could not be read is named in `unseen`, never taken for empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

from fleet.kube import Budget, Kube, ObjectRef, Resource
from fleet.kube_errors import KubeError, NotFound
from fleet.live.kinds import preferred
from fleet.live.objects import live_object
from fleet.live.session import Session

Json = dict[str, Any]
Key = tuple[str, str]  # (group, kind)

_POD: Key = ("", "Pod")
_REVISIONS: Key = ("apps", "ControllerRevision")
_DEPENDENTS: dict[Key, tuple[Key, ...]] = {
    ("apps", "Deployment"): (("apps", "ReplicaSet"),),
    ("apps", "ReplicaSet"): (_POD,),
    ("apps", "StatefulSet"): (_POD, _REVISIONS, ("", "PersistentVolumeClaim")),
    ("apps", "DaemonSet"): (_POD, _REVISIONS),
    ("batch", "CronJob"): (("batch", "Job"),),
    ("batch", "Job"): (_POD,),
    ("", "ReplicationController"): (_POD,),
    ("", "Service"): (("discovery.k8s.io", "EndpointSlice"),),
    _POD: (),
    _REVISIONS: (),
    ("", "PersistentVolumeClaim"): (),
    ("", "ConfigMap"): (),
    ("", "Secret"): (),
    ("discovery.k8s.io", "EndpointSlice"): (),
}
_NEVER_OWNED = frozenset({("", "Event"), ("events.k8s.io", "Event"), ("", "Endpoints")})
_BUDGET = Budget(connect=2, read=4, total=6)
_TOTAL_SECONDS = 12.0
_WORKERS = 8
_OBJECTS_PER_KIND = 2000
_DEPTH = 10


def resource_owners(session: Session, kind: Resource, ref: ObjectRef) -> Json:
    """`{"object", "owners", "dependents", "unseen"}`: owners and dependents are trees."""
    session.require("resources.view")
    with session.doing(f"list owners of {ref}"):
        obj = live_object(session.kube, kind, ref)
        kube = _hasty(session.kube)
        owners = _owners(kube, obj, ref.namespace, _DEPTH)
        found, unseen = _listed(kube, _candidates(session.kube, kind), ref.namespace)
    uid = str(obj["metadata"]["uid"])
    return {
        "object": _entry({"apiVersion": kind.api_version, "kind": kind.kind, **obj}),
        "owners": owners,
        "dependents": _below(uid, _by_owner(found), _DEPTH),
        "unseen": unseen,
    }


def _hasty(kube: Kube) -> Kube:
    """The same identity with little patience: many calls answer one question."""
    return Kube(kube.connection, budget=_BUDGET, identity=kube.identity, discovery=kube.discovery)


def _owners(kube: Kube, obj: Json, namespace: str, depth: int) -> list[Json]:
    """Upwards; an owner that is gone, or another one by now, is shown as missing."""
    found = []
    for owner in (obj.get("metadata") or {}).get("ownerReferences") or ():
        api_version, kind = str(owner["apiVersion"]), str(owner["kind"])
        entry = {
            "apiVersion": api_version, "kind": kind, "namespace": "", "name": str(owner["name"]),
            "uid": str(owner["uid"]), "controller": bool(owner.get("controller")), "state": "present",
            "owners": [],
        }  # fmt: skip
        try:
            resource = kube.resource_for(api_version, kind)
            scope = namespace if resource.namespaced else ""
            entry["namespace"] = scope
            path = resource.path(namespace=scope, name=str(owner["name"]))
            live = kube.get(path, metadata_only=True)
            if str(live["metadata"].get("uid")) != owner["uid"]:
                entry["state"] = "missing"
            elif depth > 1:
                entry["owners"] = _owners(kube, live, scope, depth - 1)
        except NotFound:
            entry["state"] = "missing"
        except KubeError as error:
            entry |= {"state": "unknown", "error": error.code}
        found.append(entry)
    return found


def _candidates(kube: Kube, kind: Resource) -> list[Resource]:
    """The kinds in which dependents of `kind` are looked for."""
    served = [
        one
        for one in preferred(kube.resources())
        if "list" in one.verbs and (one.group, one.kind) not in _NEVER_OWNED
    ]
    if (kind.group, kind.kind) not in _DEPENDENTS:
        return [one for one in served if one.namespaced or not kind.namespaced]
    wanted: set[Key] = set()
    queue: list[Key] = [(kind.group, kind.kind)]
    while queue:
        below = set(_DEPENDENTS[queue.pop()]) - wanted
        wanted |= below
        queue += below
    return [one for one in served if (one.group, one.kind) in wanted]


def _listed(
    kube: Kube, kinds: list[Resource], namespace: str
) -> tuple[list[Json], list[dict[str, str]]]:
    """The metadata of all objects of `kinds`, and which kinds could not be read completely."""
    found: list[Json] = []
    unseen: list[dict[str, str]] = []
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="owners")
    try:
        running = {pool.submit(_metadata, kube, one, namespace): one for one in kinds}
        done, late = wait(running, timeout=_TOTAL_SECONDS)
        for future in done:
            error = future.exception()
            if isinstance(error, KubeError):
                unseen.append(_unseen(running[future], error.code))
                continue
            items = future.result()
            found += items
            if len(items) >= _OBJECTS_PER_KIND:
                unseen.append(_unseen(running[future], "too_many"))
        unseen += [_unseen(running[future], "kube_timed_out") for future in late]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return found, sorted(unseen, key=lambda one: one["kind"])


def _metadata(kube: Kube, kind: Resource, namespace: str) -> list[Json]:
    scope = namespace if kind.namespaced else ""
    try:
        return list(islice(kube.list(kind, namespace=scope, metadata_only=True), _OBJECTS_PER_KIND))
    except NotFound:  # its definition went away meanwhile
        return []


def _unseen(kind: Resource, why: str) -> dict[str, str]:
    return {"kind": kind.kind, "apiVersion": kind.api_version, "code": why}


def _by_owner(objects: Iterable[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for obj in objects:
        for owner in (obj.get("metadata") or {}).get("ownerReferences") or ():
            found.setdefault(str(owner.get("uid")), []).append(obj)
    return found


def _below(uid: str, by_owner: dict[str, list[Json]], depth: int) -> list[Json]:
    """Downwards; references in a circle end at the depth limit."""
    if depth == 0:
        return []
    entries = []
    for obj in by_owner.get(uid, ()):
        entry = _entry(obj)
        entry["dependents"] = _below(entry["uid"], by_owner, depth - 1)
        entries.append(entry)
    return sorted(entries, key=lambda one: (one["kind"], one["name"]))


def _entry(obj: Json) -> Json:
    metadata = obj.get("metadata") or {}
    return {
        "apiVersion": obj.get("apiVersion", ""),
        "kind": obj.get("kind", ""),
        "namespace": metadata.get("namespace", ""),
        "name": metadata.get("name", ""),
        "uid": str(metadata.get("uid", "")),
        "createdAt": metadata.get("creationTimestamp"),
        "deleting": bool(metadata.get("deletionTimestamp")),
    }
