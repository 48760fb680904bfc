"""Hears of a project's namespaces and quotas in the clusters.

What a quota says is used goes into its row as it comes, in one write per batch;
an object that is not as wanted, or is gone, wakes its copy.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from fleet.choices import PROJECT_COPY_TASK, NamespaceState
from fleet.models import ProjectCopy, ProjectNamespace
from fleet.projects import copies as project_copies
from fleet.projects.objects import (
    PROJECT,
    NamespaceWish,
    Owner,
    namespace_patch,
    owner_mark,
    quota_body,
    same_quota,
)
from fleet.reconcilers.projectcopy_job import wish_of
from kubecarrier.lib import audit, watching
from kubecarrier.lib.tasks import enqueue
from kubecarrier.lib.watching import Event, EventType, WatchSpec

Json = dict[str, Any]

_NAMESPACE = WatchSpec("v1", "Namespace", PROJECT)
_SPECS = [
    _NAMESPACE,
    *(
        WatchSpec("v1", kind, PROJECT, metadata_only=False)
        for kind in ("ResourceQuota", "LimitRange")
    ),
]


class ProjectWatcher:
    """Namespaces, quotas and limit ranges of every cluster that has projects."""

    def specs(self, cluster_id: uuid.UUID) -> list[WatchSpec]:
        """Nothing where there is no project."""
        return _SPECS if ProjectCopy.objects.filter(cluster_id=cluster_id).exists() else []

    def changed(self, cluster_id: uuid.UUID, events: Sequence[Event]) -> None:
        """Write what is used, wake what is not as wanted."""
        rows = {row.name: row for row in _concerned(cluster_id, events)}
        used, suspects = [], set()
        for event in events:
            if event.type is EventType.LISTED:
                suspects |= {row.copy_id for row in rows.values() if missing(row, event)}
                continue
            row = rows.get(namespace_of(event))
            if row is None:
                continue
            if differs(row, event):
                suspects.add(row.copy_id)
            quota = quota_of(event)
            if quota is not None and quota != row.quota:
                row.quota = quota
                used.append(row)
        _write(used, suspects)


def _concerned(cluster_id: uuid.UUID, events: Iterable[Event]) -> Iterable[ProjectNamespace]:
    rows = ProjectNamespace.objects.filter(cluster_id=cluster_id).select_related("project")
    if any(event.type is EventType.LISTED for event in events):
        return rows
    return rows.filter(name__in={namespace_of(event) for event in events})


def _write(used: list[ProjectNamespace], suspects: set[uuid.UUID]) -> None:
    if not used and not suspects:
        return
    with transaction.atomic():
        if used:
            rows = list({row.pk: row for row in used}.values())
            with audit.unaudited("observed in the cluster"):
                ProjectNamespace.objects.bulk_update(rows, ["quota"], batch_size=200)
            project_copies.wake_counted({row.project_id for row in rows})
        if suspects:
            ProjectCopy.objects.filter(pk__in=suspects).status_update(next_reconcile_at=Now())
    if suspects:
        enqueue(PROJECT_COPY_TASK)


# --- pure: what an event means ---------------------------------------------------------------


def namespace_of(event: Event) -> str:
    """The namespace that the event is about."""
    metadata = event.obj.get("metadata") or {}
    return str(metadata.get("name" if event.spec == _NAMESPACE else "namespace") or "")


def quota_of(event: Event) -> Json | None:
    """The `hard` and `used` of a ResourceQuota that is there."""
    status = event.obj.get("status") or {}
    if event.spec.kind != "ResourceQuota" or event.type is EventType.DELETED or not status:
        return None
    return {key: status.get(key) or {} for key in ("hard", "used")}


def differs(row: ProjectNamespace, event: Event) -> bool:
    """Whether the object is not as the claim wants it; a pass that is making it finds out itself."""
    if row.state not in {NamespaceState.READY, NamespaceState.TERMINATING}:
        return event.type is EventType.DELETED
    wish, owner = wish_of(row), Owner(row.project.name, owner_mark(row.project_id))
    if not row.wanted:
        return event.type is EventType.DELETED
    if event.spec == _NAMESPACE:
        return _namespace_differs(wish, owner, event)
    body = quota_body(event.spec.kind, wish, owner)
    if event.type is EventType.DELETED:
        return body is not None
    if not owner.owns(event.obj):
        return False
    return body is None or not same_quota(body, event.obj)


def _namespace_differs(wish: NamespaceWish, owner: Owner, event: Event) -> bool:
    metadata = event.obj.get("metadata") or {}
    gone = event.type is EventType.DELETED or bool(metadata.get("deletionTimestamp"))
    return gone or namespace_patch(wish, owner, event.obj) is not None


def missing(row: ProjectNamespace, event: Event) -> bool:
    """After a complete list: something that was as wanted is not there."""
    if row.state != NamespaceState.READY or not row.wanted:
        return False
    if event.spec == _NAMESPACE:
        return ("", row.name) not in event.present
    wanted = row.hard if event.spec.kind == "ResourceQuota" else any(row.limits.values())
    return bool(wanted) and (row.name, "kubecarrier") not in event.present


def register() -> None:
    """Called once at start."""
    watching.register(ProjectWatcher())
