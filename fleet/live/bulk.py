"""One act on several objects: each for itself, with a result per object.

Nothing is all or none here: clusters have no transactions over objects. When
the time is used up the rest is answered as not tried, so that it can be tried
again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleet.kube import ObjectRef, Propagation, Resource
from fleet.live.actions import resource_restart, resource_scale, resource_suspend
from fleet.live.kinds import Named, find_kind
from fleet.live.objects import ref_of
from fleet.live.session import Session
from fleet.live.writing import Verb, Write, resource_delete, resource_write
from kubecarrier.lib.errors import InvalidError, KubeCarrierError, TransientError

Json = dict[str, Any]

MAX_ITEMS = 200
_TOTAL_SECONDS = 45.0
ACTIONS = ("delete", "restart", "scale", "suspend", "resume")


@dataclass(frozen=True, slots=True)
class Item:
    """One object as it was chosen; `uid` "" means whichever has the name now."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object: an `error`, or `data` of the act."""

    item: Item
    error: KubeCarrierError | None = None
    result: str = ""
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """Which act, and how; `replicas` is for scale, `propagation` for delete."""

    action: str
    replicas: int | None = None
    propagation: Propagation = Propagation.BACKGROUND
    dry_run: bool = False


def resource_bulk(session: Session, items: Sequence[Item], act: Act) -> list[Outcome]:
    """Raises InvalidError for an act that is none, or for too many objects."""
    if act.action not in ACTIONS:
        raise InvalidError(
            "action_unknown", f"action is one of {', '.join(ACTIONS)}.", field="action"
        )
    if act.action == "scale" and act.replicas is None:
        raise InvalidError("replicas_missing", "scale needs replicas.", field="replicas")
    _bounded(len(items))
    return _each(items, lambda item: _done(session, item, act))


def resource_apply(
    session: Session, objects: Sequence[Any], *, force: bool = False, dry_run: bool = False
) -> list[Outcome]:
    """Server-side apply of several documents, in their order."""
    _bounded(len(objects))
    items = [_item(obj, position) for position, obj in enumerate(objects)]
    given = iter(objects)
    return _each(items, lambda item: _applied(session, item, next(given), force, dry_run))


def _bounded(count: int) -> None:
    if not 1 <= count <= MAX_ITEMS:
        raise InvalidError(
            "objects_invalid", f"Between 1 and {MAX_ITEMS} objects at once.", field="objects"
        )


def _each(items: Sequence[Item], do: Callable[[Item], Outcome]) -> list[Outcome]:
    ends_at = time.monotonic() + _TOTAL_SECONDS
    found = []
    for item in items:
        if time.monotonic() > ends_at:
            late = TransientError("not_tried", "The time for this request was used up before.")
            found.append(Outcome(item, late))
            continue
        try:
            found.append(do(item))
        except KubeCarrierError as error:
            found.append(Outcome(item, error))
    return found


def _done(session: Session, item: Item, act: Act) -> Outcome:
    kind, ref = kind_and_ref(session, item)
    match act.action:
        case "delete":
            data = resource_delete(
                session, kind, ref,
                propagation=act.propagation, uid=item.uid, dry_run=act.dry_run,
            )  # fmt: skip
        case "restart":
            data = resource_restart(session, kind, ref, dry_run=act.dry_run)
        case "scale":
            replicas = act.replicas or 0
            data = resource_scale(session, kind, ref, replicas=replicas, dry_run=act.dry_run)
        case _:
            suspended = act.action == "suspend"
            data = resource_suspend(session, kind, ref, suspended=suspended, dry_run=act.dry_run)
    return Outcome(item, result=act.action, data=data)


def _applied(session: Session, item: Item, obj: Json, force: bool, dry_run: bool) -> Outcome:
    kind, ref = kind_and_ref(session, item)
    wish = Write(Verb.APPLY, kind, ref, obj, force=force)
    written = resource_write(session, wish, dry_run=dry_run)
    data = {"object": written.obj, "diff": written.diff, "warnings": written.warnings}
    return Outcome(item, result=written.result, data=data)


def kind_and_ref(session: Session, item: Item) -> tuple[Resource, ObjectRef]:
    """The served kind of an item, and the reference to it; raises NotFoundError, InvalidError."""
    group, _, version = item.api_version.rpartition("/")
    with session.doing("read what the cluster serves"):
        kind = find_kind(session.kube, Named(item.kind, group, version))
    return kind, ref_of(kind, namespace=item.namespace, name=item.name)


def _item(obj: Any, position: int) -> Item:
    """What a document says it is; raises InvalidError with its place in the list."""
    metadata = obj.get("metadata") if isinstance(obj, dict) else None
    if not isinstance(obj, dict) or not isinstance(metadata, dict):
        raise _incomplete(f"objects[{position}]")
    return Item(
        _said(obj, "apiVersion", f"objects[{position}].apiVersion"),
        _said(obj, "kind", f"objects[{position}].kind"),
        _said(metadata, "namespace", f"objects[{position}].metadata.namespace", needed=False),
        _said(metadata, "name", f"objects[{position}].metadata.name"),
    )


def _said(where: Json, key: str, path: str, *, needed: bool = True) -> str:
    value = where.get(key) or ""
    if not isinstance(value, str) or (needed and not value):
        raise _incomplete(path)
    return value


def _incomplete(path: str) -> InvalidError:
    return InvalidError(
        "kube_object_incomplete",
        "An object needs apiVersion, kind and metadata.name, each a text.",
        field=path,
    )
