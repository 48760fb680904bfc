"""The catalogue's kinds as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.explaining import versions_of
from fleet.models import ResourceType, ServedResource
from fleet.permissions import visible_resource_types
from fleet.queries import attach_served
from kubecarrier.lib.manifests import Column, Kind, register


def resource_type_status(row: ResourceType) -> dict[str, Any]:
    """What it is, and who serves it in which version."""
    return {
        "group": row.group,
        "kind": row.kind,
        "plural": row.plural,
        "singular": row.singular,
        "shortNames": row.short_names,
        "categories": row.categories,
        "namespaced": row.namespaced,
        "custom": row.custom,
        "versions": versions_of(row.served_by),
        "clusterCount": len(row.served_by),
        "clusters": [served_status(one) for one in row.served_by],
    }


def served_status(row: ServedResource) -> dict[str, Any]:
    """One cluster's offer."""
    return {
        "name": row.cluster_name,  # type: ignore[attr-defined]  # attach_served annotates it
        "versions": row.versions,
        "changedAt": row.seen_at,
        "seenAt": row.read_at,  # type: ignore[attr-defined]  # the same
    }


RESOURCE_TYPE = register(
    Kind(
        kind="ResourceType",
        plural="resourcetypes",
        short_names=("rt", "resource-types"),
        model=ResourceType,
        description="A kind that clusters of the fleet serve, with its versions and schema.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("SHORT", "status.shortNames"),
            Column("KIND", "status.kind"),
            Column("VERSIONS", "status.versions"),
            Column("NAMESPACED", "status.namespaced"),
            Column("CLUSTERS", "status.clusterCount"),
            Column("CUSTOM", "status.custom", priority=1),
        ),
        spec_serializer=None,
        status=resource_type_status,
        rows=visible_resource_types,
        filters={
            "cluster": "served__cluster__name",
            "group": "group",
            "kind": "kind__iexact",
            "custom": "custom",
            "namespaced": "namespaced",
        },
        search=("name", "kind"),
        attach=attach_served,
    )
)
