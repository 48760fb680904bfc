"""The console's pages of people, their tokens, and the record of what they did."""

from accounts.admin import account, audit, token

__all__ = [
    "account",
    "audit",
    "token",
]
