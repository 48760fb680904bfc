"""The bodies of this app's requests and answers."""

from accounts.api.serializers.audit_policy import AuditPolicySpecSerializer
from accounts.api.serializers.auditentry import AuditExportSerializer
from accounts.api.serializers.binding import BindingSpecSerializer, ScopeSerializer
from accounts.api.serializers.device import (
    DeviceBegunSerializer,
    DeviceCodeSerializer,
    DeviceTokenSerializer,
)
from accounts.api.serializers.identity_mapping import IdentityMappingSpecSerializer
from accounts.api.serializers.ldap import DirectoryPassSerializer
from accounts.api.serializers.login_session import LoginSessionListSerializer
from accounts.api.serializers.role import RoleSpecSerializer, RuleSerializer
from accounts.api.serializers.service_account import ServiceAccountSpecSerializer
from accounts.api.serializers.session import LoginSerializer, PersonSerializer, TokenSerializer
from accounts.api.serializers.token import MadeTokenSerializer, NewTokenSerializer

__all__ = [
    "AuditExportSerializer",
    "AuditPolicySpecSerializer",
    "BindingSpecSerializer",
    "DeviceBegunSerializer",
    "DeviceCodeSerializer",
    "DeviceTokenSerializer",
    "DirectoryPassSerializer",
    "IdentityMappingSpecSerializer",
    "LoginSerializer",
    "LoginSessionListSerializer",
    "MadeTokenSerializer",
    "NewTokenSerializer",
    "PersonSerializer",
    "RoleSpecSerializer",
    "RuleSerializer",
    "ScopeSerializer",
    "ServiceAccountSpecSerializer",
    "TokenSerializer",
]
