"""This app over REST: each view parses, fetches with permission, calls one function, renders."""

from accounts.api.views.access import BindingViewSet, RoleViewSet
from accounts.api.views.access_review import AccessReviewView, CanIView, WhoCanView
from accounts.api.views.audit_policy import AuditPolicyViewSet
from accounts.api.views.auditentry import AuditEntryViewSet
from accounts.api.views.auditseal import AuditSealViewSet
from accounts.api.views.device import DeviceCodeView, DeviceTokenView
from accounts.api.views.identity_mapping import IdentityMappingViewSet
from accounts.api.views.ldap import LdapSyncView
from accounts.api.views.login_session import (
    LoginSessionsView,
    LoginSessionView,
    LogoutEverywhereView,
)
from accounts.api.views.service_account import ServiceAccountViewSet
from accounts.api.views.session import LoginView, LogoutView, WhoAmIView
from accounts.api.views.token import ApiTokenViewSet

__all__ = [
    "AccessReviewView",
    "ApiTokenViewSet",
    "AuditEntryViewSet",
    "AuditPolicyViewSet",
    "AuditSealViewSet",
    "BindingViewSet",
    "CanIView",
    "DeviceCodeView",
    "DeviceTokenView",
    "IdentityMappingViewSet",
    "LdapSyncView",
    "LoginSessionView",
    "LoginSessionsView",
    "LoginView",
    "LogoutEverywhereView",
    "LogoutView",
    "RoleViewSet",
    "ServiceAccountViewSet",
    "WhoAmIView",
    "WhoCanView",
]
