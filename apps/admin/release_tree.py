"""A release's objects as a tree: what it deployed, and what that made, with the way to each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.models import Release
from fleet.owner_tree import Branch, grow
from fleet.permissions import visible_inventory

_WORST = {"Degraded": 0, "Missing": 0, "Progressing": 1, "Unknown": 2}


@dataclass(frozen=True, slots=True)
class Line:
    """One object; `depth` says how far below what the release deployed."""

    depth: int
    kind: str
    name: str
    namespace: str
    health: str
    said: str
    url: str
    logs_url: str = ""


def tree_of_release(row: Release, user: Any) -> list[Line]:
    """What is not well first. What lies below comes from the inventory, in one query per level."""
    entries = sorted(row.objects_seen, key=_order)
    known = _known(row, entries, user)
    grow(list(known.values()), row.cluster_id)
    lines: list[Line] = []
    for entry in entries:
        lines.append(_deployed(row, entry))
        if branch := known.get(_place(entry)):
            _below(row, branch, 1, lines)
    return lines


def _order(entry: dict[str, Any]) -> tuple[Any, ...]:
    health = str(entry.get("health") or "").capitalize()
    return _WORST.get(health, 3), str(entry.get("kind")), str(entry.get("name"))


def _place(entry: dict[str, Any]) -> tuple[str, str, str]:
    return str(entry.get("kind")), str(entry.get("namespace") or ""), str(entry.get("name"))


def _known(row: Release, entries: list[dict[str, Any]], user: Any) -> dict[Any, Branch]:
    """The inventory's rows of the objects."""
    names = {str(entry.get("name")) for entry in entries}
    wanted = {_place(entry) for entry in entries}
    found = visible_inventory(user).filter(cluster=row.cluster_id, name__in=names)
    places = (((one.kind, one.namespace, one.name), one) for one in found)
    return {place: Branch(one) for place, one in places if place in wanted}


def _deployed(row: Release, entry: dict[str, Any]) -> Line:
    kind, namespace, name = _place(entry)
    group, _slash, version = str(entry.get("apiVersion") or "v1").rpartition("/")
    said = str(entry.get("message") or entry.get("reason") or "")
    return Line(
        0, kind, name, namespace, str(entry.get("health") or ""), said,
        _live(row, (group, version, kind, namespace, name)),
    )  # fmt: skip


def _below(row: Release, branch: Branch, depth: int, lines: list[Line]) -> None:
    for child in branch.branches:
        one = child.row
        where = (one.group, one.version, one.kind, one.namespace, one.name)
        lines.append(
            Line(
                depth, one.kind, one.name, one.namespace, one.health, one.message or one.reason,
                _live(row, where), _live(row, where, "logs") if one.kind == "Pod" else "",
            )
        )  # fmt: skip
        _below(row, child, depth + 1, lines)


def _live(row: Release, where: tuple[str, ...], page: str = "object") -> str:
    group, version, kind, namespace, name = where
    place = [row.cluster_id, group or "core", version, kind, namespace or "-", name]
    return reverse(f"admin:fleet_live_{page}", args=place)
