"""What the fields of a cluster's kind mean: the stored schema, read at a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleet.models import ResourceSchema, ResourceType, ServedResource
from fleet.queries import attach_served
from fleet.schema_fields import Field, field_at, root_of
from kubecarrier.lib.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Explained:
    """One field of one version, and which clusters serve that very schema."""

    type: ResourceType
    version: str
    path: tuple[str, ...]
    field: Field
    clusters: tuple[str, ...]


def explain(
    type_: ResourceType, path: Sequence[str], *, version: str, cluster: str, depth: int
) -> Explained:
    """Raises NotFoundError `version_unknown`, `schema_unknown`, `field_unknown`."""
    attach_served([type_])
    served = [row for row in type_.served_by if not cluster or _name(row) == cluster]
    offered = [(row, one) for row in served for one in row.versions]
    chosen = [(row, one) for row, one in offered if not version or one["name"] == version]
    if not chosen:
        named = sorted({str(one["name"]) for _, one in offered})
        raise NotFoundError(
            "version_unknown",
            f"{type_.name} is not served" + (f" in version “{version[:63]}”." if version else "."),
            hint=f"There is {', '.join(named)}." if named else None,
            field="version" if version else "cluster",
        )
    wanted = chosen[0][1]["name"]
    schema = next((one["schema"] for _, one in chosen if one.get("schema")), None)
    row = ResourceSchema.objects.filter(digest=schema).first() if schema else None
    schemas = row.schemas() if row else {}
    root = root_of(schemas, type_.group, wanted, type_.kind)
    if root is None:
        raise NotFoundError("schema_unknown", f"No cluster publishes a schema of {type_.name}.")
    found = field_at(schemas, root, path, depth=depth)
    same = tuple(_name(one) for one, served_as in chosen if served_as.get("schema") == schema)
    return Explained(type_, wanted, tuple(path), found, same)


def _name(row: Any) -> str:
    return str(row.cluster_name)


def versions_of(served: Sequence[ServedResource]) -> list[str]:
    """The versions that clusters serve, each once, the preferred first."""
    return list(dict.fromkeys(str(one["name"]) for row in served for one in row.versions))
