"""Follows every cluster for the inventory, and wakes the catalogue when a CRD changes.

What is watched comes from the catalogue (what the cluster serves) and from the
cluster's own rules. A kind leaves the inventory when the catalogue saw that it
is served no more, or when the rules leave it out: never because a watch broke.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models.functions import Now

from fleet.choices import CATALOGUE_TASK
from fleet.inventory import rows
from fleet.inventory.chosen import Served, wanted_specs
from fleet.models import Catalogue, Cluster, ServedResource
from kubecarrier.lib import watching
from kubecarrier.lib.lease import in_seconds
from kubecarrier.lib.tasks import enqueue
from kubecarrier.lib.watching import Event, StreamState, WatchSpec

_DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
# A new CRD is served a moment after it is there, and many often come at once.
_SETTLE_SECONDS = 1.0


class InventoryWatcher:
    """What it remembers per cluster is read again whenever the catalogue or the cluster moved."""

    def __init__(self) -> None:
        self._wanted: dict[uuid.UUID, tuple[tuple[Any, ...], list[WatchSpec]]] = {}

    def specs(self, cluster_id: uuid.UUID) -> list[WatchSpec]:
        """One small query while nothing moved."""
        columns = ("catalogue__read_at", "generation", "inventory_rules")
        found = Cluster.objects.filter(pk=cluster_id).values_list(*columns).first()
        if found is None or found[0] is None:
            return []  # not in the catalogue yet: nothing is known to be gone either
        mark, rules = found[:2], found[2]
        if cluster_id in self._wanted and self._wanted[cluster_id][0] == mark:
            return self._wanted[cluster_id][1]
        listed = wanted_specs(served_in(cluster_id), rules or {})
        self._wanted[cluster_id] = mark, listed
        rows.forget(cluster_id, {rows.key_of(spec) for spec in listed})
        return listed

    def changed(self, cluster_id: uuid.UUID, events: Sequence[Event]) -> None:
        """Write the batch; what a stream that was stopped left in the queue is dropped."""
        wanted = self._now(cluster_id)
        changed = rows.take(cluster_id, [event for event in events if event.spec in wanted])
        if _DEFINITION in changed:
            wake_catalogue(cluster_id)

    def heard(self, cluster_id: uuid.UUID, states: Mapping[WatchSpec, StreamState]) -> None:
        """How fresh what is shown is."""
        wanted = self._now(cluster_id)
        rows.heard(cluster_id, {spec: how for spec, how in states.items() if spec in wanted})

    def _now(self, cluster_id: uuid.UUID) -> frozenset[WatchSpec]:
        return frozenset(self._wanted[cluster_id][1] if cluster_id in self._wanted else ())


def served_in(cluster_id: uuid.UUID) -> list[Served]:
    """What the catalogue says of a cluster; one query."""
    columns = ("type__name", "type__group", "type__kind", "type__custom", "versions")
    found = ServedResource.objects.filter(cluster_id=cluster_id).values_list(*columns)
    return [Served(*row) for row in found]


def wake_catalogue(cluster_id: uuid.UUID) -> None:
    """A CRD came, changed or went: the catalogue looks soon."""
    Catalogue.objects.filter(cluster_id=cluster_id).status_update(
        moved_at=Now(), next_reconcile_at=in_seconds(_SETTLE_SECONDS)
    )
    enqueue(CATALOGUE_TASK)


def register() -> None:
    """Called once at start."""
    watching.register(InventoryWatcher())
