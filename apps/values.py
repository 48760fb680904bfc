"""Chart values: read, layered, validated and addressed by path.

Layers follow Helm: maps merge deeply, lists and scalars are replaced, and a
null in a higher layer removes what a lower one set. `merge` also says which
layer each value came from, because "why is this 3?" is the question people ask.

Schemas come from strangers too. They are compiled with an empty registry, so
no `$ref` is ever fetched from a network or a disk, with the linear-time regex
engine (Helm's Go engine has the same limits), and only after counting the work that schema
and values make together.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs

from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import InvalidError

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 100
MAX_ISSUES: Final = 100
MAX_SCHEMA_NODES: Final = 200_000
MAX_SCHEMA_WORK: Final = 5_000_000
MAX_SCHEMA_PAIRS: Final = 500_000
_MAX_MESSAGE: Final = 500
_MAX_INDEX: Final = 10_000
_REGEX_BYTES: Final = 1024 * 1024

type Values = dict[str, object]
type Step = str | int


class ValuesCode(StrEnum):
    """Why values, a path or a schema were refused."""

    NOT_A_MAPPING = "values_not_a_mapping"
    PATH = "values_path_invalid"
    SCHEMA = "schema_invalid"
    SCHEMA_REFERENCE = "schema_reference"
    SCHEMA_TOO_COMPLEX = "schema_too_complex"


class ValuesError(InvalidError):
    """Refused values; malformed YAML raises `strict_yaml.YamlError` instead."""


class SchemaError(InvalidError):
    """A schema that cannot be used: the chart is at fault, not the values."""


def parse_values(text: str) -> Values:
    """A mapping from YAML of at most 1 MiB; empty text is an empty mapping.

    Raises `YamlError` and `ValuesError` (`values_not_a_mapping`).
    """
    values = strict_yaml.load(text, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ValuesError(ValuesCode.NOT_A_MAPPING, "Values must be a mapping at the top.")
    return values


# -- layers ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layer:
    """Values with the name of where they come from."""

    name: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Merged:
    """`origins` maps the path of each scalar, list and empty map to its layer's name."""

    values: Values
    origins: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value that is not a non-empty map, and its layer."""

    value: object
    layer: str


@dataclass(slots=True)
class _Node:
    """A map while merging; `layer` is the one that first made it."""

    layer: str
    children: dict[str, _Node | _Leaf] = field(default_factory=dict)


def merge(layers: Sequence[Layer], *, keep_nulls: bool = False) -> Merged:
    """Layers from the lowest to the highest.

    With `keep_nulls` the layers are combined as Helm combines several `-f`
    files: nulls stay, so that Helm can still remove a chart's default. That
    is the form to hand to Helm. Without, the first layer is taken as the
    chart's defaults and the rest coalesced onto it as Helm does when it
    renders: a null removes the default below it, nulls of the defaults
    themselves vanish, and a null with no default below stays. That is the
    form to show and validate. Raises `YamlError` (`yaml_too_deep`).
    """
    for layer in layers:
        _check_depth(layer.values)
    if keep_nulls or not layers:
        return _merged(_combined(layers))
    defaults = _node(layers[0].values, layers[0].name, drop_nulls=True)
    above = _without_null_pairs(_combined(layers[1:]), layers[0].values)
    return _merged(_coalesced(defaults, above))


def _without_null_pairs(node: _Node, defaults: Mapping[str, object]) -> _Node:
    """Helm's one exception, at the top only: a null over a null default vanishes too."""
    kept = {
        key: child
        for key, child in node.children.items()
        if not (isinstance(child, _Leaf) and child.value is None and key in defaults)
        or defaults[key] is not None
    }
    return _Node(node.layer, kept)


def _combined(layers: Sequence[Layer]) -> _Node:
    root = _Node("")
    for layer in layers:
        root = _overlaid(root, _node(layer.values, layer.name, drop_nulls=False))
    return root


def _node(values: Mapping[str, object], layer: str, *, drop_nulls: bool) -> _Node:
    node = _Node(layer)
    for key, value in values.items():
        if isinstance(value, dict):
            node.children[key] = _node(value, layer, drop_nulls=drop_nulls)
        elif value is not None or not drop_nulls:
            node.children[key] = _Leaf(_copied(value), layer)
    return node


def _overlaid(low: _Node, high: _Node) -> _Node:
    result = _Node(high.layer, dict(low.children))
    for key, above in high.children.items():
        below = low.children.get(key)
        both = isinstance(below, _Node) and isinstance(above, _Node)
        result.children[key] = _overlaid(below, above) if both else above  # type: ignore[arg-type]
    return result


def _coalesced(low: _Node, high: _Node) -> _Node:
    result = _Node(high.layer or low.layer, dict(low.children))
    for key, above in high.children.items():
        below = low.children.get(key)
        if isinstance(below, _Node) and isinstance(above, _Node):
            result.children[key] = _coalesced(below, above)
        elif isinstance(above, _Leaf) and above.value is None and below is not None:
            del result.children[key]
        else:
            result.children[key] = above
    return result


def _merged(root: _Node) -> Merged:
    origins: dict[str, str] = {}
    values = _plain(root, (), origins)
    return Merged(values, origins)


def _plain(node: _Node, path: tuple[Step, ...], origins: dict[str, str]) -> Values:
    values: Values = {}
    for key, child in node.children.items():
        here = (*path, key)
        if isinstance(child, _Leaf):
            values[key] = child.value
        else:
            values[key] = _plain(child, here, origins)
        if isinstance(child, _Leaf) or not child.children:
            origins[format_path(here)] = child.layer
    return values


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


# -- paths -------------------------------------------------------------------------

_SPECIAL: Final = re.compile(r"([\\.\[\]])")
_STEP: Final = re.compile(r"(?:(?P<key>(?:[^\\.\[\]]|\\.)+)|\[(?P<index>[0-9]{1,5})\])")


def format_path(steps: Sequence[Step]) -> str:
    """`a.b[0].c`; a dot, bracket or backslash in a key is escaped by a backslash."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            escaped = _SPECIAL.sub(r"\\\1", step)
            text += f".{escaped}" if text else escaped
    return text


def parse_path(path: str) -> tuple[Step, ...]:
    """The steps of a path. Raises `ValuesError` (`values_path_invalid`)."""
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or len(steps) >= MAX_DEPTH:
            raise _bad_path(path)
        key = match["key"]
        steps.append(int(match["index"]) if key is None else re.sub(r"\\(.)", r"\1", key))
        position = _after_step(path, match.end())
    if not steps or isinstance(steps[0], int):
        raise _bad_path(path)
    return tuple(steps)


def _after_step(path: str, position: int) -> int:
    """Skips one dot between steps; a dot at the end, or a key without one, is wrong."""
    if position == len(path) or path[position] == "[":
        return position
    if path[position] != "." or path[position + 1 : position + 2] in ("", ".", "["):
        raise _bad_path(path)
    return position + 1


def _bad_path(path: str) -> ValuesError:
    return ValuesError(ValuesCode.PATH, f"{path[:80]!r} is not a path like a.b[0].c.")


def set_path(values: Mapping[str, object], path: str, value: object) -> Values:
    """A copy of `values` with `value` at `path`; missing maps and the next list item are made.

    Raises `ValuesError` (`values_path_invalid`) if a step does not fit what is
    there: an index into a map, a key into a list, or a gap in a list.
    """
    steps = parse_path(path)
    _check_depth(values)
    root: Any = {key: _copied(item) for key, item in values.items()}
    place = root
    for step, following in itertools.pairwise(steps):
        place = _entered(place, step, [] if isinstance(following, int) else {}, path)
    _put(place, steps[-1], _copied(value), path)
    result: Values = root
    return result


def _entered(place: Any, step: Step, empty: object, path: str) -> Any:
    """The container at `step`, made if there is none (or a scalar) yet."""
    found = _at(place, step, path)
    if not isinstance(found, dict | list):
        _put(place, step, empty, path)
        return empty
    return found


def _at(place: Any, step: Step, path: str) -> Any:
    if isinstance(place, dict) and isinstance(step, str):
        return place.get(step)
    if isinstance(place, list) and isinstance(step, int):
        return place[step] if step < len(place) else None
    raise _bad_path(path)


def _put(place: Any, step: Step, value: object, path: str) -> None:
    _at(place, step, path)
    if isinstance(place, list) and isinstance(step, int):
        if step > len(place) or step > _MAX_INDEX:
            raise _bad_path(path)
        place[step : step + 1] = [value]
    else:
        place[step] = value


def flatten(values: Mapping[str, object]) -> dict[str, object]:
    """Every scalar and empty container by its path, lists opened by index."""
    _check_depth(values)
    return {format_path(steps): value for steps, value in _leaves(values, ())}


def _leaves(value: object, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], object]]:
    children: list[tuple[Step, object]] = []
    if isinstance(value, Mapping):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    if steps and not children:
        yield steps, value
    for step, child in children:
        yield from _leaves(child, (*steps, step))


# -- schemas -----------------------------------------------------------------------


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
    _check_depth(values)
    _check_schema(schema, values)
    validator = _compiled(schema)
    issues: list[SchemaIssue] = []
    for error in validator.iter_errors(dict(values)):
        issues.append(_issue(error))
        if len(issues) == MAX_ISSUES:
            break
    return issues


def _check_depth(values: Mapping[str, object]) -> None:
    for _, depth in _walk(values):
        if depth > MAX_DEPTH:
            raise strict_yaml.YamlError(
                strict_yaml.YamlCode.TOO_DEEP, f"Values are nested deeper than {MAX_DEPTH} levels."
            )


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
            ValuesCode.SCHEMA, f"The chart's values schema is not usable: {_line(str(exc))}"
        ) from None


def _line(text: str) -> str:
    return text.splitlines()[0][:_MAX_MESSAGE] if text else ""


def _issue(error: jsonschema_rs.ValidationError) -> SchemaIssue:
    path = format_path([step for step in error.instance_path if isinstance(step, str | int)])
    return SchemaIssue(path, error.kind.name, _line(error.message))


def _walk(value: object) -> Iterator[tuple[object, int]]:
    """Every value below and its depth, without recursion."""
    todo: list[tuple[object, int]] = [(value, 0)]
    while todo:
        here, depth = todo.pop()
        yield here, depth
        if isinstance(here, Mapping):
            todo.extend((child, depth + 1) for child in here.values())
        elif isinstance(here, list):
            todo.extend((child, depth + 1) for child in here)


_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def _check_schema(schema: Mapping[str, object], values: Mapping[str, object]) -> None:
    """Bounds size, depth and the work to come; refuses references outward."""
    named: dict[str, list[Mapping[str, object]]] = {}
    for count, (node, depth) in enumerate(_walk(schema)):
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
    return SchemaError(ValuesCode.SCHEMA_TOO_COMPLEX, message)


def _check_references(node: Mapping[str, object], *, at_root: bool) -> None:
    """No reference leaves the document, and no part of it gives `#` another meaning."""
    for keyword in _REFERENCES:
        target = node.get(keyword)
        if isinstance(target, str) and not target.startswith("#"):
            message = "The chart's values schema refers to another document; none is fetched."
            raise SchemaError(ValuesCode.SCHEMA_REFERENCE, message, reference=target[:200])
    if not at_root and any(isinstance(node.get(keyword), str) for keyword in ("$id", "id")):
        message = "The chart's values schema holds a document of its own ($id) inside."
        raise SchemaError(ValuesCode.SCHEMA_REFERENCE, message)


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
                raise SchemaError(ValuesCode.SCHEMA, "The chart's values schema never ends.")
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
