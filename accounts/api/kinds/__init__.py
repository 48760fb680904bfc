"""The kinds of this app."""

from accounts.api.kinds.auditentry import AUDIT_ENTRY

__all__ = [
    "AUDIT_ENTRY",
]
