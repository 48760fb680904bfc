"""`?watch=1`: a list as server-sent events, each change once.

The rows are looked at once a second while somebody watches: status changes
come from other processes, and the database is the only thing all share. Who
watches, and what they may see, is asked for anew at each look: a revoked token
or a disabled person ends the stream, what left somebody's rights leaves it as
DELETED, and what came into them is ADDED.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from asgiref.sync import sync_to_async
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

LOOK_SECONDS = 1.0
BOOKMARK_SECONDS = 15.0
MAX_SECONDS = 3600.0
MAX_ROWS = 2000

# The rows as the watcher may see them now; None: nobody watches any more.
Rows = Callable[[], QuerySet[Any] | None]
Attach = Callable[[Sequence[Any]], None]
Export = Callable[[Any], dict[str, Any]]
# By key: the stamp under which a row was last shown, and its document.
Known = dict[Any, tuple[Any, dict[str, Any]]]


def stream(
    rows: Rows, export: Export, *, seconds: float, attach: Attach | None = None
) -> StreamingHttpResponse:
    """An endless answer of `change` events; ends after `seconds`, the client comes back.

    `attach` is given the rows before they are exported.
    """
    response = StreamingHttpResponse(
        _events(rows, Exported(export, attach), min(seconds, MAX_SECONDS)),
        content_type="text/event-stream",
    )
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


@dataclass(frozen=True, slots=True)
class Exported:
    """Rows with their documents."""

    export: Export
    attach: Attach | None

    def __call__(self, rows: Iterable[Any]) -> list[tuple[Any, dict[str, Any]]]:
        listed = list(rows)
        if self.attach:
            self.attach(listed)
        return [(row, self.export(row)) for row in listed]


async def _events(rows: Rows, exported: Exported, seconds: float) -> AsyncIterator[bytes]:
    known: Known = {}
    look = sync_to_async(_looked, thread_sensitive=False)
    ends_at = time.monotonic() + seconds
    bookmark_at = time.monotonic() + BOOKMARK_SECONDS
    while time.monotonic() < ends_at:
        changes = await look(rows, exported, known)
        if changes is None:
            return
        for change in changes:
            yield _event(change)
        if time.monotonic() > bookmark_at:
            yield _event({"type": "BOOKMARK", "object": None})
            bookmark_at = time.monotonic() + BOOKMARK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)


def _looked(rows: Rows, exported: Exported, known: Known) -> list[dict[str, Any]] | None:
    """What changed in what the watcher may see now; None: nobody watches any more."""
    shown = rows()
    return None if shown is None else _look(shown, exported, known)


def _look(rows: QuerySet[Any], exported: Exported, known: Known) -> list[dict[str, Any]]:
    """What changed since `known`, which is brought up to date."""
    stamps = _stamps(rows.order_by("pk")[:MAX_ROWS], exported)
    changed = [pk for pk, at in stamps.items() if pk not in known or known[pk][0] != at]
    changes = []
    for row, document in exported(rows.filter(pk__in=changed)):
        kind = "MODIFIED" if row.pk in known else "ADDED"
        known[row.pk] = (stamps[row.pk], document)
        changes.append({"type": kind, "object": known[row.pk][1]})
    for pk in [pk for pk in known if pk not in stamps]:
        changes.append({"type": "DELETED", "object": known.pop(pk)[1]})
    return changes


def _stamps(rows: QuerySet[Any], exported: Exported) -> dict[Any, Any]:
    """By key, what differs once the row does: its time, or all of it where it has none."""
    columns = {field.name for field in rows.model._meta.concrete_fields}
    for moment in ("updated_at", "seen_at"):  # observed rows: when they were last seen to change
        if moment in columns:
            return dict(rows.values_list("pk", moment))
    return {row.pk: document for row, document in exported(rows)}


def _event(change: dict[str, Any]) -> bytes:
    return b"event: change\ndata: " + orjson.dumps(change, default=str) + b"\n\n"
