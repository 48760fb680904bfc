"""The audit over REST: read only."""

from __future__ import annotations

from accounts.api import kinds
from kubecarrier.api.views import DocumentViewSet


class AuditEntryViewSet(DocumentViewSet):
    """Audit entries, a record."""

    kind = kinds.AUDIT_ENTRY
    http_method_names = ["get", "head", "options"]
