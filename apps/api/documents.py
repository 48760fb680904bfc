"""What the actions of this app answer beside an object's document."""

from __future__ import annotations

from typing import Any

from apps.models import ChartVersion
from fleet.api.kinds import OPERATION
from fleet.models import Operation
from kubecarrier.api import documents


def operation_document(operation: Operation) -> dict[str, Any]:
    """An operation that was just begun, as a document."""
    return documents.export(OPERATION, operation)


def version_summary(row: ChartVersion) -> dict[str, Any]:
    """What the index says of a version."""
    return {
        "version": row.version,
        "appVersion": row.app_version,
        "description": row.description,
        "digest": row.archive_id or row.digest,
        "releasedAt": row.released_at,
        "deprecated": row.deprecated,
        "details": row.details,
    }


def version_document(row: ChartVersion) -> dict[str, Any]:
    """A version with what its archive holds."""
    return {
        **version_summary(row),
        "readme": row.readme,
        "values": row.values_text,
        "schema": row.schema,
        "dependencies": row.details.get("dependencies", []),
    }


def revision_document(row: Any) -> dict[str, Any]:
    """One saved spec."""
    return {
        "number": row.number,
        "author": row.author.get_username() if row.author else None,
        "channel": row.channel,
        "reason": row.reason,
        "createdAt": row.created_at,
        "diff": row.diff,
        "spec": row.spec,
    }
