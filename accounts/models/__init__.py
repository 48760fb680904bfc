"""People, their roles, their tokens, and the record of what they did."""

from accounts.models.attempt_count import AttemptCount
from accounts.models.audit import AuditEntry
from accounts.models.audit_policy import AuditPolicy
from accounts.models.binding import Binding
from accounts.models.device_login import DeviceAnswer, DeviceLogin
from accounts.models.directory_pass import DirectoryPass
from accounts.models.identity import Identity, IdentitySource
from accounts.models.identity_mapping import IdentityMapping
from accounts.models.login_session import LoginMethod, LoginSession
from accounts.models.rights import (
    GroupRight,
    Platform,
    PlatformGroupRight,
    PlatformUserRight,
    UserRight,
)
from accounts.models.role import Role
from accounts.models.seal import AuditSeal
from accounts.models.second_factor import SecondFactor
from accounts.models.service_account import ServiceAccount
from accounts.models.token import ApiToken
from accounts.models.user import User

__all__ = [
    "ApiToken",
    "AttemptCount",
    "AuditEntry",
    "AuditPolicy",
    "AuditSeal",
    "Binding",
    "DeviceAnswer",
    "DeviceLogin",
    "DirectoryPass",
    "GroupRight",
    "Identity",
    "IdentityMapping",
    "IdentitySource",
    "LoginMethod",
    "LoginSession",
    "Platform",
    "PlatformGroupRight",
    "PlatformUserRight",
    "Role",
    "SecondFactor",
    "ServiceAccount",
    "User",
    "UserRight",
]
