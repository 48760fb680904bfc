"""Wakes grants when one of their objects moved in a cluster: somebody edited it by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from fleet.choices import GRANT_TASK
from fleet.grants.objects import API_VERSION, KINDS, OWNER, SELECTOR
from fleet.models import ClusterGrant
from kubecarrier.lib import lease, watching
from kubecarrier.lib.tasks import enqueue
from kubecarrier.lib.watching import Event, EventType, WatchSpec

_SPECS = [WatchSpec(API_VERSION, kind, SELECTOR) for kind in KINDS]
_PREFIX = "binding/"


def register() -> None:
    """Called once at start."""
    watching.register(GrantWatcher())


class GrantWatcher:
    """Follows roles and their bindings with our label, by metadata only."""

    def specs(self, cluster_id: uuid.UUID) -> list[WatchSpec]:
        """The same three on each cluster."""
        return _SPECS

    def changed(self, cluster_id: uuid.UUID, events: Sequence[Event]) -> None:
        """Whatever moved is looked at; a pass that finds nothing to do is three lists."""
        owners = set(_owners(events))
        if not owners:
            return
        rows = ClusterGrant.objects.filter(cluster=cluster_id, binding__in=owners)
        if lease.wake(rows):
            enqueue(GRANT_TASK)


def _owners(events: Iterable[Event]) -> Iterable[uuid.UUID]:
    for event in events:
        if event.spec not in _SPECS or event.initial or event.type is EventType.LISTED:
            continue
        mark = str((event.obj.get("metadata", {}).get("annotations") or {}).get(OWNER) or "")
        if mark.startswith(_PREFIX):
            try:
                yield uuid.UUID(mark.removeprefix(_PREFIX))
            except ValueError:
                continue
