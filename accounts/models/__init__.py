"""People, their tokens, and the record of what they did."""

from accounts.models.audit import AuditEntry
from accounts.models.token import ApiToken
from accounts.models.user import User

__all__ = [
    "ApiToken",
    "AuditEntry",
    "User",
]
