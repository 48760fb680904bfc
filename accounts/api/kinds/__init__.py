"""This app's kinds as the API knows them."""

from accounts.api.kinds.audit_policy import AUDIT_POLICY
from accounts.api.kinds.auditentry import AUDIT_ENTRY
from accounts.api.kinds.auditseal import AUDIT_SEAL
from accounts.api.kinds.binding import BINDING
from accounts.api.kinds.identity_mapping import IDENTITY_MAPPING
from accounts.api.kinds.role import ROLE
from accounts.api.kinds.service_account import SERVICE_ACCOUNT
from accounts.api.kinds.token import API_TOKEN

__all__ = [
    "API_TOKEN",
    "AUDIT_ENTRY",
    "AUDIT_POLICY",
    "AUDIT_SEAL",
    "BINDING",
    "IDENTITY_MAPPING",
    "ROLE",
    "SERVICE_ACCOUNT",
]
