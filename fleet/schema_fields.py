"""The fields of a kind as a tree with types and descriptions, out of a group version's schemas.

Pure. References are followed as they are met; a type that contains itself ends
where it would begin again. What is answered is bounded, and says where more is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubecarrier.lib.errors import NotFoundError

Json = dict[str, Any]

_REF = "#/components/schemas/"
_GVK = "x-kubernetes-group-version-kind"
_HOPS = 16
_NODES = 600
_TEXT = 4000


@dataclass(slots=True)
class Field:
    """`more`: it has fields that are not listed here, ask for its path."""

    name: str
    type: str
    description: str = ""
    required: bool = False
    default: Any = None
    enum: list[Any] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    more: bool = False


def root_of(schemas: Mapping[str, Json], group: str, version: str, kind: str) -> Json | None:
    """The schema of a kind, None when the document has none."""
    wanted = {"group": group, "version": version, "kind": kind}
    found = (one for one in schemas.values() if wanted in (one.get(_GVK) or ()))
    return next(found, None)


def field_at(schemas: Mapping[str, Json], root: Json, path: Sequence[str], *, depth: int) -> Field:
    """The field at `path`, with `depth` levels below it; raises NotFoundError `field_unknown`.

    Items of lists and values of maps need no name in a path, as with kubectl.
    """
    node, required = root, False
    for number, key in enumerate(path):
        inside = _inside(schemas, node)
        properties = inside.get("properties") or {}
        if key not in properties:
            where = ".".join(path[:number]) or "the kind"
            raise NotFoundError(
                "field_unknown",
                f"There is no field “{key[:80]}” in {where}.",
                field="of",
                hint=f"There are {', '.join(sorted(properties)[:30]) or 'none'}.",
            )
        node, required = properties[key], key in (inside.get("required") or ())
    name = path[-1] if path else ""
    return _Reader(schemas, _NODES).read(name, node, required, depth, ())


class _Reader:
    """Reads fields until so many were read."""

    def __init__(self, schemas: Mapping[str, Json], left: int) -> None:
        self._schemas, self._left = schemas, left

    def read(
        self, name: str, node: Json, required: bool, depth: int, above: tuple[str, ...]
    ) -> Field:
        self._left -= 1
        whole = _resolved(self._schemas, node)
        found = Field(
            name=name,
            type=_type(self._schemas, node),
            description=str(whole.get("description") or "")[:_TEXT],
            required=required,
            default=whole.get("default"),
            enum=list(whole.get("enum") or ())[:100],
        )
        inside = _inside(self._schemas, node)
        properties = inside.get("properties") or {}
        here = _reference(node) or _reference(_element(whole))
        if not properties:
            return found
        if depth <= 0 or here in above or len(properties) > self._left:
            found.more = True
            return found
        wanted = set(inside.get("required") or ())
        below = (*above, here) if here else above
        for key in sorted(properties):
            found.fields.append(self.read(key, properties[key], key in wanted, depth - 1, below))
        return found


def _reference(node: Json) -> str:
    """The schema a node stands for: `$ref`, or `allOf` with one, as Kubernetes writes it."""
    ref = node.get("$ref")
    if not isinstance(ref, str):
        only = node.get("allOf")
        first = only[0] if isinstance(only, list) and len(only) == 1 else {}
        ref = first.get("$ref") if isinstance(first, dict) else None
    return ref.removeprefix(_REF) if isinstance(ref, str) else ""


def _resolved(schemas: Mapping[str, Json], node: Json) -> Json:
    """With references followed; what stands beside a reference wins."""
    for _hop in range(_HOPS):
        name = _reference(node)
        if not name:
            break
        beside = {key: value for key, value in node.items() if key not in {"$ref", "allOf"}}
        node = {**(schemas.get(name) or {}), **beside}
    return node


def _element(node: Json) -> Json:
    """What a list holds, or a map's values."""
    for key in ("items", "additionalProperties"):
        inner = node.get(key)
        if isinstance(inner, dict):
            return inner
    return {}


def _inside(schemas: Mapping[str, Json], node: Json) -> Json:
    """The object whose properties a path goes on with."""
    node = _resolved(schemas, node)
    for _hop in range(_HOPS):
        element = _element(node)
        if "properties" in node or not element:
            break
        node = _resolved(schemas, element)
    return node


def _type(schemas: Mapping[str, Json], node: Json) -> str:
    whole = _resolved(schemas, node)
    word = str(whole.get("type") or "")
    if word == "array":
        return f"[]{_type(schemas, _element(whole))}"
    if word == "object" and "properties" not in whole and _element(whole):
        return f"map[string]{_type(schemas, _element(whole))}"
    if whole.get("x-kubernetes-int-or-string") or whole.get("format") == "int-or-string":
        return "int-or-string"
    if not word and whole.get("oneOf"):
        return "|".join(str(one.get("type")) for one in whole["oneOf"] if isinstance(one, dict))
    return word or "any"
