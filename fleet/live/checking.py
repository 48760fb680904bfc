"""What of an object does not fit the schema of its kind, without asking the API server.

Only what people mistype: fields that do not exist, values of another type, words that are not in a
list, and what is missing. All else is said by the dry run that comes before each save.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from fleet.live.schemas import Schema

Json = dict[str, Any]
Path = tuple[str | int, ...]

_DEPTH = 60
_ANY = frozenset({"x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"})
_OPEN = ("additionalProperties", "patternProperties", "oneOf", "anyOf", "allOf")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Misfit:
    """`dropped`: the API server would not refuse it but leave it out."""

    path: Path
    message: str
    dropped: bool = False


def misfits(schema: Schema, document: Json) -> Iterator[Misfit]:
    """In document order."""
    yield from _checked(schema, schema.root, document, ())


def _checked(schema: Schema, node: Any, value: Any, path: Path) -> Iterator[Misfit]:
    found = schema.resolved(node)
    if value is None or len(path) > _DEPTH:  # null is "unset" to Kubernetes
        return
    if not _fits(found, value):
        wanted = "integer or string" if _int_or_string(found) else str(found.get("type"))
        yield Misfit(path, _("This must be of type %(type)s.") % {"type": wanted})
        return
    allowed = found.get("enum")
    if isinstance(allowed, list) and allowed and value not in allowed:
        listed = ", ".join(str(one) or '""' for one in allowed[:20])
        yield Misfit(path, _("This must be one of: %(words)s.") % {"words": listed})
    if isinstance(value, dict):
        yield from _fields(schema, found, value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _checked(schema, found.get("items"), item, (*path, index))


def _fields(schema: Schema, node: Json, value: Json, path: Path) -> Iterator[Misfit]:
    known = node.get("properties") or {}
    others = node.get("additionalProperties")
    closed = bool(known) and not any(node.get(word) for word in (*_OPEN, *_ANY))
    for key, item in value.items():
        if key in known:
            yield from _checked(schema, known[key], item, (*path, key))
        elif isinstance(others, dict):
            yield from _checked(schema, others, item, (*path, key))
        elif closed:
            text = _("There is no field %(name)s here; it would be dropped.") % {"name": key[:80]}
            yield Misfit((*path, key), text, dropped=True)
    for name in node.get("required") or ():
        if value.get(name) is None and "default" not in schema.resolved(known.get(name)):
            yield Misfit(path, _("The field %(name)s is missing.") % {"name": name})


def _fits(node: Json, value: Any) -> bool:
    if _int_or_string(node):
        return isinstance(value, int | str) and not isinstance(value, bool)
    wanted = _TYPES.get(str(node.get("type")))
    if wanted is None or any(node.get(word) for word in ("oneOf", "anyOf")):
        return True
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _int_or_string(node: Json) -> bool:
    return bool(node.get("x-kubernetes-int-or-string")) or node.get("format") == "int-or-string"
