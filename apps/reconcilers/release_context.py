"""What stands beside a release: its namespace, and the config maps and secrets of its application."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

from apps.conditions import Reason
from apps.desired import FIELD_MANAGER, MANAGED_BY_LABEL, OWNER_ANNOTATION
from apps.reconcilers import release_passes as passes
from apps.reconcilers.release_job import ReleaseJob
from fleet.kube import Kube, ObjectRef
from fleet.kube_errors import AlreadyExists, NotFound
from kubecarrier.lib.reconcile import Pass

Json = dict[str, Any]


def prepare(job: ReleaseJob, kube: Kube) -> Pass | None:
    """Namespace, references, and the config maps and secrets beside the release."""
    if problem := _ensure_namespace(job, kube):
        return problem
    assert job.desired is not None  # noqa: S101 - not deleting
    for kind, name in job.desired.references:
        try:
            kube.get(ObjectRef("v1", kind, job.namespace, name), metadata_only=True)
        except NotFound:
            text = f"{kind} “{name}” is referenced and does not exist in {job.namespace}."
            return passes.waiting(job, Reason.REFERENCE_MISSING, text, again=15.0)
    for obj in job.desired.objects:
        if not _ours_or_absent(job, kube, obj):
            text = f"{obj['kind']} “{obj['metadata']['name']}” in {job.namespace} belongs to somebody else."
            return passes.stalled(job, Reason.OBJECT_OWNED_BY_OTHERS, text)
        put(kube, obj)
    return None


def put(kube: Kube, obj: Json) -> None:
    """Bring one config map or secret to what the application says; it is ours or absent."""
    kube.apply(as_written(obj), field_manager=FIELD_MANAGER, force=True)


def restore(job: ReleaseJob, kube: Kube, obj: Json) -> bool:
    """Put one back that was changed or deleted by hand; False where somebody else has it now."""
    if not _ours_or_absent(job, kube, obj):
        return False
    put(kube, obj)
    return True


def beside(job: ReleaseJob) -> dict[ObjectRef, Json]:
    """What stands beside the release in the cluster, as it was applied: nothing before it is deployed."""
    if job.desired is None or job.row.deployed_digest != job.desired_digest:
        return {}
    return {
        ObjectRef("v1", obj["kind"], job.namespace, obj["metadata"]["name"]): as_written(obj)
        for obj in job.desired.objects
    }


def as_written(obj: Json) -> Json:
    """With `data` for `stringData`, which a server takes and never shows: it could not be compared."""
    if "stringData" not in obj:
        return obj
    packed = {
        key: base64.b64encode(text.encode()).decode() for key, text in obj["stringData"].items()
    }
    kept = {key: value for key, value in obj.items() if key != "stringData"}
    return {**kept, "data": packed}


def _ensure_namespace(job: ReleaseJob, kube: Kube) -> Pass | None:
    if job.account and job.claimed and not job.given:
        text = f"The namespace {job.namespace} is not, or not yet, the project's own there."
        return passes.waiting(job, Reason.NAMESPACE_NOT_PREPARED, text)
    try:
        return going(job, kube)
    except NotFound:
        if job.claimed:
            text = f"The project has not made the namespace {job.namespace} yet."
            return passes.waiting(job, Reason.NAMESPACE_NOT_PREPARED, text)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": job.namespace}}
    with suppress(AlreadyExists):
        kube.create(body, field_manager=FIELD_MANAGER)
    return None


def going(job: ReleaseJob, kube: Kube) -> Pass | None:
    """The pass that waits for a namespace which is being deleted; raises NotFound."""
    found = kube.get(ObjectRef("v1", "Namespace", "", job.namespace), metadata_only=True)
    if not found["metadata"].get("deletionTimestamp"):
        return None
    text = f"The namespace {job.namespace} is being deleted in the cluster."
    return passes.waiting(job, Reason.NAMESPACE_TERMINATING, text, again=5.0)


def _ours_or_absent(job: ReleaseJob, kube: Kube, obj: Json) -> bool:
    metadata = obj["metadata"]
    ref = ObjectRef("v1", obj["kind"], metadata["namespace"], metadata["name"])
    try:
        found = kube.get(ref, metadata_only=True)
    except NotFound:
        return True
    return _owner_of(found) == job.owner


def _owner_of(found: Json) -> str:
    annotations = found["metadata"].get("annotations") or {}
    return str(annotations.get(OWNER_ANNOTATION, ""))


def refs(job: ReleaseJob) -> list[ObjectRef]:
    spec = job.row.revision.spec
    made = [("ConfigMap", item) for item in spec["config_maps"]]
    made += [("Secret", item) for item in spec["secrets"]]
    return [
        ObjectRef("v1", kind, job.namespace, item["name"])
        for kind, item in made
        if not item.get("existing")
    ]


def prune(job: ReleaseJob, kube: Kube, *, keep: frozenset[ObjectRef]) -> None:
    """Delete our config maps and secrets that are wanted no more: by owner mark, checked live."""
    for kind in ("ConfigMap", "Secret"):
        found = kube.list(
            kube.resource_for("v1", kind),
            namespace=job.namespace,
            label_selector=f"{MANAGED_BY_LABEL}=kubecarrier",
            metadata_only=True,
        )
        for obj in found:
            ref = ObjectRef("v1", kind, job.namespace, obj["metadata"]["name"])
            if _owner_of(obj) == job.owner and ref not in keep:
                _delete_quietly(kube, ref, obj["metadata"]["uid"])


def _delete_quietly(kube: Kube, ref: ObjectRef, uid: str) -> None:
    """Only the very object that was looked at; gone is as good."""
    try:
        kube.delete(ref, uid=uid)
    except NotFound:
        return
