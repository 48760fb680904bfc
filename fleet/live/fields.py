"""Two forms of one object, field by field: what differs, and who wrote it. Pure.

A path is a tuple of keys, list positions and `Named` list items, because that
is how server-side apply tells the items of a list apart.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubecarrier.lib import strict_yaml

Json = dict[str, Any]

# Written by the server with every change: no difference that anybody made.
_NOISE = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"}
)
_KEYS = ("name", "key", "containerPort", "port", "type", "ip")
MAX_CHANGES = 200
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Named:
    """A list item by one of its fields, as `k:{"name":"web"}` does."""

    key: str
    value: Any

    def __str__(self) -> str:
        return f"[{self.key}={self.value}]"


Path = tuple[str | int | Named, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One field; None stands for absent."""

    path: Path
    before: Any
    after: Any

    @property
    def name(self) -> str:
        """`spec.template.spec.containers[name=web].image`."""
        return dotted(self.path)


def dotted(path: Path) -> str:
    """A path as people write it; keys with dots stand in brackets."""
    text = ""
    for step in path:
        match step:
            case Named():
                text += str(step)
            case int():
                text += f"[{step}]"
            case str() if "." in step or "/" in step:
                text += f"[{step}]"
            case _:
                text += f".{step}" if text else step
    return text


def changes(before: Json, after: Json) -> list[Change]:
    """The differing fields in order, at most `MAX_CHANGES`; what the server itself writes is left out."""
    found: list[Change] = []
    for change in _differing((), clean(before), clean(after)):
        found.append(change)
        if len(found) == MAX_CHANGES:
            break
    return found


def clean(obj: Json) -> Json:
    """Without what the server writes with every change."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return obj
    return {**obj, "metadata": {k: v for k, v in metadata.items() if k not in _NOISE}}


def text_of(obj: Json) -> str:
    """The YAML that is compared; nothing for an object that is not there."""
    return strict_yaml.dump(clean(obj)) if obj else ""


def unified(before: Json, after: Json, *, label: str) -> str:
    """A diff of both as YAML; empty when they are equal."""
    old, new = (text_of(obj).splitlines() for obj in (before, after))
    lines = difflib.unified_diff(old, new, f"live {label}", f"wanted {label}", n=3, lineterm="")
    return "\n".join(lines)


def _differing(path: Path, before: Any, after: Any) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}, key=str):
            yield from _differing(
                (*path, str(key)), before.get(key, _MISSING), after.get(key, _MISSING)
            )
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, before, after)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Change(path, _value(before), _value(after))


def _lists(path: Path, before: list[Any], after: list[Any]) -> Iterator[Change]:
    key = _key_of([*before, *after])
    if key is None:
        for position in range(max(len(before), len(after))):
            yield from _differing((*path, position), _at(before, position), _at(after, position))
        return
    old, new = ({item[key]: item for item in items} for items in (before, after))
    if len(old) < len(before) or len(new) < len(after):
        yield Change(path, before, after)
        return
    if list(old) != list(new) and set(old) == set(new):  # containers start in their order
        yield Change(path, list(old), list(new))
    for value in dict.fromkeys([*old, *new]):
        yield from _differing(
            (*path, Named(key, value)), old.get(value, _MISSING), new.get(value, _MISSING)
        )


def _key_of(items: list[Any]) -> str | None:
    """The field that tells the items of a list apart, as Kubernetes' own lists have it."""
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for key in _KEYS:
        if all(isinstance(item.get(key), str | int) for item in items):
            return key
    return None


def _at(items: list[Any], position: int) -> Any:
    return items[position] if position < len(items) else _MISSING


def _value(value: Any) -> Any:
    return None if value is _MISSING else value


# --- who wrote it ------------------------------------------------------------------------------


def writer(path: Path, managed_fields: list[Json]) -> tuple[str, str]:
    """The field manager that last wrote `path`, and when; empty where nobody claims it."""
    found = [
        (str(entry.get("time") or ""), str(entry.get("manager") or ""))
        for entry in managed_fields
        if _owns(entry.get("fieldsV1") or {}, path)
    ]
    at, manager = max(found, default=("", ""))
    return manager, at


def _owns(tree: Json, path: Path) -> bool:
    """Whether an ownership tree reaches the path, or ends above it (an atomic field)."""
    for depth, step in enumerate(path):
        below = _step(tree, step)
        if below is None:
            return depth > 0 and not {key for key in tree if key != "."}
        tree = below
    return True


def _step(tree: Json, step: str | int | Named) -> Json | None:
    if isinstance(step, Named):
        for key, below in tree.items():
            if key.startswith("k:") and _fits(key[2:], step):
                return dict(below)
        return None
    key = f"i:{step}" if isinstance(step, int) else f"f:{step}"
    return dict(tree[key]) if key in tree else None


def _fits(text: str, step: Named) -> bool:
    try:
        key = json.loads(text)
    except ValueError:
        return False
    return isinstance(key, dict) and key.get(step.key) == step.value
