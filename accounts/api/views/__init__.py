"""The views of this app's kinds."""

from accounts.api.views.auditentry import AuditEntryViewSet

__all__ = [
    "AuditEntryViewSet",
]
