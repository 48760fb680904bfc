"""Wakes releases when something of theirs moved in a cluster: Helm's record or an owned object.

An event that shows nothing new against what the release's row recorded wakes
nothing, so that our own writes come to rest: the pass that made them records
what it saw. A row that is being worked on hears of everything, because its
pass may have looked before the event.

Waking is `alarm` + 1 and an earlier `next_reconcile_at`, never a later one. A
changed record, uid or generation, or a deletion, wakes at once. Anything else
(a status) wakes at once too, but then the release's next such wake-up waits
until HEALTH_SECONDS after: it is in the row, so the last one is never lost.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import Case, DateTimeField, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from apps.desired import MANAGED_BY_LABEL, OWNER_ANNOTATION
from apps.helm_records import LABEL_SELECTOR, RecordMeta, latest, record_meta
from apps.models import Release
from apps.objects import owned_fingerprint
from kubecarrier.lib import watching
from kubecarrier.lib.lease import in_seconds
from kubecarrier.lib.tasks import Queue, enqueue
from kubecarrier.lib.watching import Event, EventType, WatchSpec

Json = dict[str, Any]
Key = tuple[str, str]  # namespace and name of a release, as Helm knows it
Place = tuple[str, str, str, str]  # apiVersion, kind, namespace, name of an object

TASK = "apps.tasks.reconcile_releases"
HEALTH_SECONDS = 2.0
RECORDS = WatchSpec("v1", "Secret", LABEL_SELECTOR)
OWNED_SELECTOR = "app.kubernetes.io/managed-by=Helm"
# Config maps and secrets beside a release carry the mark of their application instead.
BESIDE_SELECTOR = f"{MANAGED_BY_LABEL}=kubecarrier"
_NAME = "meta.helm.sh/release-name"
_NAMESPACE = "meta.helm.sh/release-namespace"
_REMEMBERED = 20_000


class Urgency(IntEnum):
    """How much an event matters to a release."""

    NOTHING = 0
    HEALTH = 1
    CHANGE = 2


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a release's row says, for comparing."""

    pk: uuid.UUID
    key: Key
    fingerprint: str
    objects: Mapping[Place, Json]
    leased: bool
    application: uuid.UUID

    @property
    def revision(self) -> int:
        """Helm's revision that was recorded; 0: none."""
        return int(self.fingerprint.partition(":")[0] or 0)


# --- pure: what an event means ---------------------------------------------------------------


def record_urgency(recorded: Recorded, meta: RecordMeta, *, deleted: bool) -> Urgency:
    """Older revisions do not matter: Helm marks them superseded and prunes them by itself."""
    if meta.revision < recorded.revision:
        return Urgency.NOTHING
    if deleted or meta.fingerprint != recorded.fingerprint:
        return Urgency.CHANGE
    return Urgency.HEALTH if recorded.leased else Urgency.NOTHING


def object_urgency(recorded: Recorded, event: Event) -> Urgency:
    """An object that the row does not know matters only while its pass may be making it.

    An entry may hold the `resourceVersion` at which it was seen: then a status
    that changed while nobody watched is found by the first list. Without it
    the first list tells by uid and generation alone.
    """
    metadata = event.obj.get("metadata") or {}
    entry = recorded.objects.get(_place(event.spec, metadata))
    if entry is None:
        return Urgency.HEALTH if recorded.leased else Urgency.NOTHING
    seen, noted = owned_fingerprint(event.obj), (entry.get("uid"), str(entry.get("generation")))
    if event.type is EventType.DELETED or seen[0] != noted[0]:
        return Urgency.CHANGE
    if seen[1] != noted[1]:  # a kind that counts no generation may be written all the time
        return Urgency.HEALTH if seen[1].startswith("rv:") else Urgency.CHANGE
    version = metadata.get("resourceVersion")
    known = seen[1].startswith("rv:") or entry.get("resourceVersion", version) == version
    old = known and (event.initial or "resourceVersion" in entry or seen[1].startswith("rv:"))
    return Urgency.NOTHING if old and not recorded.leased else Urgency.HEALTH


def missing_urgency(recorded: Recorded, event: Event) -> Urgency:
    """After a complete list: something is not there that the row recorded as there."""
    if event.spec == RECORDS:
        name = f"sh.helm.release.v1.{recorded.key[1]}.v{recorded.revision}"
        gone = recorded.revision and (recorded.key[0], name) not in event.present
        return Urgency.CHANGE if gone else Urgency.NOTHING
    expected = {
        (namespace, name)
        for (_, _, namespace, name), entry in recorded.objects.items()
        if _spec_of(entry) == event.spec and entry.get("uid")
    }
    return Urgency.CHANGE if expected - event.present else Urgency.NOTHING


def urgencies(recorded: Sequence[Recorded], events: Sequence[Event]) -> dict[uuid.UUID, Urgency]:
    """How much a batch matters to each release that it concerns."""
    by_key = {item.key: item for item in recorded}
    by_application: dict[uuid.UUID | None, Recorded] = {item.application: item for item in recorded}
    found: dict[uuid.UUID, Urgency] = {}

    def note(item: Recorded | None, urgency: Urgency) -> None:
        if item is not None and urgency:
            found[item.pk] = max(urgency, found.get(item.pk, Urgency.NOTHING))

    for key, meta in latest(_metas(events, deleted=False)).items():
        if key in by_key:
            note(by_key[key], record_urgency(by_key[key], meta, deleted=False))
    for meta in _metas(events, deleted=True):
        gone = by_key.get((meta.namespace, meta.name))
        if gone is not None:
            note(gone, record_urgency(gone, meta, deleted=True))
    for event in events:
        if event.type is EventType.LISTED:
            for item in recorded:
                note(item, missing_urgency(item, event))
        elif event.spec != RECORDS:
            owner = by_key.get(_owner(event.obj)) or by_application.get(_application(event.obj))
            note(owner, object_urgency(owner, event) if owner else Urgency.NOTHING)
    return found


def _metas(events: Iterable[Event], *, deleted: bool) -> list[RecordMeta]:
    wanted = (
        event
        for event in events
        if event.spec == RECORDS
        and event.type is not EventType.LISTED
        and (event.type is EventType.DELETED) == deleted
    )
    return [meta for event in wanted if (meta := record_meta(event.obj))]


def _owner(obj: Json) -> Key:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(_NAMESPACE, "")), str(annotations.get(_NAME, ""))


def _application(obj: Json) -> uuid.UUID | None:
    """The application beside whose release the object stands; anybody could have written the mark."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    kind, _, text = str(annotations.get(OWNER_ANNOTATION, "")).partition("/")
    try:
        return uuid.UUID(text) if kind == "application" else None
    except ValueError:
        return None


def _spec_of(entry: Json) -> WatchSpec:
    """Which watch hears of a noted object."""
    selector = BESIDE_SELECTOR if entry.get("beside") else OWNED_SELECTOR
    return WatchSpec(str(entry["apiVersion"]), str(entry["kind"]), selector)


def _place(spec: WatchSpec, metadata: Json) -> Place:
    namespace, name = str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
    return spec.api_version, spec.kind, namespace, name


# --- the watcher -----------------------------------------------------------------------------


class ReleaseWatcher:
    """Helm's records and the owned kinds of every cluster that has releases."""

    def __init__(self) -> None:
        self._kinds: dict[uuid.UUID, tuple[tuple[Any, ...], frozenset[WatchSpec]]] = {}
        self._woken: dict[uuid.UUID, float] = {}

    def specs(self, cluster_id: uuid.UUID) -> list[WatchSpec]:
        """Records, and the kinds that were seen in its releases; nothing without releases."""
        marks = ("pk", "seen_at", "verified_at", "record_fingerprint", "observed_generation")
        rows = list(Release.objects.filter(cluster_id=cluster_id).values_list(*marks))
        if not rows:
            return []
        self._read_kinds([row for row in rows if self._kinds.get(row[0], ((), None))[0] != row])
        kinds = frozenset[WatchSpec]().union(*(self._kinds[row[0]][1] for row in rows))
        order = attrgetter("api_version", "kind", "label_selector")
        return [RECORDS, *sorted(kinds, key=order)]

    def _read_kinds(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """The large column is read for the rows only that moved since the last time."""
        if len(self._kinds) > _REMEMBERED:
            self._kinds.clear()
        seen = dict(
            Release.objects.filter(pk__in=[row[0] for row in rows]).values_list(
                "pk", "objects_seen"
            )
        )
        for row in rows:
            entries = seen.get(row[0]) or []
            self._kinds[row[0]] = row, frozenset(map(_spec_of, entries))

    def changed(self, cluster_id: uuid.UUID, events: Sequence[Event]) -> None:
        """Wake the releases that the batch concerns."""
        found = urgencies(recorded_in(_concerned(cluster_id, events)), events)
        if not found:
            return
        at_once, later = self._split(found)
        with transaction.atomic():
            raise_alarm(at_once, delay_seconds=0.0)
            raise_alarm(later, delay_seconds=HEALTH_SECONDS)
        if at_once:
            enqueue(TASK, queue=Queue.HELM)

    def _split(self, found: Mapping[uuid.UUID, Urgency]) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
        """Those to wake now, and those whose last health wake-up is too fresh."""
        now = time.monotonic()
        later = [
            pk
            for pk, urgency in found.items()
            if urgency is Urgency.HEALTH and now - self._woken.get(pk, -60.0) < HEALTH_SECONDS
        ]
        at_once = [pk for pk in found if pk not in set(later)]
        if len(self._woken) > _REMEMBERED:
            self._woken.clear()
        self._woken.update(dict.fromkeys(at_once, now))
        return at_once, later


def raise_alarm(pks: Collection[uuid.UUID], *, delay_seconds: float) -> int:
    """One UPDATE: the alarm counts up, and the row is due after the delay or earlier."""
    if not pks:
        return 0
    due_at = in_seconds(delay_seconds) if delay_seconds else Now()
    earlier = When(next_reconcile_at__lte=due_at, then=F("next_reconcile_at"))
    raised: int = Release.objects.filter(pk__in=pks).status_update(
        alarm=F("alarm") + 1,
        next_reconcile_at=Case(earlier, default=due_at, output_field=DateTimeField()),
    )
    return raised


def _concerned(cluster_id: uuid.UUID, events: Sequence[Event]) -> QuerySet[Release]:
    """The cluster's releases that the batch can concern: all of them after a complete list."""
    rows: QuerySet[Release] = Release.objects.filter(cluster_id=cluster_id)
    if any(event.type is EventType.LISTED for event in events):
        return rows
    keys = {_owner(event.obj) for event in events if event.spec != RECORDS}
    for event in events:
        meta = record_meta(event.obj) if event.spec == RECORDS else None
        if meta is not None:
            keys.add((meta.namespace, meta.name))
    marked = {_application(event.obj) for event in events if event.spec != RECORDS} - {None}
    return rows.filter(
        Q(namespace__in={key[0] for key in keys}, release_name__in={key[1] for key in keys})
        | Q(application_id__in=marked)
    )


def recorded_in(rows: QuerySet[Release]) -> list[Recorded]:
    """The rows' recorded state, one query."""
    leased = Case(When(Q(lease_expires_at__gt=Now()), then=Value(True)), default=Value(False))
    columns = (
        "pk", "namespace", "release_name", "record_fingerprint", "objects_seen", "held", "application_id",
    )  # fmt: skip
    return [
        Recorded(pk, (namespace, name), mark, _by_place(objects), bool(held), application)
        for pk, namespace, name, mark, objects, held, application in rows.annotate(
            held=leased
        ).values_list(*columns)
    ]


def _by_place(entries: Iterable[Json]) -> dict[Place, Json]:
    return {
        (
            str(entry["apiVersion"]),
            str(entry["kind"]),
            str(entry.get("namespace") or ""),
            str(entry["name"]),
        ): entry
        for entry in entries
    }


def register() -> None:
    """Called once at start."""
    watching.register(ReleaseWatcher())
