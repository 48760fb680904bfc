"""Two people edited one object: what each changed, and the one's change on top of the other's. Pure."""

from __future__ import annotations

from typing import Any

from fleet.live import fields

Json = dict[str, Any]

_MISSING: Any = object()


def moved_by_others(base: Json, live: Json) -> list[fields.Change]:
    """What changed since `base` was read, beside the status, which no editor writes."""
    return fields.changes(_wish(base), _wish(live))


def rebased(base: Json, mine: Json, live: Json) -> Json:
    """`live` with what `mine` changed against `base`; where both changed a field, mine stays."""
    found: Json = _merged(_wish(base), _wish(mine), _wish(live))
    metadata = {**found.get("metadata", {})}
    for name in ("resourceVersion", "uid"):
        if value := (live.get("metadata") or {}).get(name):
            metadata[name] = value
    kept = {"status": live["status"]} if "status" in live else {}
    return {**found, "metadata": metadata, **kept}


def _wish(obj: Json) -> Json:
    return fields.clean({key: value for key, value in obj.items() if key != "status"})


def _merged(base: Any, mine: Any, live: Any) -> Any:
    if mine == base:
        return live
    if isinstance(mine, dict) and isinstance(live, dict):
        known = base if isinstance(base, dict) else {}
        found = {}
        for key in [*live, *(key for key in mine if key not in live)]:
            one = _merged(
                known.get(key, _MISSING), mine.get(key, _MISSING), live.get(key, _MISSING)
            )
            if one is not _MISSING:
                found[key] = one
        return found
    return mine
