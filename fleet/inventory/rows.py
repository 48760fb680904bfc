"""Writes what the watches told into the inventory: one transaction per batch, only what is new."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from fleet.inventory.upsert import text, upsert, values_of
from fleet.models import InventoryKind, InventoryObject
from kubecarrier.lib import audit
from kubecarrier.lib.watching import Event, EventType, StreamState, WatchSpec

log = structlog.get_logger(__name__)
Json = dict[str, Any]
Key = tuple[str, str]  # group and kind
Place = tuple[str, str]  # namespace and name

_OBSERVED = "observed in the cluster"
_CHUNK = 500


def take(cluster_id: uuid.UUID, events: Sequence[Event]) -> set[Key]:
    """Write a batch; the kinds of which something changed.

    An object that the database refuses is left out and logged: it must not
    hold up the others for ever.
    """
    try:
        return _take(cluster_id, events)
    except (DataError, IntegrityError):
        if len(events) == 1:
            event = events[0]
            log.exception("object not taken", kind=event.spec.kind, object=_place(event.obj))
            return set()
        return {key for event in events for key in take(cluster_id, [event])}


def _take(cluster_id: uuid.UUID, events: Sequence[Event]) -> set[Key]:
    told, gone, listed = _sorted_out(events)
    known = _known(cluster_id, told)
    now = timezone.now()
    rows = [values_of(cluster_id, one, now) for one in told.values() if _is_news(one, known)]
    fresh = [row for row in rows if row["uid"] not in known and told[row["uid"]].initial]
    doomed = _replaced(cluster_id, fresh)
    kept: dict[Key, set[Place]] = {}
    for event in told.values():
        kept.setdefault(key_of(event.spec), set()).add(_place(event.obj))
    for spec, present in listed.items():
        doomed |= _vanished(cluster_id, key_of(spec), present | kept.get(key_of(spec), set()))
    changed = {(row["group"], row["kind"]) for row in rows} | {
        key_of(spec) for spec in gone.values()
    }
    if not (rows or gone or doomed or listed):
        return changed
    with transaction.atomic(), audit.unaudited(_OBSERVED):
        for uids in _chunks(list(gone)):
            InventoryObject.objects.filter(cluster_id=cluster_id, uid__in=uids).delete()
        for pks in _chunks(list(doomed)):
            InventoryObject.objects.filter(pk__in=pks).delete()
        upsert(rows)
        _note_lists(cluster_id, listed)
    return changed


def heard(cluster_id: uuid.UUID, states: Mapping[WatchSpec, StreamState]) -> None:
    """How the streams are; one statement."""
    now = timezone.now()
    rows = [_kind_row(cluster_id, spec, state, now) for spec, state in states.items()]
    with audit.unaudited(_OBSERVED):
        _write_kinds([row for row in rows if row.heard_at], ["heard_at"])
        _write_kinds([row for row in rows if not row.heard_at], [])


def forget(cluster_id: uuid.UUID, keep: Collection[Key]) -> None:
    """Kinds that are not watched any more leave the inventory."""
    watched = InventoryKind.objects.filter(cluster_id=cluster_id)
    over = [row for row in watched if (row.group, row.kind) not in keep]
    if not over:
        return
    which = Q()
    for row in over:
        which |= Q(group=row.group, kind=row.kind)
    with transaction.atomic():
        InventoryObject.objects.filter(which, cluster_id=cluster_id).delete()
        watched.filter(pk__in=[row.pk for row in over]).delete()


# --- what a batch means --------------------------------------------------------------------------


def _sorted_out(
    events: Iterable[Event],
) -> tuple[dict[str, Event], dict[str, WatchSpec], dict[WatchSpec, frozenset[Place]]]:
    """The last word on each object, what is gone, and the complete lists."""
    told: dict[str, Event] = {}
    gone: dict[str, WatchSpec] = {}
    listed: dict[WatchSpec, frozenset[Place]] = {}
    for event in events:
        if event.type is EventType.LISTED:
            listed[event.spec] = event.present
            continue
        uid = text(event.obj["metadata"].get("uid"), 64)
        if event.type is EventType.DELETED:
            told.pop(uid, None)
            gone[uid] = event.spec
        else:
            gone.pop(uid, None)
            told[uid] = event
    return told, gone, listed


def _known(cluster_id: uuid.UUID, told: Mapping[str, Event]) -> dict[str, tuple[str, str]]:
    """uid → resourceVersion and version of the rows that are there."""
    rows = InventoryObject.objects.filter(cluster_id=cluster_id, uid__in=list(told))
    return {
        uid: (resource_version, version)
        for uid, resource_version, version in rows.values_list("uid", "resource_version", "version")
    }


def _is_news(event: Event, known: Mapping[str, tuple[str, str]]) -> bool:
    """Not what stands there already, nor what a controller that was stopped tells late.

    Only a list may show an older version than the row: a cluster that was restored.
    """
    metadata = event.obj["metadata"]
    row = known.get(text(metadata.get("uid"), 64))
    if row is None:
        return True
    version = text(metadata.get("resourceVersion"), 64)
    if row == (version, event.spec.api_version.rpartition("/")[2]):
        return False
    both = row[0].isdecimal() and version.isdecimal()
    return event.initial or not both or int(version) >= int(row[0])


def _replaced(cluster_id: uuid.UUID, fresh: Sequence[Json]) -> set[int]:
    """Rows whose place was taken by another object while nobody watched."""
    found: set[int] = set()
    place = ("group", "kind", "namespace", "name")
    places = {tuple(row[column] for column in place): row["uid"] for row in fresh}
    for kind in {row["kind"] for row in fresh}:
        names = [row["name"] for row in fresh if row["kind"] == kind]
        there = InventoryObject.objects.filter(cluster_id=cluster_id, kind=kind, name__in=names)
        found |= {
            pk
            for pk, *at, uid in there.values_list("pk", *place, "uid")
            if places.get(tuple(at), uid) != uid
        }
    return found


def _vanished(cluster_id: uuid.UUID, key: Key, present: Collection[Place]) -> set[int]:
    """Rows of a kind that a complete list does not show."""
    rows = InventoryObject.objects.filter(cluster_id=cluster_id, group=key[0], kind=key[1])
    return {
        pk
        for pk, namespace, name in rows.values_list("pk", "namespace", "name")
        if (namespace, name) not in present
    }


# --- rows ----------------------------------------------------------------------------------------


def _kind_row(
    cluster_id: uuid.UUID, spec: WatchSpec, state: StreamState, now: datetime
) -> InventoryKind:
    group, kind = key_of(spec)
    silent = state.silent_seconds
    return InventoryKind(
        cluster_id=cluster_id,
        group=group,
        kind=kind,
        version=spec.api_version.rpartition("/")[2],
        heard_at=None if silent is None else now - timedelta(seconds=silent),
        error_code=text(state.code, 64),
        error_message=text(state.message, 500),
    )


def _note_lists(cluster_id: uuid.UUID, listed: Iterable[WatchSpec]) -> None:
    now = timezone.now()
    rows = [_kind_row(cluster_id, spec, StreamState(0.0), now) for spec in listed]
    for row in rows:
        row.listed_at = now
    _write_kinds(rows, ["heard_at", "listed_at"])


def _write_kinds(rows: Sequence[InventoryKind], columns: Sequence[str]) -> None:
    InventoryKind.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["cluster", "group", "kind"],
        update_fields=["version", "error_code", "error_message", *columns],
    )


# --- small things --------------------------------------------------------------------------------


def key_of(spec: WatchSpec) -> Key:
    return spec.api_version.rpartition("/")[0], spec.kind


def _place(obj: Json) -> Place:
    metadata = obj.get("metadata") or {}
    return text(metadata.get("namespace"), 63), text(metadata.get("name"), 253)


def _chunks[T](items: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
