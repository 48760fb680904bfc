"""The console's pages of people, their roles and tokens, and the record of what they did."""

from accounts.admin import (
    account,
    audit,
    audit_policy,
    binding,
    identity_mapping,
    role,
    service_account,
    token,
)

__all__ = [
    "account",
    "audit",
    "audit_policy",
    "binding",
    "identity_mapping",
    "role",
    "service_account",
    "token",
]
