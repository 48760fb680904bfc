"""Helm values from files and from `--set`, by Helm's own rules.

`--set a.b=1,list[0].c=x,names={one,two}`: a backslash takes the meaning from
the next character; `true`, `false`, `null` and integers are what they look
like; `--set-string` keeps text. Later sources win; maps merge, anything else
replaces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.errors import usage_error

_INTEGER = re.compile(r"^(0|-?[1-9][0-9]{0,17})$")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
# Helm's own bound, so that `a[999999999]=x` does not eat the memory.
_HIGHEST_INDEX = 65536
_DEEPEST = 30

Step = str | int


def merged(base: Any, more: Any) -> Any:
    """`more` over `base`, as Helm coalesces values files."""
    if not isinstance(base, dict) or not isinstance(more, dict):
        return more
    return {**base, **{key: merged(base.get(key), value) for key, value in more.items()}}


def from_files(files: Sequence[Path]) -> tuple[Document, str]:
    """The merged values of `files`, and the text of the file where there is but one."""
    from kubecarrier.cli import yamlio

    values: Document = {}
    text = ""
    for file in files:
        text = file.read_text(encoding="utf-8-sig")
        loaded = yamlio.load(text, str(file))
        if not isinstance(loaded, dict | None):
            raise usage_error(f"{file} is not a mapping of values.")
        values = merged(values, loaded or {})
    return values, text if len(files) == 1 else ""


def with_sets(values: Document, sets: Sequence[str], strings: Sequence[str]) -> Document:
    """`values` after `--set` and then `--set-string`; raises a usage error."""
    for typed, items in ((True, sets), (False, strings)):
        for item in items:
            for assignment in split(item, ","):
                values = _assigned(values, assignment, typed=typed)
    return values


def merge_patch(old: Document, new: Document) -> Document:
    """What turns `old` into `new` by RFC 7386: removed keys are null."""
    patch: Document = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            inner = merge_patch(before, value)
            patch |= {key: inner} if inner else {}
        elif key not in old or before != value:
            patch[key] = value
    return patch


def split(text: str, separator: str) -> list[str]:
    """Split where `separator` is neither escaped nor inside braces; escapes stay."""
    parts, depth, escaped = [""], 0, False
    for char in text:
        depth += 0 if escaped else (char == "{") - (char == "}")
        if char == separator and not escaped and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
        escaped = char == "\\" and not escaped
    return parts


def _assigned(values: Document, assignment: str, *, typed: bool) -> Document:
    key, *rest = split(assignment, "=")
    if not rest or not key:
        raise usage_error(f"--set {assignment}: expected key=value.")
    changed = _put(values, steps(key), _value("=".join(rest), typed=typed))
    return changed if isinstance(changed, dict) else values


def steps(key: str) -> list[Step]:
    """`a.b[1]` as `["a", "b", 1]`; raises a usage error."""
    found: list[Step] = []
    for part in split(key, "."):
        name, *indexes = split(part, "[")
        if not name:
            raise usage_error(f"--set {key}: a name is empty.")
        found.append(_plain(name))
        found += [_index(key, index) for index in indexes]
    if len(found) > _DEEPEST:
        raise usage_error(f"--set {key}: nested deeper than {_DEEPEST}.")
    return found


def _index(key: str, text: str) -> int:
    digits = text.removesuffix("]")
    if digits == text or not digits.isdecimal() or int(digits[:9]) > _HIGHEST_INDEX:
        raise usage_error(f"--set {key}: “[{text}” is not an index.")
    return int(digits)


def _put(target: Any, path: Sequence[Step], value: Any) -> Any:
    """A copy of `target` with `value` at `path`; lists grow with null."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(target) if isinstance(target, list) else []
        items += [None] * (step + 1 - len(items))
        items[step] = _put(items[step], rest, value)
        return items
    mapping = dict(target) if isinstance(target, dict) else {}
    mapping[step] = _put(mapping.get(step), rest, value)
    return mapping


def _value(text: str, *, typed: bool) -> Any:
    if text.startswith("{") and text.endswith("}"):
        inner = text[1:-1]
        return [_scalar(part, typed=typed) for part in split(inner, ",")] if inner else []
    return _scalar(text, typed=typed)


def _scalar(text: str, *, typed: bool) -> Any:
    if typed and text in _WORDS:
        return _WORDS[text]
    return int(text) if typed and _INTEGER.match(text) else _plain(text)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
