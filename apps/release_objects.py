"""The live objects of a release: their health, and whether somebody changed them.

After a deployment the uid and generation of every object are noted. A later
look that finds another one makes that object a suspect, and one server-side
dry run with Helm's field manager says whether it drifted and in which fields.
Status and other managers' fields (an autoscaler's replicas) are no drift by
construction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.helm_records import SECRETS, RecordMeta, decode_record, record_meta, record_ref
from apps.objects import object_ref, owned_fingerprint, parse_manifest, with_namespace
from fleet import health as health_rules
from fleet.health import Health
from fleet.kube import Kube, ObjectRef
from fleet.kube_errors import Forbidden, NotFound, UnknownKind

Json = dict[str, Any]

HELM_FIELD_MANAGER = "helm"
_MAX_FIELDS = 20
_NOT_COMPARED = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"}
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One object: `live` None when it is missing."""

    ref: ObjectRef
    live: Json | None

    @property
    def health(self) -> Health:
        return health_rules.health(self.live) if self.live else health_rules.missing()

    def entry(self) -> Json:
        """What the row keeps of it."""
        uid, generation = owned_fingerprint(self.live) if self.live else ("", "")
        found = self.health
        version = self.live["metadata"].get("resourceVersion", "") if self.live else ""
        return {
            "resourceVersion": version,
            "apiVersion": self.ref.api_version,
            "kind": self.ref.kind,
            "namespace": self.ref.namespace,
            "name": self.ref.name,
            "uid": uid,
            "generation": generation,
            "health": str(found.status),
            "reason": found.reason,
            "message": found.message[:500],
        }


def ref_of(entry: Mapping[str, Any]) -> ObjectRef:
    """The reference that a row's entry keeps."""
    return ObjectRef(entry["apiVersion"], entry["kind"], entry["namespace"], entry["name"])


def records_of(kube: Kube, *, namespace: str, name: str) -> tuple[RecordMeta, ...]:
    """Helm's records of one release, by metadata only."""
    selector = f"owner=helm,name={name}"
    found = kube.list(SECRETS, namespace=namespace, label_selector=selector, metadata_only=True)
    return tuple(record for secret in found if (record := record_meta(secret)) is not None)


def manifest_objects(kube: Kube, record: RecordMeta) -> dict[ObjectRef, Json]:
    """The objects that a record deployed, from its manifest, by reference."""
    decoded = decode_record(kube.get(record_ref(record)))
    return objects_of(kube, decoded.manifest, record.namespace)


def objects_of(kube: Kube, manifest: str, namespace: str) -> dict[ObjectRef, Json]:
    """The objects of a rendered manifest, by reference, each with its namespace."""
    found = {}
    for obj in parse_manifest(manifest).objects:
        ref = object_ref(
            obj, default_namespace=namespace, namespaced=lambda a, k: scope_of(kube, a, k)
        )
        found[ref] = with_namespace(obj, ref)
    return found


def as_applied(obj: Json, record: RecordMeta) -> Json:
    """The object as Helm applied it: its ownership marks are not in the manifest.

    Source of the marks: Helm's `action/validate.go` (setMetadataVisitor).
    Without them an apply under Helm's field manager would take them away.
    """
    metadata = obj["metadata"]
    labels = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    annotations = {
        **(metadata.get("annotations") or {}),
        "meta.helm.sh/release-name": record.name,
        "meta.helm.sh/release-namespace": record.namespace,
    }
    return {**obj, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def scope_of(kube: Kube, api_version: str, kind: str) -> bool | None:
    """Whether such objects live in a namespace; None: the server does not serve the kind."""
    try:
        return kube.resource_for(api_version, kind).namespaced
    except UnknownKind:
        return None


def look(kube: Kube, refs: Sequence[ObjectRef]) -> list[Seen]:
    """Each object as it is; raises what the door raises, except that missing is an answer."""
    return [Seen(ref, _get(kube, ref)) for ref in refs]


def _get(kube: Kube, ref: ObjectRef) -> Json | None:
    try:
        return kube.get(ref)
    except NotFound:
        return None


@dataclass(frozen=True, slots=True)
class Drift:
    """How one object differs from what was deployed, and who wrote that.

    `uid` is that of the object which was seen ("" when it is missing), `taken_by` the
    Helm release that it belongs to now, where that is another one.
    """

    ref: ObjectRef
    fields: tuple[str, ...]
    managers: tuple[str, ...] = ()
    uid: str = ""
    taken_by: str = ""

    def entry(self) -> Json:
        """What the row keeps of it."""
        return {
            "kind": self.ref.kind,
            "namespace": self.ref.namespace,
            "name": self.ref.name,
            "fields": list(self.fields),
            "managers": list(self.managers),
        }


def suspects(before: Sequence[Mapping[str, Any]], now: Sequence[Seen]) -> list[Seen]:
    """Those objects that are missing or whose uid or generation is not the noted one."""
    noted = {ref_of(entry): (entry["uid"], entry["generation"]) for entry in before}
    return [
        seen
        for seen in now
        if seen.live is None or owned_fingerprint(seen.live) != noted.get(seen.ref)
    ]


def drift_of(
    kube: Kube, seen: Seen, wanted: Json, *, manager: str = HELM_FIELD_MANAGER
) -> Drift | None:
    """Ask the server what applying `wanted` again as `manager` would change; None: nothing."""
    if seen.live is None:
        return Drift(seen.ref, ("(missing)",))
    result = kube.apply(wanted, field_manager=manager, force=True, dry_run=True).obj
    fields = tuple(differing(seen.live, result))[:_MAX_FIELDS]
    if not fields:
        return None
    taken = "" if owner_of(seen.live) in {None, owner_of(wanted)} else str(owner_of(seen.live))
    uid = str(seen.live["metadata"]["uid"])
    return Drift(seen.ref, fields, _other_managers(seen.live, manager), uid, taken)


def owner_of(obj: Json) -> str | None:
    """`namespace/name` of the release that an object belongs to by Helm's own marks."""
    annotations = obj["metadata"].get("annotations") or {}
    name = annotations.get("meta.helm.sh/release-name")
    return f"{annotations.get('meta.helm.sh/release-namespace', '')}/{name}" if name else None


def heal(kube: Kube, wanted: Json, *, uid: str) -> None:
    """Put one object back as it was deployed, under Helm's field manager: the one that was seen."""
    if uid:
        wanted = {**wanted, "metadata": {**wanted["metadata"], "uid": uid}}
    kube.apply(wanted, field_manager=HELM_FIELD_MANAGER, force=True)


def differing(live: Any, other: Any, path: str = "") -> Iterator[str]:
    """Dotted paths at which two objects differ, what the server writes left out."""
    if isinstance(live, dict) and isinstance(other, dict):
        for key in sorted({*live, *other}):
            if (path == "metadata" and key in _NOT_COMPARED) or (not path and key == "status"):
                continue
            yield from differing(live.get(key), other.get(key), f"{path}.{key}".lstrip("."))
    elif live != other:
        yield path


def _other_managers(live: Json, manager: str) -> tuple[str, ...]:
    fields = live.get("metadata", {}).get("managedFields", [])
    return tuple(sorted({str(f.get("manager", "")) for f in fields} - {manager, ""}))


def annotate_kept(kube: Kube, refs: Sequence[ObjectRef], annotations: dict[str, str]) -> None:
    """Say on every object that it was kept on purpose; one that is gone, or out of reach, is no error."""
    for ref in refs:
        try:
            kube.patch(ref, {"metadata": {"annotations": annotations}})
        except (NotFound, Forbidden):
            continue


def still_there(kube: Kube, refs: Sequence[ObjectRef], *, owner: str) -> list[ObjectRef]:
    """Those of `refs` that exist and that Helm deletes with their release; raises KubeError.

    It keeps what its resource policy says, and what belongs to another release by now.
    """
    found = []
    for ref in refs:
        live = _get(kube, ref)
        if live is None or owner_of(live) not in {None, owner}:
            continue
        annotations = live["metadata"].get("annotations") or {}
        if annotations.get("helm.sh/resource-policy") != "keep":
            found.append(ref)
    return found
