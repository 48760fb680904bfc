"""The console's pages of people, their tokens, and the record of what they did."""

from accounts.admin import account, audit, identity_mapping, service_account, token

__all__ = [
    "account",
    "audit",
    "identity_mapping",
    "service_account",
    "token",
]
