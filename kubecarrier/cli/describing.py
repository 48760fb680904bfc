"""`describe`: a document as text for people, conditions as a table."""

from __future__ import annotations

import re
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.output import name_of
from kubecarrier.cli.tables import NONE, age, cell, table

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_STEP = "  "
_TIMES = ("createdAt", "updatedAt", "deletionRequestedAt")
_META = frozenset(["name", "labels", *_TIMES])


def described(document: Document) -> str:
    """The whole document: name, labels, times, spec, status, conditions."""
    meta = document.get("metadata") or {}
    status = dict(document.get("status") or {})
    conditions = status.pop("conditions", None)
    head: Document = {"name": name_of(document), "kind": document.get("kind")}
    head["labels"] = meta.get("labels") or {}
    head |= {key: f"{meta[key]} ({age(meta[key])})" for key in _TIMES if meta.get(key)}
    head |= {key: value for key, value in meta.items() if key not in _META}
    lines = [*_fields(head), *_section("Spec", document.get("spec")), *_section("Status", status)]
    return "\n".join([*lines, *_conditions(conditions)])


def title(key: str) -> str:
    """`observedGeneration` as `Observed Generation`; any other key as it is."""
    if not key.isidentifier():
        return key
    return " ".join(word[:1].upper() + word[1:] for word in _WORDS.split(key))


def _section(name: str, value: Any) -> list[str]:
    return [f"{name}:", *_fields(value, 1)] if isinstance(value, dict) and value else []


def _fields(mapping: Document, depth: int = 0) -> list[str]:
    """Scalars in one aligned column, the rest indented below its key."""
    width = max((len(title(key)) for key, v in mapping.items() if _is_short(v)), default=0) + 1
    lines: list[str] = []
    for key, value in mapping.items():
        label = f"{_STEP * depth}{title(str(key))}:"
        if _is_short(value):
            lines.append(f"{label.ljust(len(_STEP) * depth + width)} {cell(value)}".rstrip())
        else:
            lines += [label, *_block(value, depth + 1)]
    return lines


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" not in value.rstrip("\n")
    if isinstance(value, list):
        return all(not isinstance(item, dict | list) and _is_short(item) for item in value)
    return not isinstance(value, dict) or not value


def _block(value: Any, depth: int) -> list[str]:
    indent = _STEP * depth
    if isinstance(value, dict):
        return _fields(value, depth)
    if isinstance(value, str):
        return [f"{indent}{line}".rstrip() for line in value.splitlines()]
    lines: list[str] = []
    for item in value:
        inner = _block(item, depth + 1) if isinstance(item, dict | list) else [f"{indent}  {item}"]
        lines += [f"{indent}- {inner[0].strip()}", *inner[1:]] if inner else [f"{indent}- {NONE}"]
    return lines


def _conditions(conditions: Any) -> list[str]:
    found = [c for c in conditions if isinstance(c, dict)] if isinstance(conditions, list) else []
    if not found:
        return []
    rows = [
        [
            cell(c.get("type")),
            cell(c.get("status")),
            age(c["lastTransitionAt"]) if c.get("lastTransitionAt") else NONE,
            cell(c.get("reason")),
            cell(c.get("message")),
        ]
        for c in found
    ]
    text = table(("Type", "Status", "Since", "Reason", "Message"), rows)
    return ["Conditions:", *(f"{_STEP}{line}" for line in text.splitlines())]
