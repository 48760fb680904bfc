"""Seals over REST: read only."""

from __future__ import annotations

from accounts.api import kinds
from kubecarrier.api.views import DocumentViewSet


class AuditSealViewSet(DocumentViewSet):
    """Seals over the audit: a record."""

    kind = kinds.AUDIT_SEAL
    http_method_names = ["get", "head", "options"]
