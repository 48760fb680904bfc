"""What is requested and used of what a cluster or a node offers, as bars."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from fleet.models import Cluster, Node


def bars_of(row: Cluster | Node) -> list[dict[str, Any]]:
    """Requested and used against what the nodes offer."""
    bars = []
    for key, label, kind in (
        ("cpu_millicores", _("CPU"), "cores"), ("memory_bytes", _("Memory"), "size"), ("pods", _("Pods"), "count"),
    ):  # fmt: skip
        offered = (row.allocatable or {}).get(key) or 0
        if not offered:
            continue
        requested = (row.requested or {}).get(key)
        used = (row.usage or {}).get(key)
        bars.append({
            "label": label, "kind": kind, "capacity": (row.capacity or {}).get(key), "allocatable": offered,
            "requested": requested, "used": used,
            "percent": _percent(requested, offered), "used_percent": _percent(used, offered),
        })  # fmt: skip
    return bars


def in_short(row: Cluster | Node) -> str:
    """For a list: how much of CPU and memory is requested."""
    known = [one for one in bars_of(row)[:2] if one["percent"] is not None]
    return " · ".join(f"{one['label']} {one['percent']} %" for one in known) or "–"


def _percent(part: int | None, whole: int) -> int | None:
    return None if part is None else min(100, round(100 * part / whole))
