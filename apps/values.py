"""Chart values: read, layered and addressed by path.

Layers follow Helm: maps merge deeply, lists and scalars are replaced, and a
null in a higher layer removes what a lower one set. `merge` also says which
layer each value came from, because "why is this 3?" is the question people ask.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import InvalidError

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 100
_MAX_INDEX: Final = 10_000

type Values = dict[str, object]
type Step = str | int


class ValuesCode(StrEnum):
    """Why values or a path were refused."""

    NOT_A_MAPPING = "values_not_a_mapping"
    PATH = "values_path_invalid"


class ValuesError(InvalidError):
    """Refused values; malformed YAML raises `strict_yaml.YamlError` instead."""


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
        check_depth(layer.values)
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
    check_depth(values)
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
    check_depth(values)
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


# -- depth ---------------------------------------------------------------------------


def check_depth(values: Mapping[str, object]) -> None:
    for _, depth in walk(values):
        if depth > MAX_DEPTH:
            raise strict_yaml.YamlError(
                strict_yaml.YamlCode.TOO_DEEP, f"Values are nested deeper than {MAX_DEPTH} levels."
            )


def walk(value: object) -> Iterator[tuple[object, int]]:
    """Every value below and its depth, without recursion."""
    todo: list[tuple[object, int]] = [(value, 0)]
    while todo:
        here, depth = todo.pop()
        yield here, depth
        if isinstance(here, Mapping):
            todo.extend((child, depth + 1) for child in here.values())
        elif isinstance(here, list):
            todo.extend((child, depth + 1) for child in here)
