"""Values checked by a chart's schema.

Schemas come from strangers. They are compiled with an empty registry, so
no `$ref` is ever fetched from a network or a disk, with the linear-time regex
engine (Helm's Go engine has the same limits), and only after counting the work that schema
and values make together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

import jsonschema_rs

from apps.values import MAX_DEPTH, check_depth, format_path, walk
from kubecarrier.lib.errors import InvalidError

MAX_ISSUES: Final = 100
MAX_SCHEMA_NODES: Final = 200_000
MAX_SCHEMA_WORK: Final = 5_000_000
MAX_SCHEMA_PAIRS: Final = 500_000
_MAX_MESSAGE: Final = 500
_REGEX_BYTES: Final = 1024 * 1024


class SchemaCode(StrEnum):
    """Why a schema was refused."""

    INVALID = "schema_invalid"
    REFERENCE = "schema_reference"
    TOO_COMPLEX = "schema_too_complex"


class SchemaError(InvalidError):
    """A schema that cannot be used: the chart is at fault, not the values."""


@dataclass(frozen=True, slots=True)
class SchemaIssue:
    """A violation: where in the values, which keyword, and a sentence.

    The sentence names the rule, not the value: values may hold secrets.
    """

    path: str
    rule: str
    message: str


def validate(values: Mapping[str, object], schema: Mapping[str, object]) -> list[SchemaIssue]:
    """All violations, at most 100, in document order; empty if valid.

    Raises `SchemaError`: `schema_invalid`, `schema_reference` (a `$ref` that
    leaves the document), `schema_too_complex`.
    """
    check_depth(values)
    _check_schema(schema, values)
    validator = _compiled(schema)
    issues: list[SchemaIssue] = []
    for error in validator.iter_errors(dict(values)):
        issues.append(_issue(error))
        if len(issues) == MAX_ISSUES:
            break
    return issues


def _compiled(schema: Mapping[str, object]) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(
            dict(schema),
            registry=jsonschema_rs.Registry([]),
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES
            ),
            mask="the value",
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as exc:
        raise SchemaError(
            SchemaCode.INVALID, f"The chart's values schema is not usable: {_line(str(exc))}"
        ) from None


def _line(text: str) -> str:
    return text.splitlines()[0][:_MAX_MESSAGE] if text else ""


def _issue(error: jsonschema_rs.ValidationError) -> SchemaIssue:
    path = format_path([step for step in error.instance_path if isinstance(step, str | int)])
    return SchemaIssue(path, error.kind.name, _line(error.message))


_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def _check_schema(schema: Mapping[str, object], values: Mapping[str, object]) -> None:
    """Bounds size, depth and the work to come; refuses references outward."""
    named: dict[str, list[Mapping[str, object]]] = {}
    for count, (node, depth) in enumerate(walk(schema)):
        if depth > MAX_DEPTH or count > MAX_SCHEMA_NODES:
            raise _too_complex()
        if isinstance(node, Mapping):
            _check_references(node, at_root=depth == 0)
            for keyword in ("$anchor", "$dynamicAnchor"):
                named.setdefault(str(node.get(keyword)), []).append(node)
    if _Work(schema, named).of(values) > MAX_SCHEMA_WORK:
        raise _too_complex()


def _too_complex() -> SchemaError:
    message = "The chart's values schema is too large, too deep or too much work for these values."
    return SchemaError(SchemaCode.TOO_COMPLEX, message)


def _check_references(node: Mapping[str, object], *, at_root: bool) -> None:
    """No reference leaves the document, and no part of it gives `#` another meaning."""
    for keyword in _REFERENCES:
        target = node.get(keyword)
        if isinstance(target, str) and not target.startswith("#"):
            message = "The chart's values schema refers to another document; none is fetched."
            raise SchemaError(SchemaCode.REFERENCE, message, reference=target[:200])
    if not at_root and any(isinstance(node.get(keyword), str) for keyword in ("$id", "id")):
        message = "The chart's values schema holds a document of its own ($id) inside."
        raise SchemaError(SchemaCode.REFERENCE, message)


_IN_PLACE_LISTS: Final = ("allOf", "anyOf", "oneOf")
_IN_PLACE: Final = ("not", "if", "then", "else")
_IN_PLACE_MAPS: Final = ("dependentSchemas", "dependencies")
_FOR_EACH_MEMBER: Final = ("additionalProperties", "unevaluatedProperties")
_FOR_EACH_ITEM: Final = ("items", "additionalItems", "contains", "unevaluatedItems")

# A pair that is being counted: to meet it again is a reference that consumes no value.
_OPEN: Final = -1

type _Pair = tuple[Mapping[str, object], object]


@dataclass(slots=True)
class _Frame:
    key: tuple[int, int]
    todo: Iterator[_Pair]
    total: int = 1


@dataclass(slots=True)
class _Work:
    """How many times a validator would apply a subschema to a value, counted beforehand.

    The validator is native code that cannot be interrupted, and a recursive
    schema with two branches applied to values 90 levels deep takes longer than
    the universe. Counting each (subschema, value) pair once gives the number
    without doing the work. It is a little too high: patterns of property names
    count as matching.
    """

    root: Mapping[str, object]
    named: Mapping[str, list[Mapping[str, object]]]
    known: dict[tuple[int, int], int] = field(default_factory=dict)

    def of(self, values: Mapping[str, object]) -> int:
        """The count, no longer exact once over `MAX_SCHEMA_WORK`. No recursion."""
        result = 0
        stack = [self._frame(self.root, values)]
        while stack:
            frame = stack[-1]
            pair = next(frame.todo, None)
            if pair is None:
                stack.pop()
                self.known[frame.key] = result = min(frame.total, MAX_SCHEMA_WORK + 1)
                if stack:
                    stack[-1].total += result
                continue
            key = (id(pair[0]), id(pair[1]))
            known = self.known.get(key)
            if known == _OPEN:
                raise SchemaError(SchemaCode.INVALID, "The chart's values schema never ends.")
            if known:
                frame.total += known
            else:
                stack.append(self._frame(*pair))
            if len(self.known) > MAX_SCHEMA_PAIRS:
                return MAX_SCHEMA_WORK + 1
        return result

    def _frame(self, schema: Mapping[str, object], value: object) -> _Frame:
        key = (id(schema), id(value))
        self.known[key] = _OPEN
        return _Frame(key, self._pairs(schema, value))

    def _pairs(self, schema: Mapping[str, object], value: object) -> Iterator[_Pair]:
        for each in self._in_place(schema):
            yield each, value
        if isinstance(value, Mapping):
            yield from _member_pairs(schema, value)
        elif isinstance(value, list):
            yield from _item_pairs(schema, value)

    def _in_place(self, schema: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
        for keyword in _IN_PLACE_LISTS:
            yield from _schemas(schema.get(keyword))
        yield from _schemas([schema.get(keyword) for keyword in _IN_PLACE])
        for keyword in _IN_PLACE_MAPS:
            yield from _schemas(schema.get(keyword))
        for keyword in _REFERENCES:
            yield from self._targets(schema.get(keyword))

    def _targets(self, pointer: object) -> Iterator[Mapping[str, object]]:
        """What `#/a/b` or `#name` names."""
        if not isinstance(pointer, str):
            return
        if pointer.startswith("#/") or pointer == "#":
            yield from _schemas([_pointed(self.root, pointer)])
        else:
            yield from self.named.get(pointer.removeprefix("#"), [])


def _schemas(value: object) -> Iterator[Mapping[str, object]]:
    """The subschemas in a list or a map; true and false cost nothing."""
    listed = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, Mapping | list):
        yield from (each for each in listed or () if isinstance(each, Mapping))  # type: ignore[attr-defined]


def _member_pairs(schema: Mapping[str, object], value: Mapping[str, object]) -> Iterator[_Pair]:
    own = schema.get("properties")
    named = own if isinstance(own, Mapping) else {}
    patterns = list(_schemas(schema.get("patternProperties")))
    others = list(_schemas([schema.get(keyword) for keyword in _FOR_EACH_MEMBER]))
    names = list(_schemas([schema.get("propertyNames")]))
    for key, member in value.items():
        for each in (*_schemas([named.get(key)]), *patterns, *others):
            yield each, member
        for each in names:
            yield each, key


def _item_pairs(schema: Mapping[str, object], value: list[object]) -> Iterator[_Pair]:
    subschemas = list(_schemas([schema.get(keyword) for keyword in _FOR_EACH_ITEM]))
    for keyword in ("items", "prefixItems"):
        listed = schema.get(keyword)
        subschemas += _schemas(listed) if isinstance(listed, list) else ()
    for item in value:
        for each in subschemas:
            yield each, item


def _pointed(root: Mapping[str, object], pointer: str) -> object:
    place: object = root
    for part in pointer.removeprefix("#").split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping):
            place = place.get(key)
        elif isinstance(place, list) and key.isdecimal() and int(key[:6]) < len(place):
            place = place[int(key[:6])]
        else:
            return None
    return place
