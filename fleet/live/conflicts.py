"""What stands against a write, told so that a person can act: which fields, and whose they are."""

from __future__ import annotations

from typing import Any

from fleet.kube_errors import Conflict
from fleet.live import fields
from fleet.live.shown import masked
from kubecarrier.lib.errors import ConflictError, KubeCarrierError, PreconditionError

Json = dict[str, Any]

_SHOWN = 50


def moved(live: Json, yours: Json, *, if_match: bool, partial: bool, what: str) -> KubeCarrierError:
    """The object changed since it was read: 412 for If-Match, else 409.

    `difference` lists where what you sent differs from what stands there now,
    with the field manager that wrote it last. `partial`: a patch says nothing
    of the fields that it does not hold.
    """
    kind = PreconditionError if if_match else ConflictError
    metadata = live.get("metadata") or {}
    return kind(
        "resource_conflict",
        f"{what} was changed since you read it.",
        hint="Read it again, and apply your change to what stands there now.",
        field="metadata.resourceVersion",
        resourceVersion=metadata.get("resourceVersion"),
        difference=difference(live, yours, partial=partial),
    )


def difference(live: Json, yours: Json, *, partial: bool) -> list[Json]:
    """Path, yours, theirs, and who wrote theirs and when; secrets as fingerprints."""
    managed = (live.get("metadata") or {}).get("managedFields") or []
    mine = {**yours, "kind": live.get("kind"), "apiVersion": live.get("apiVersion")}
    if not partial:
        mine.setdefault("status", live.get("status"))
        if mine["status"] is None:
            del mine["status"]
    listed = []
    for change in fields.changes(masked(mine), masked(live)):
        if partial and change.before is None:
            continue
        manager, at = fields.writer(change.path, managed)
        listed.append(
            {
                "path": change.name,
                "yours": change.before,
                "theirs": change.after,
                "manager": manager,
                "at": at or None,
            }
        )
    return listed[:_SHOWN]


def recreated(what: str) -> ConflictError:
    """The name is the same, the object is not."""
    return ConflictError(
        "resource_recreated",
        f"{what} is another object by now: the one you mean was deleted.",
        hint="Read it again.",
        field="uid",
    )


def owned_by_others(error: Conflict, what: str) -> ConflictError:
    """Server-side apply met fields of other managers."""
    names = ", ".join(sorted({item.manager for item in error.fields}))
    return ConflictError(
        "field_conflict",
        f"Fields of {what} that you want to change belong to {names}.",
        field=error.fields[0].field.lstrip("."),
        hint="force=true takes them over; whoever owns them may write them back.",
        fields=[{"field": item.field, "manager": item.manager} for item in error.fields],
    )
