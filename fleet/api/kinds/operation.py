"""Operations as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.models import Operation
from fleet.permissions import (
    visible_operations,
)
from fleet.queries import operation_progress
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def operation_status(operation: Operation) -> dict[str, Any]:
    """Who asked for what, and how far it is."""
    targets = list(operation.targets.all())
    failed = [target for target in targets if target.state == "failed"]
    return {
        "verb": operation.verb,
        "kind": operation.kind,
        "object": operation.object_name,
        "actor": operation.actor.get_username() if operation.actor else None,
        "channel": operation.channel,
        "requestId": operation.request_id,
        "reason": operation.reason,
        "startedAt": operation.created_at,
        "finishedAt": operation.finished_at,
        "finished": operation.finished_at is not None,
        "succeeded": operation.finished_at is not None and not failed,
        "progress": operation_progress(operation),
        "targets": [
            {"name": t.name, "status": t.state, "message": t.message, "changedAt": t.changed_at}
            for t in targets
        ],
    }


OPERATION = register(
    Kind(
        kind="Operation",
        plural="operations",
        short_names=("op",),
        model=Operation,
        description="Something a person asked for that takes time.",
        columns=(
            Column("ID", "metadata.name"),
            Column("OPERATION", "status.verb"),
            Column("OBJECT", "status.object"),
            Column("DONE", "status.progress.done"),
            Column("OF", "status.progress.total"),
            Column("SUCCEEDED", "status.succeeded"),
            Column("AGE", "status.startedAt", ColumnType.DATE),
            Column("BY", "status.actor", priority=1),
        ),
        status=operation_status,
        rows=visible_operations,
        filters={"object": "object_name", "kind": "kind", "verb": "verb"},
        search=("object_name", "verb", "request_id"),
        order="-created_at",
    )
)
