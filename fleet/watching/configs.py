"""Wakes config copies when their object moved in a cluster.

Metadata is enough: it tells the version of every object of ours, and only one
whose version is not the one that its row knows is read. So a secret's value
crosses the network when it is looked at for a reason, and never lies in a
controller's memory. An event that shows the version that we wrote wakes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Case, CharField, Value, When
from django.db.models.functions import Now

from fleet.choices import CONFIG_TASK
from fleet.configs.object import CONFIG_MAP, FIELD_MANAGER, MANAGED_BY_LABEL, SECRET
from fleet.models import ConfigCopy
from kubecarrier.lib import watching
from kubecarrier.lib.tasks import enqueue
from kubecarrier.lib.watching import Event, EventType, WatchSpec

Json = dict[str, Any]
Place = tuple[str, str, str]  # kind, namespace, name

SELECTOR = f"{MANAGED_BY_LABEL}={FIELD_MANAGER}"
_SPECS = {kind: WatchSpec("v1", kind, SELECTOR) for kind in (CONFIG_MAP, SECRET)}
_GONE = "gone"


class ConfigWatcher:
    """Our config maps and secrets of every cluster that has copies."""

    def specs(self, cluster_id: uuid.UUID) -> list[WatchSpec]:
        """The kinds that its copies have."""
        rows = ConfigCopy.objects.filter(cluster_id=cluster_id)
        kinds = rows.order_by().values_list("object_kind", flat=True).distinct()
        return [_SPECS[kind] for kind in sorted(kinds)]

    def changed(self, cluster_id: uuid.UUID, events: Sequence[Event]) -> None:
        """Wake the copies that the batch concerns: one SELECT, and one UPDATE where needed."""
        last, listed = _last(events), _listed(events)
        rows = ConfigCopy.objects.filter(cluster_id=cluster_id)
        if not listed:
            rows = rows.filter(object_name__in={place[2] for place in last})
        known = {
            (kind, namespace, name): (pk, version)
            for pk, kind, namespace, name, version in rows.values_list(
                "pk", "object_kind", "namespace", "object_name", "resource_version"
            )
        }
        seen = suspects(known, last, listed)
        if not seen:
            return
        whens = [When(pk=pk, then=Value(version)) for pk, version in seen.items()]
        with transaction.atomic():
            ConfigCopy.objects.filter(pk__in=seen).status_update(
                watch_version=Case(*whens, output_field=CharField()), next_reconcile_at=Now()
            )
        enqueue(CONFIG_TASK)


def suspects(
    known: Mapping[Place, tuple[uuid.UUID, str]],
    last: Mapping[Place, str],
    listed: Mapping[str, frozenset[tuple[str, str]]],
) -> dict[uuid.UUID, str]:
    """Copies whose object is in another state than the row knows, with that state. Pure.

    `known` are the rows with their version, `last` the newest version of each
    object in a batch, `listed` what a complete list of a kind held.
    """
    found: dict[uuid.UUID, str] = {}
    for place, (pk, version) in known.items():
        present = listed.get(place[0])
        if version and present is not None and place[1:] not in present:
            found[pk] = _GONE
        seen = last.get(place)
        if seen is not None and seen != version and not _older(seen, version):
            found[pk] = seen
    return found


def _last(events: Sequence[Event]) -> dict[Place, str]:
    last: dict[Place, str] = {}
    for event in events:
        if event.type is EventType.LISTED:
            continue
        metadata = event.obj.get("metadata") or {}
        place = (event.spec.kind, str(metadata.get("namespace", "")), str(metadata.get("name", "")))
        version = str(metadata.get("resourceVersion") or "")
        last[place] = f"{_GONE} {version}" if event.type is EventType.DELETED else version
    return last


def _listed(events: Sequence[Event]) -> dict[str, frozenset[tuple[str, str]]]:
    return {e.spec.kind: e.present for e in events if e.type is EventType.LISTED}


def _older(seen: str, known: str) -> bool:
    """Versions of one object that are numbers can be compared (Kubernetes' KEP-5504)."""
    return seen.isdecimal() and known.isdecimal() and int(seen) < int(known)


def register() -> None:
    """Called once at start."""
    watching.register(ConfigWatcher())
