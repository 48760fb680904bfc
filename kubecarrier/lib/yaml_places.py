"""Where in a YAML text a value stands, so that a complaint about it can point there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import yaml

Step = str | int
_STEP: Final = re.compile(r"\[(\d{1,6})\]|\.?((?:[^.\[\]\\]|\\.)+)")
_DEPTH: Final = 200
_NODES: Final = (
    200_000  # as many as the reader takes; an alias is walked as often as it stands there
)


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, from 1."""

    line: int
    column: int


class Places:
    """The places of all keys and items of a text that the strict reader took: its depth is bounded."""

    def __init__(self, text: str) -> None:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        self._known = dict(islice(_walk(node, (), 0), _NODES))

    def at(self, path: Sequence[Step]) -> Place:
        """Of the value at `path`, or of the nearest that is above it."""
        steps = tuple(path)
        while steps and steps not in self._known:
            steps = steps[:-1]
        return self._known.get(steps, Place(1, 1))

    def named(self, path: str) -> Place:
        """As above for `spec.containers[0].image`, the way in which errors name fields."""
        return self.at(steps_of(path))


def steps_of(path: str) -> tuple[Step, ...]:
    """`a.b[0].c` as steps; a backslash keeps the character after it."""
    found: list[Step] = []
    for index, key in _STEP.findall(path):
        found.append(int(index) if index else re.sub(r"\\(.)", r"\1", key))
    return tuple(found)


def _walk(
    node: Any, path: tuple[Step, ...], depth: int
) -> Iterator[tuple[tuple[Step, ...], Place]]:
    if depth > _DEPTH:
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            yield here, _place(key)
            yield from _walk(value, here, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), _place(item)
            yield from _walk(item, (*path, index), depth + 1)


def _place(node: Any) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
