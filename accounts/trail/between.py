"""What changed between two times: by object, the first before and the last after. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from accounts.models import AuditEntry

_CREATE, _UPDATE, _DELETE = 0, 1, 2
ACTIONS = (_CREATE, _UPDATE, _DELETE)


@dataclass(slots=True)
class Changed:
    """One object: who touched it how often, and field by field from what to what."""

    kind: str
    name: str
    newest: AuditEntry
    created: bool = False
    deleted: bool = False
    entries: int = 0
    people: list[str] = field(default_factory=list)
    fields: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """`created`, `changed`, `deleted`, or `passed` for what came and went meanwhile."""
        if self.created:
            return "passed" if self.deleted else "created"
        return "deleted" if self.deleted else "changed"


def changed(entries: Iterable[AuditEntry]) -> list[Changed]:
    """By object, in the order of the last change; what ended as it began is left out.

    `entries` are in the order in which they were written.
    """
    found: dict[tuple[int, str], Changed] = {}
    for entry in entries:
        key = (entry.content_type_id, entry.object_pk)
        one = found.pop(key, None) or Changed(entry.kind, entry.object_repr, entry)
        found[key] = one
        _take(one, entry)
    for one in found.values():
        one.fields = {name: pair for name, pair in one.fields.items() if _differs(pair)}
    listed = [one for one in found.values() if one.fields or one.word in {"created", "deleted"}]
    return list(reversed(listed))


def _take(one: Changed, entry: AuditEntry) -> None:
    one.name, one.newest = entry.object_repr, entry
    one.entries += 1
    one.created |= entry.action == _CREATE
    one.deleted = entry.action == _DELETE
    if (who := entry.actor_name) and who not in one.people:
        one.people.append(who)
    for name, pair in (entry.changes or {}).items():
        if isinstance(pair, list) and len(pair) == 2:
            one.fields.setdefault(name, [pair[0], pair[1]])[1] = pair[1]
        elif isinstance(pair, dict):
            _members(one.fields.setdefault(name, ["", ""]), pair)


def _members(pair: list[Any], change: dict[str, Any]) -> None:
    """A relation has no before: who left stands left, who came right, and both cancel."""
    left, came = _names(pair[0]), _names(pair[1])
    newly, gone = set(change.get("came", [])), set(change.get("gone", []))
    left, came = (left | (gone - came)) - newly, (came | (newly - left)) - gone
    pair[:] = ["\n".join(sorted(left)), "\n".join(sorted(came))]


def _names(text: Any) -> set[str]:
    return set(str(text).splitlines())


def _differs(pair: list[Any]) -> bool:
    return bool(pair[0] != pair[1])
