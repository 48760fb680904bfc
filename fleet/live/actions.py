"""What kubectl does with workloads: scale, restart, suspend and resume."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from fleet.kube import ObjectRef, PatchType, Resource
from fleet.live.belonging import warnings_of
from fleet.live.objects import live_object
from fleet.live.session import Session
from fleet.live.shown import shown
from kubecarrier.lib.errors import ConflictError, InvalidError, KubeCarrierError

Json = dict[str, Any]

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"  # kubectl's own, so that its history reads alike
RESTARTABLE = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")})
SUSPENDABLE = frozenset({("batch", "CronJob"), ("batch", "Job")})
MAX_REPLICAS = 100_000


def offered(kind: Resource) -> list[str]:
    """The actions that make sense for a kind."""
    key = (kind.group, kind.kind)
    return [
        name
        for name, fits in (
            ("scale", "scale" in kind.subresources),
            ("restart", key in RESTARTABLE),
            ("suspend", key in SUSPENDABLE),
            ("resume", key in SUSPENDABLE),
            ("reveal", key == ("", "Secret")),
        )
        if fits
    ]


def resource_scale(
    session: Session, kind: Resource, ref: ObjectRef, *, replicas: int, dry_run: bool = False
) -> Json:
    """Through the scale subresource; `{"object", "before", "after", "warnings"}`."""
    session.require("resources.scale")
    if "scale" not in kind.subresources:
        raise InvalidError("not_scalable", f"{kind.kind} cannot be scaled.", field="kind")
    if not 0 <= replicas <= MAX_REPLICAS:
        raise InvalidError(
            "replicas_invalid", f"replicas is a number from 0 to {MAX_REPLICAS}.", field="replicas"
        )
    what = f"scale {ref}"
    with session.doing(what, namespace=ref.namespace):
        live = live_object(session.kube, kind, ref)
        path = kind.path(namespace=ref.namespace, name=ref.name, subresource="scale")
        before = (session.kube.get(path).get("spec") or {}).get("replicas", 0)
        if before != replicas:
            changed = {"spec.replicas": [before, replicas]}
            _act(session, ref, "resource-scale", what, changed, dry_run=dry_run,
                 patch={"spec": {"replicas": replicas}}, subresource="scale")  # fmt: skip
    return {
        "object": shown(live), "before": before, "after": replicas, "warnings": warnings_of(live)
    }  # fmt: skip


def resource_restart(
    session: Session, kind: Resource, ref: ObjectRef, *, dry_run: bool = False
) -> Json:
    """A rollout of the same pods anew, by the annotation that kubectl uses."""
    session.require("resources.restart")
    if (kind.group, kind.kind) not in RESTARTABLE:
        raise InvalidError("not_restartable", f"{kind.kind} cannot be restarted.", field="kind")
    what = f"restart {ref}"
    with session.doing(what, namespace=ref.namespace):
        live = live_object(session.kube, kind, ref)
        if (live.get("spec") or {}).get("paused"):
            raise ConflictError("rollout_paused", f"{ref} is paused; resume its rollout first.")
        now = timezone.now().isoformat(timespec="seconds")
        annotation = {"metadata": {"annotations": {RESTARTED_AT: now}}}
        _act(session, ref, "resource-restart", what, None, dry_run=dry_run,
             patch={"spec": {"template": annotation}})  # fmt: skip
    return {"object": shown(live), "restartedAt": now, "warnings": warnings_of(live)}


def resource_suspend(
    session: Session, kind: Resource, ref: ObjectRef, *, suspended: bool, dry_run: bool = False
) -> Json:
    """CronJobs make no more jobs, Jobs lose their pods, until resumed."""
    session.require("resources.suspend")
    if (kind.group, kind.kind) not in SUSPENDABLE:
        raise InvalidError("not_suspendable", f"{kind.kind} cannot be suspended.", field="kind")
    verb = "suspend" if suspended else "resume"
    what = f"{verb} {ref}"
    with session.doing(what, namespace=ref.namespace):
        live = live_object(session.kube, kind, ref)
        before = bool((live.get("spec") or {}).get("suspend"))
        if before != suspended:
            changed = {"spec.suspend": [before, suspended]}
            _act(session, ref, f"resource-{verb}", what, changed, dry_run=dry_run,
                 patch={"spec": {"suspend": suspended}})  # fmt: skip
    return {
        "object": shown(live), "before": before, "after": suspended, "warnings": warnings_of(live)
    }  # fmt: skip


def _act(
    session: Session,
    ref: ObjectRef,
    event: str,
    what: str,
    changed: dict[str, Any] | None,
    *,
    patch: Json,
    dry_run: bool,
    subresource: str = "",
) -> None:
    """On record first, then done; a failure is on record too."""
    if not dry_run:
        session.on_record(event, what, namespace=ref.namespace, changes=changed)
    try:
        session.kube.patch(
            ref,
            patch,
            patch_type=PatchType.MERGE,
            subresource=subresource,
            field_manager=session.manager,
            dry_run=dry_run,
        )
    except KubeCarrierError as error:
        if not dry_run:
            session.failed(what, error, namespace=ref.namespace)
        raise
