"""Create, replace, patch, apply and delete any object, each as a dry run first.

The dry run says what the server would make of it: that is the difference shown,
and what the audit entry holds before anything is sent for good. A write whose
entry cannot be stored is not made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from fleet.kube import ObjectRef, PatchType, Propagation, Resource
from fleet.kube_errors import Conflict, Invalid, NotFound, ServerError
from fleet.live import conflicts, fields
from fleet.live.belonging import warnings_of
from fleet.live.objects import live_object
from fleet.live.session import Session
from fleet.live.shown import masked, shown, unmasked
from kubecarrier.lib.errors import InvalidError, KubeCarrierError, NotFoundError

Json = dict[str, Any]

APPLY_MANAGER = "kubecarrier-apply"  # one for all people, or each would own what he applied first
_NO_DRY_RUN = "does not support dry run"
_NO_TYPE = "failed to create typed patch object"
_AUDITED_FIELDS = 50
_AUDITED_LENGTH = 500


class Verb(StrEnum):
    """How an object is written."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class Write:
    """What somebody wants written. `version` is the resourceVersion they read, "" for any."""

    verb: Verb
    kind: Resource
    ref: ObjectRef
    body: Any
    patch_type: PatchType = PatchType.MERGE
    version: str = ""
    if_match: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What a write made, or would make. `result` is created, configured or unchanged."""

    before: Json  # as it is shown, empty for a new one
    obj: Json
    result: str
    changes: list[fields.Change]
    diff: str
    warnings: list[str]
    dry_run: bool


def resource_write(session: Session, wish: Write, *, dry_run: bool = False) -> Written:
    """Raises what the door raises, DeniedError, and `resource_conflict` or `field_conflict`."""
    what = f"{wish.verb} {wish.ref}"
    with session.doing(what, namespace=wish.ref.namespace):
        live = _live(session, wish)
        _require(session, wish, live)
        wish = _checked(wish, live)
        wanted = _rehearsed(session, wish, live)
        written = _written(live, wanted, dry_run=dry_run)
        if dry_run or (live is not None and wanted == live):
            return written
        _record(session, wish, what, written.changes)
        try:
            made = _sent(session, wish, live, dry_run=False)
        except KubeCarrierError as error:
            session.failed(what, error, namespace=wish.ref.namespace)
            raise
    return replace(written, obj=shown(made))


def resource_delete(
    session: Session,
    kind: Resource,
    ref: ObjectRef,
    *,
    propagation: Propagation = Propagation.BACKGROUND,
    uid: str = "",
    version: str = "",
    grace_period_seconds: int | None = None,
    dry_run: bool = False,
) -> Json:
    """`{"object", "gone", "warnings"}`; not `gone` while finalizers or grace keep it.

    Raises NotFoundError, and ConflictError when it is not the object with that uid or version.
    """
    session.require("resources.delete")
    what = f"delete {ref}"
    with session.doing(what, namespace=ref.namespace):
        live = live_object(session.kube, kind, ref)
        present = str(live["metadata"]["uid"])
        if uid and uid != present:
            raise conflicts.recreated(str(ref))
        if version and version != live["metadata"].get("resourceVersion"):
            raise conflicts.moved(live, live, if_match=True, partial=False, what=str(ref))
        if not dry_run:
            said = f"{what} ({propagation.lower()})"
            session.on_record("resource-delete", said, namespace=ref.namespace)
        session.kube.delete(
            ref,
            propagation=propagation,
            uid=present,
            resource_version=version or None,
            grace_period_seconds=grace_period_seconds,
            dry_run=dry_run,
        )
        gone = not dry_run and _gone(session, kind, ref, present)
    return {"object": shown(live), "gone": gone, "warnings": warnings_of(live)}


def _gone(session: Session, kind: Resource, ref: ObjectRef, uid: str) -> bool:
    try:
        found = session.kube.get(
            kind.path(namespace=ref.namespace, name=ref.name), metadata_only=True
        )
    except NotFound:
        return True
    return str(found["metadata"]["uid"]) != uid


# --- steps of a write ----------------------------------------------------------------------


def _live(session: Session, wish: Write) -> Json | None:
    if not wish.ref.name:  # generateName
        return None
    try:
        return live_object(session.kube, wish.kind, wish.ref)
    except NotFoundError:
        if wish.verb in {Verb.CREATE, Verb.APPLY}:
            return None
        raise


def _require(session: Session, wish: Write, live: Json | None) -> None:
    fresh = live is None or wish.verb is Verb.CREATE
    session.require(f"resources.{'create' if fresh else 'edit'}")
    if fresh and (wish.kind.group, wish.kind.kind) == ("", "Namespace"):
        session.require("namespaces.create")


def _checked(wish: Write, live: Json | None) -> Write:
    """The body as it may be sent: masks restored, and for the version that was read."""
    secret = (wish.kind.group, wish.kind.kind) == ("", "Secret")
    if wish.patch_type is PatchType.JSON and wish.verb is Verb.PATCH:
        if secret:  # `copy` would carry a value to where it is shown, `test` would guess it
            raise InvalidError(
                "secret_json_patch", "A Secret takes no JSON patch.", hint="Send a merge patch."
            )
        body = wish.body
    else:
        named = {**wish.body, "kind": wish.kind.kind} if secret else wish.body
        body = unmasked(named, live)
    present = str(((live or {}).get("metadata") or {}).get("resourceVersion") or "")
    if wish.version and live is not None and wish.version != present:
        raise _moved(wish, live)
    if wish.version and not isinstance(body, list):
        metadata = {**(body.get("metadata") or {}), "resourceVersion": wish.version}
        body = {**body, "metadata": metadata}
    return replace(wish, body=body)


def _rehearsed(session: Session, wish: Write, live: Json | None) -> Json:
    """What the server would make of it; a webhook that knows no dry run is left to the write."""
    try:
        return _sent(session, wish, live, dry_run=True)
    except Invalid as error:
        if _NO_DRY_RUN not in error.message or isinstance(wish.body, list):
            raise
        return {**(live or {}), **wish.body}


def _sent(session: Session, wish: Write, live: Json | None, *, dry_run: bool) -> Json:
    kube, manager = session.kube, session.manager
    try:
        match wish.verb:
            case Verb.CREATE:
                return kube.create(wish.body, field_manager=manager, dry_run=dry_run)
            case Verb.REPLACE:
                return kube.replace(wish.body, field_manager=manager, dry_run=dry_run)
            case Verb.PATCH:
                return kube.patch(
                    wish.ref, wish.body, patch_type=wish.patch_type,
                    field_manager=manager, dry_run=dry_run,
                )  # fmt: skip
            case Verb.APPLY:
                return kube.apply(
                    wish.body, field_manager=APPLY_MANAGER, force=wish.force, dry_run=dry_run
                ).obj
    except ServerError as error:
        if _NO_TYPE in error.message:  # the API server answers 500 to an apply of a wrong type
            raise Invalid(error.message, status=error.status, reason=error.reason) from error
        raise
    except Conflict as error:
        if error.fields:
            raise conflicts.owned_by_others(error, str(wish.ref)) from error
        if live is None or wish.verb is Verb.CREATE:
            raise
        raise _moved(wish, live_object(session.kube, wish.kind, wish.ref)) from error


def _moved(wish: Write, live: Json) -> KubeCarrierError:
    body = wish.body if isinstance(wish.body, dict) else {}
    partial = wish.verb is not Verb.REPLACE
    return conflicts.moved(live, body, if_match=wish.if_match, partial=partial, what=str(wish.ref))


def _written(live: Json | None, wanted: Json, *, dry_run: bool) -> Written:
    before, after = (shown(live) if live else {}), shown(wanted)
    metadata = wanted.get("metadata") or {}
    label = f"{wanted.get('kind')} {metadata.get('namespace') or ''}/{metadata.get('name')}"
    changes = fields.changes(before, after)
    known = "configured" if changes else "unchanged"
    return Written(
        before=before,
        obj=after,
        result="created" if live is None else known,
        changes=changes,
        diff=fields.unified(before, after, label=label.replace(" /", " ")),
        warnings=warnings_of(live or wanted),
        dry_run=dry_run,
    )


def _record(session: Session, wish: Write, what: str, changes: list[fields.Change]) -> None:
    """The audit entry, before the write: `changes` are masked already."""
    listed = {
        change.name: [_short(change.before), _short(change.after)]
        for change in changes[:_AUDITED_FIELDS]
    }
    event, namespace = f"resource-{wish.verb}", wish.ref.namespace
    session.on_record(event, what, namespace=namespace, changes=listed or None)


def _short(value: Any) -> Any:
    """Values of an audit entry, in bounded length."""
    if isinstance(value, str | int | float | bool) or value is None:
        return value[:_AUDITED_LENGTH] if isinstance(value, str) else value
    text = repr(masked(value))
    return value if len(text) <= _AUDITED_LENGTH else f"{text[:_AUDITED_LENGTH]}…"
