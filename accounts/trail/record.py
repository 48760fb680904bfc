"""An audit entry as the one record that is served, exported and hashed.

Its canonical text is JSON with sorted keys, no blanks, ASCII only: the SHA-256
of that line is what a seal covers, so that a line of an export can be checked
as it stands, by anything that can hash.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from accounts.models import AuditEntry

# Column → name in the record, in the order in which a CSV shows them.
NAMES = {
    "id": "id",
    "timestamp": "at",
    "actor_name": "actor",
    "actor_id": "actorId",
    "actor_email": "email",
    "channel": "channel",
    "remote_addr": "address",
    "request_id": "requestId",
    "reason": "reason",
    "action": "action",
    "event": "event",
    "result": "result",
    "kind": "kind",
    "object_repr": "object",
    "object_pk": "objectId",
    "content_type_id": "type",
    "cluster": "cluster",
    "cluster_uid": "clusterId",
    "project": "project",
    "project_uid": "projectId",
    "changes_text": "said",
    "changes": "changes",
    "namespace": "namespace",
}
COLUMNS = tuple(NAMES)
# Came after the first seals: a record without it reads as it did when it was sealed.
_LATER = frozenset({"namespace"})
_ACTIONS = {0: "create", 1: "update", 2: "delete", 3: "event"}
_DUMPS = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def record(values: Sequence[Any]) -> dict[str, Any]:
    """The record of a row's `COLUMNS`: plain JSON, empty texts and absent keys as null."""
    found = {name: _plain(value) for name, value in zip(NAMES.values(), values, strict=True)}
    found["action"] = _ACTIONS.get(found["action"], "event")
    return found


def record_of(entry: AuditEntry) -> dict[str, Any]:
    """The record of an entry."""
    return record([getattr(entry, column) for column in COLUMNS])


def canonical(values: Sequence[Any]) -> bytes:
    """The line that is hashed and exported, without its end."""
    found = record(values)
    return _DUMPS(
        {name: value for name, value in found.items() if value is not None or name not in _LATER}
    ).encode()


def rows(entries: Any, *, chunk: int = 2000) -> Iterator[tuple[Any, ...]]:
    """`COLUMNS` of a queryset of entries, a chunk in memory at a time."""
    return iter(entries.values_list(*COLUMNS).iterator(chunk_size=chunk))


def moment(value: datetime) -> str:
    """A time as it stands in records and seals: UTC, microseconds."""
    return value.astimezone(UTC).strftime(_TIME)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if value is None or value == "":
        return None
    return value if isinstance(value, int | dict | list) else str(value)
