"""Audit policies over REST."""

from __future__ import annotations

from accounts.api import kinds
from kubecarrier.api.views import DocumentViewSet


class AuditPolicyViewSet(DocumentViewSet):
    """How long the audit is kept."""

    kind = kinds.AUDIT_POLICY
