"""The JSONPath of CRD printer columns, as far as printer columns use it.

Source of the form: `additionalPrinterColumns` of apiextensions.k8s.io/v1 (simple
paths, indexes, wildcards, and filters that compare one field with a text). What
goes beyond gives no value: a column stays empty, nothing fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

Step = Callable[[Any], Iterable[Any]]

_TOKEN = re.compile(
    r"""\.(?P<name>(?:\\.|[^.\[\]\\])+)
    | \[(?P<index>-?\d+)\]
    | \[(?P<all>\*)\]
    | \[['"](?P<quoted>[^'"]+)['"]\]
    | \[\?\(@\.(?P<field>[\w.-]+)\s*==\s*['"](?P<value>[^'"]*)['"]\)\]""",
    re.VERBOSE,
)
_LIMIT = 500


def value_at(obj: Any, path: str) -> Any:
    """The first value there, None without one."""
    steps = _steps(path)
    if steps is None:
        return None
    found: list[Any] = [obj]
    for step in steps:
        found = [value for item in found for value in step(item)]
    return found[0] if found else None


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[Step, ...] | None:
    text = path.strip()
    if len(text) > _LIMIT:
        return None
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    text = text.removeprefix("$")
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        steps.append(_step(match))
        position = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["name"] is not None:
        return _named(match["name"].replace("\\.", "."))
    if match["quoted"] is not None:
        return _named(match["quoted"])
    if match["index"] is not None:
        return _at(int(match["index"]))
    if match["all"] is not None:
        return lambda value: value if isinstance(value, list) else ()
    return _where(match["field"].split("."), match["value"])


def _named(name: str) -> Step:
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _at(index: int) -> Step:
    def step(value: Any) -> Iterable[Any]:
        inside = isinstance(value, list) and -len(value) <= index < len(value)
        return (value[index],) if inside else ()

    return step


def _where(keys: list[str], wanted: str) -> Step:
    def matches(item: Any) -> bool:
        for key in keys:
            item = item.get(key) if isinstance(item, dict) else None
        return bool(item == wanted)

    return lambda value: [one for one in value if matches(one)] if isinstance(value, list) else ()
