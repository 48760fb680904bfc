"""Audit entries and operations of one object, as its history shows them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.trail.history import history_of
from kubecarrier.lib import audit

_SHOWN = 50
_DIFF_LINES = 400
_sources: list[Callable[[Any], Any]] = []
_ICONS = {0: "add_circle", 1: "edit", 2: "delete", 3: "bolt"}
_EVENTS = {
    "login": "login", "logout": "logout", "sessions-ended": "logout", "access-ended": "person_off",
    "operation-started": "play_circle", "operation-finished": "task_alt",
    "secret-revealed": "visibility", "resource-reveal": "visibility",
    "audit-exported": "download", "chart-uploaded": "upload", "credential-rotated": "key",
    "chart-downloaded": "download", "kubeconfig-issued": "download",
    "resource-delete": "delete", "resource-scale": "open_in_full", "resource-restart": "refresh",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; long texts come as they are."""

    field: str
    before: str
    after: str

    @property
    def long(self) -> bool:
        return max(len(self.before), len(self.after)) > 80 or "\n" in self.before + self.after

    @property
    def diff(self) -> str:
        """The lines that differ, for texts of several lines on both sides; else nothing."""
        if not (self.before and self.after and "\n" in self.before + self.after):
            return ""
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), n=2, lineterm=""
        )
        return "\n".join(list(lines)[2:][:_DIFF_LINES])


def changes(entry: Any) -> list[Change]:
    """Before and after of an entry."""
    return as_changes(entry.changes or {})


def as_changes(pairs: dict[str, Any]) -> list[Change]:
    """Pairs of before and after by field, as they are shown."""
    return [Change(name, *_pair(pair)) for name, pair in sorted(pairs.items())]


def icon_of(entry: Any) -> str:
    """The symbol of what was done."""
    if entry.result != "ok":
        return "block" if entry.result == "denied" else "error"
    return _EVENTS.get(entry.event) or _ICONS.get(entry.action, "edit")


def _pair(pair: Any) -> tuple[str, str]:
    if isinstance(pair, list | tuple) and len(pair) == 2:
        return _text(pair[0]), _text(pair[1])
    if isinstance(pair, dict) and "came" in pair:  # a relation
        return ", ".join(pair.get("gone", [])), ", ".join(pair["came"])
    return "", _text(pair)


def _text(value: Any) -> str:
    if value in (None, "None"):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def with_changes(entries: Any) -> list[dict[str, Any]]:
    """Entries with their icon and their changes, for a template."""
    return [
        {"entry": entry, "icon": icon_of(entry), "changes": changes(entry)} for entry in entries
    ]


def entries_of(row: Any, *, limit: int = _SHOWN) -> list[dict[str, Any]]:
    """The newest of an object's history, as the acting person may read it."""
    found = history_of(audit.current().actor(), row).select_related("actor", "content_type")
    return with_changes(found.order_by("-timestamp", "-pk")[:limit])


def operations_of(row: Any, *, limit: int = 20) -> list[Any]:
    """The newest operations on an object."""
    return [one for source in _sources for one in source(row)[:limit]]


def add_operations(source: Callable[[Any], Any]) -> None:
    """`source` answers a queryset of an object's operations; told by the app that keeps them, at start."""
    _sources.append(source)
