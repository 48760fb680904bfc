"""Seals over the audit as the API knows them."""

from __future__ import annotations

from typing import Any

from accounts.models import AuditSeal
from accounts.permissions import visible_auditseals
from accounts.trail import chain
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def auditseal_status(seal: AuditSeal) -> dict[str, Any]:
    """The signed statement, its signature, and the hash that an anchor is."""
    statement = {name: value for name, value in chain.statement(seal).items() if name != "number"}
    return {**statement, "signature": seal.signature, "hash": chain.hash_of(seal)}


AUDIT_SEAL = register(
    Kind(
        kind="AuditSeal",
        plural="auditseals",
        short_names=("seal",),
        model=AuditSeal,
        description="One link of the signed chain over the audit; keep its hash elsewhere.",
        columns=(
            Column("NUMBER", "metadata.name"),
            Column("PURPOSE", "status.purpose"),
            Column("ENTRIES", "status.count"),
            Column("LAST", "status.last"),
            Column("KEY", "status.keyId"),
            Column("AGE", "status.sealedAt", ColumnType.DATE),
            Column("HASH", "status.hash"),
        ),
        status=auditseal_status,
        rows=visible_auditseals,
        filters={"since": "sealed_at__gte", "until": "sealed_at__lt", "purpose": "purpose"},
        search=("digest",),
        order="-sealed_at",
        watchable=False,
    )
)
