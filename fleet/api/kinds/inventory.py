"""The inventory's objects as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.inventory.search import with_labels, with_words
from fleet.models import InventoryObject
from fleet.permissions import visible_inventory
from fleet.queries import attach_freshness
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def inventory_status(row: InventoryObject) -> dict[str, Any]:
    """An object as its watch last told it, and how fresh that is."""
    owner = {"kind": row.owner_kind, "name": row.owner_name, "uid": row.owner_uid}
    return {
        "cluster": row.cluster_name,  # type: ignore[attr-defined]  # visible_inventory annotates it
        "apiVersion": row.api_version,
        "kind": row.kind,
        "namespace": row.namespace,
        "owner": owner if row.owner_uid else None,
        "columns": row.columns,
        "health": row.health,
        "reason": row.reason,
        "message": row.message,
        "resourceVersion": row.resource_version,
        "changedAt": row.seen_at,
        "seenAt": row.known_at,
        "stale": row.is_stale,
    }


INVENTORY = register(
    Kind(
        kind="InventoryObject",
        plural="inventory",
        short_names=("inv", "inventoryobjects"),
        model=InventoryObject,
        description="An object in a cluster, as the watch last told it.",
        columns=(
            Column("CLUSTER", "status.cluster"),
            Column("NAMESPACE", "status.namespace"),
            Column("KIND", "status.kind"),
            Column("NAME", "metadata.name"),
            Column("HEALTH", "status.health"),
            Column("REASON", "status.reason"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("STALE", "status.stale", priority=1),
            Column("SEEN", "status.seenAt", ColumnType.DATE, priority=1),
            Column("OWNER", "status.owner.name", priority=1),
        ),
        spec_serializer=None,
        status=inventory_status,
        rows=visible_inventory,
        filters={
            "cluster": "cluster__name",
            "group": "group",
            "namespace": "namespace",
            "name": "name",
            "uid": "uid",
            "health": "health",
            "kind": "kind",
            "owner": "owner_uid",
        },
        with_words=with_words,
        with_labels=with_labels,
        attach=attach_freshness,
    )
)
