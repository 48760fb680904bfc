"""Who may see this app's kinds: the only place where their rows are fetched for people."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from accounts.models import ApiToken, AuditEntry, IdentityMapping, ServiceAccount
from kubecarrier.lib import access
from kubecarrier.lib.audit import may_operate


def visible_auditentries(user: Any) -> QuerySet[AuditEntry]:
    """The whole stream for who may read it, to everybody else what he did himself."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if not may_operate(user):
        return rows.none()
    return rows if access.may(user, "auditentries.view") else rows.filter(actor=user)


def visible_tokens(user: Any) -> QuerySet[ApiToken]:
    """One's own tokens; administrators see all, and whoever runs a service account its tokens."""
    rows: QuerySet[ApiToken] = ApiToken.objects.select_related("user", "made_by")
    if not may_operate(user):
        return rows.none()
    if user.is_superuser:
        return rows
    own = rows.filter(user=user)
    machines = visible_service_accounts(user).values("user")
    return own | rows.filter(user__in=machines)


def visible_service_accounts(user: Any) -> QuerySet[ServiceAccount]:
    """The service accounts `user` may see."""
    rows = ServiceAccount.objects.visible_to(user).select_related("user")
    return rows if access.may(user, "serviceaccounts.view") else rows.none()


def visible_identity_mappings(user: Any) -> QuerySet[IdentityMapping]:
    """The identity mappings `user` may see."""
    rows = IdentityMapping.objects.visible_to(user).select_related("group")
    return rows if access.may(user, "identitymappings.view") else rows.none()
