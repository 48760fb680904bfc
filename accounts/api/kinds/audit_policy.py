"""Audit policies as the API knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.api.serializers import AuditPolicySpecSerializer
from accounts.models import AuditPolicy
from accounts.permissions import visible_audit_policies
from accounts.services.audit_policies import audit_policy_apply, audit_policy_delete, kept_days
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def audit_policy_status(row: AuditPolicy) -> dict[str, Any]:
    """What holds with all of them together."""
    return {"effectiveDays": row.effective if row.effective is not None else kept_days()}


def attach_effective(rows: Sequence[AuditPolicy]) -> None:
    """Asked once for a page."""
    days = kept_days() if rows else 0
    for row in rows:
        row.effective = days


AUDIT_POLICY = register(
    Kind(
        kind="AuditPolicy",
        plural="auditpolicies",
        short_names=("apol",),
        model=AuditPolicy,
        description="How long entries of the audit are kept; of several the longest counts.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("DAYS", "spec.retentionDays"),
            Column("EFFECTIVE", "status.effectiveDays"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("DESCRIPTION", "spec.description", priority=1),
        ),
        spec_serializer=AuditPolicySpecSerializer,
        status=audit_policy_status,
        rows=visible_audit_policies,
        apply=audit_policy_apply,
        delete=audit_policy_delete,
        attach=attach_effective,
        search=("name", "description"),
    )
)
