"""What the inventory keeps of an object, taken at the door: the rest is forgotten at once.

A cluster with 10,000 pods has 50 MB of them; what is kept of each is some
hundred bytes. No value of a Secret or of a ConfigMap gets past this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from fleet.health import health
from fleet.health.types import part
from fleet.inventory.columns import columns_of
from fleet.inventory.jsonpath import value_at

Json = dict[str, Any]
_CELL_LIMIT = 200
_ITEMS = 100  # of a list or mapping in a column
_WORDS_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Shape:
    """Of one kind; equal shapes keep the same. `printer`: a CRD's columns, name and JSONPath."""

    api_version: str
    kind: str
    printer: tuple[tuple[str, str], ...] = ()

    def __call__(self, obj: Json) -> Json:
        """`metadata` (identity, labels, version), `owner`, `columns`, `health`. Never raises."""
        whole = {**obj, "apiVersion": self.api_version, "kind": self.kind}
        metadata = part(obj, "metadata")
        found = health(whole)
        return {
            "metadata": {
                "uid": metadata.get("uid"),
                "name": metadata.get("name"),
                "namespace": metadata.get("namespace"),
                "labels": part(metadata, "labels"),
                "resourceVersion": metadata.get("resourceVersion"),
                "creationTimestamp": metadata.get("creationTimestamp"),
            },
            "owner": _owner(metadata),
            "columns": _bounded(self._columns(whole)),
            "health": [found.status.value, _bounded(found.reason), _bounded(found.message)],
        }

    def _columns(self, obj: Json) -> Json:
        """An object of an odd form has no columns; it is listed all the same."""
        try:
            if self.printer:
                cells = {name: _cell(value_at(obj, path)) for name, path in self.printer}
                return {name: cell for name, cell in cells.items() if cell not in (None, "")}
            return columns_of(self.api_version.rpartition("/")[0], self.kind, obj)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return {}


def _owner(metadata: Json) -> Json:
    """The controller, else the first owner."""
    owners = [one for one in metadata.get("ownerReferences") or () if isinstance(one, dict)]
    if not owners:
        return {}
    chosen = next((one for one in owners if one.get("controller")), owners[0])
    return {key: str(chosen.get(key) or "") for key in ("kind", "name", "uid")}


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text[:_CELL_LIMIT]


def _bounded(value: Any) -> Any:
    """What a cluster says may be long, and may hold NUL, which PostgreSQL stores nowhere."""
    if isinstance(value, str):
        return value.replace("\0", "")[:_WORDS_LIMIT]
    if isinstance(value, list):
        return [_bounded(item) for item in value[:_ITEMS]]
    if isinstance(value, dict):
        return {_bounded(key): _bounded(item) for key, item in list(value.items())[:_ITEMS]}
    return value
