"""Audit entries as the API knows them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import AuditEntry
from accounts.permissions import visible_auditentries
from accounts.trail.history import WITHHELD
from accounts.trail.record import record_of
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def auditentry_status(entry: AuditEntry) -> dict[str, Any]:
    """The record, as exports and seals have it, and the act in one word.

    In a history for who is no auditor some fields are null: `withheld` says which.
    """
    withheld = [] if entry.whole else list(WITHHELD)
    return {**record_of(entry), **dict.fromkeys(withheld), "did": entry.did, "withheld": withheld}


def with_words(rows: QuerySet[AuditEntry], text: str) -> QuerySet[AuditEntry]:
    """What contains `text`; a request id is found only where it is shown."""
    found = Q(request_id__icontains=text)
    if "whole" in rows.query.annotations:
        found &= Q(whole=True)
    for column in ("object_repr", "actor_name", "reason", "changes_text"):
        found |= Q(**{f"{column}__icontains": text})
    return rows.filter(found)


AUDIT_ENTRY = register(
    Kind(
        kind="AuditEntry",
        plural="auditentries",
        short_names=("audit",),
        model=AuditEntry,
        description="One change of one object, or one event: who, through what, before and after.",
        columns=(
            Column("ID", "metadata.name", priority=1),
            Column("AGE", "status.at", ColumnType.DATE),
            Column("WHO", "status.actor"),
            Column("CHANNEL", "status.channel"),
            Column("DID", "status.did"),
            Column("KIND", "status.kind"),
            Column("OBJECT", "status.object"),
            Column("RESULT", "status.result"),
            Column("CLUSTER", "status.cluster", priority=1),
            Column("NAMESPACE", "status.namespace", priority=1),
            Column("PROJECT", "status.project", priority=1),
            Column("REASON", "status.reason", priority=1),
            Column("REQUEST", "status.requestId", priority=1),
        ),
        spec_serializer=None,
        status=auditentry_status,
        rows=visible_auditentries,
        filters={
            "of": "object_pk",
            "who": "actor_name",
            "kind": "kind__iexact",
            "object": "object_repr",
            "objectId": "object_pk",
            "cluster": "cluster",
            "project": "project",
            "namespace": "namespace",
            "since": "timestamp__gte",
            "until": "timestamp__lt",
            "channel": "channel",
            "result": "result",
            "event": "event",
            "requestId": "request_id",
        },
        search=("object_repr", "actor_name", "reason", "changes_text", "request_id"),
        with_words=with_words,
        order="-timestamp",
        watchable=False,
        actions=("export",),
    )
)
