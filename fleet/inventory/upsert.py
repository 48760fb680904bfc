"""Rows of the inventory into the database, many at once.

One prepared statement for all of them: through the ORM's bulk_create a row costs
twice what the database itself needs for it. Values go through the fields' own
preparation, so that both databases get what the ORM would give them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connections, router
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from fleet.models import InventoryObject
from kubecarrier.lib.watching import Event

Json = dict[str, Any]

_WRITTEN = (
    "group", "version", "kind", "namespace", "name", "labels", "owner_kind", "owner_name",
    "owner_uid", "created_at", "resource_version", "columns", "health", "reason", "message",
    "seen_at", "text",
)  # fmt: skip
_FIELDS = ("cluster", "uid", *_WRITTEN)
_TEXTS = frozenset({"CharField", "TextField"})


def upsert(rows: Sequence[Json]) -> None:
    """Write rows of `values_of`, new ones and known ones, inside the caller's transaction.

    In the order of their uids, so that two writers cannot wait for each other in a ring.
    """
    if not rows:
        return
    using = connections[router.db_for_write(InventoryObject)]
    prepare = _Preparation(using)
    listed = [prepare(row) for row in sorted(rows, key=lambda row: str(row["uid"]))]
    with using.cursor() as cursor:
        cursor.executemany(_statement(using.alias), listed)


class _Preparation:
    """Values as the database takes them; a batch has few different clusters and times."""

    def __init__(self, using: Any) -> None:
        self._using = using
        self._fields: list[Any] = [
            None if one.get_internal_type() in _TEXTS else one
            for one in map(InventoryObject._meta.get_field, _FIELDS)
        ]
        self._done: dict[Any, Any] = {}

    def __call__(self, row: Json) -> list[Any]:
        return [
            value if field is None else self._prepared(field, value)
            for field, value in zip(self._fields, row.values(), strict=True)
        ]

    def _prepared(self, field: Any, value: Any) -> Any:
        if isinstance(value, dict):
            return field.get_db_prep_save(value, self._using)
        key = field.name, value
        if key not in self._done:
            self._done[key] = field.get_db_prep_save(value, self._using)
        return self._done[key]


@cache
def _statement(alias: str) -> str:
    """Made of the model's own names alone."""
    quoted = connections[alias].ops.quote_name
    meta = InventoryObject._meta
    fields: dict[str, Any] = {name: meta.get_field(name) for name in _FIELDS}
    names = {name: quoted(field.column) for name, field in fields.items()}
    updates = ", ".join(f"{names[name]} = excluded.{names[name]}" for name in _WRITTEN)
    key = f"({names['cluster']}, {names['uid']})"
    places = ", ".join(["%s"] * len(names))
    parts = ("INSERT INTO", quoted(meta.db_table), "(", ", ".join(names.values()), ") VALUES (")
    return " ".join((*parts, places, ") ON CONFLICT", key, "DO UPDATE SET", updates))


def values_of(cluster_id: uuid.UUID, event: Event, now: datetime) -> Json:
    """Column → value, in the order of the statement."""
    obj, metadata, owner = event.obj, event.obj["metadata"], event.obj.get("owner") or {}
    group, _, version = event.spec.api_version.rpartition("/")
    namespace, name = text(metadata.get("namespace"), 63), text(metadata.get("name"), 253)
    labels = {str(key): str(value) for key, value in (metadata.get("labels") or {}).items()}
    health, reason, message = obj["health"]
    return {
        "cluster": cluster_id,
        "uid": text(metadata.get("uid"), 64),
        "group": group,
        "version": version,
        "kind": event.spec.kind,
        "namespace": namespace,
        "name": name,
        "labels": labels,
        "owner_kind": text(owner.get("kind"), 63),
        "owner_name": text(owner.get("name"), 253),
        "owner_uid": text(owner.get("uid"), 64),
        "created_at": _time(metadata.get("creationTimestamp")),
        "resource_version": text(metadata.get("resourceVersion"), 64),
        "columns": obj.get("columns") or {},
        "health": health,
        "reason": text(reason, 64),
        "message": text(message, 300),
        "seen_at": now,
        "text": searched_text(event.spec.kind, namespace, name, labels),
    }


def searched_text(kind: str, namespace: str, name: str, labels: Mapping[str, str]) -> str:
    """What the search looks in: each label stands between two line ends, to be found whole."""
    told = "\n".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return f"{kind} {namespace}/{name}\n{told}\n".lower()


def text(value: Any, limit: int) -> str:
    """What a column takes."""
    return str(value or "")[:limit]


def _time(value: Any) -> datetime | None:
    """Kubernetes' own form; anything else is no time."""
    try:
        found = parse_datetime(str(value)) if value else None
    except ValueError:
        return None
    return found if found is None or timezone.is_aware(found) else None
