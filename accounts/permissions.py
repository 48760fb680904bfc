"""Who may see this app's kinds: the only place where their rows are fetched for people."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import (
    ApiToken,
    AuditEntry,
    AuditPolicy,
    AuditSeal,
    Binding,
    IdentityMapping,
    Role,
    ServiceAccount,
)
from kubecarrier.lib import access, anchors, catalogue


def visible_auditentries(user: Any) -> QuerySet[AuditEntry]:
    """The entries of every scope in which `user` may read the audit, and what he did himself."""
    return auditentries_within(AuditEntry.objects.all(), user, "auditentries.view")


def auditentries_within(
    rows: QuerySet[AuditEntry], user: Any, permission: str
) -> QuerySet[AuditEntry]:
    """Those of `rows` on whose scope `user` holds `permission`, and his own.

    What `access.visible` says, by the keys that entries keep: those of deleted objects
    stay where they were, and an index answers.
    """
    if not access.active(user):
        return rows.none()
    scope = audit_scope(user, permission)
    return rows if scope is None else rows.filter(scope)


def audit_scope(user: Any, permission: str) -> Q | None:
    """Which entries somebody who comes in holds it on, his own among them; None: all there are."""
    holding = anchors.held(user, permission)
    if user.is_superuser or holding.on_platform:
        return None
    wanted = Q(actor=user) | holding.in_namespaces("cluster_uid", "namespace")
    for name in (catalogue.PROJECT, catalogue.CLUSTER):
        wanted |= holding.on(name, f"{name}_uid")
    return wanted


def visible_tokens(user: Any) -> QuerySet[ApiToken]:
    """One's own tokens; others' by right, and those of service accounts that one may see."""
    rows: QuerySet[ApiToken] = ApiToken.objects.select_related("user", "made_by")
    if not access.active(user):
        return rows.none()
    if access.may(user, "apitokens.view"):
        return rows
    machines = visible_service_accounts(user).values("user")
    return rows.filter(Q(user=user) | Q(user__in=machines))


def visible_service_accounts(user: Any) -> QuerySet[ServiceAccount]:
    """The service accounts `user` may see."""
    return ServiceAccount.objects.visible_to(user).select_related("user")


def visible_identity_mappings(user: Any) -> QuerySet[IdentityMapping]:
    """The identity mappings `user` may see."""
    return IdentityMapping.objects.visible_to(user).select_related("group")


def visible_audit_policies(user: Any) -> QuerySet[AuditPolicy]:
    """The audit policies `user` may see."""
    rows: QuerySet[AuditPolicy] = AuditPolicy.objects.visible_to(user)
    return rows


def visible_roles(user: Any) -> QuerySet[Role]:
    """Every role, for whoever may see roles anywhere: they are names, not secrets."""
    return Role.objects.visible_to(user)


def visible_bindings(user: Any) -> QuerySet[Binding]:
    """All with the right on the platform; else one's own, and those where one may see bindings."""
    rows: QuerySet[Binding] = Binding.objects.select_related("role").prefetch_related(
        "users", "groups"
    )
    if not access.active(user):
        return rows.none()
    if access.may(user, "bindings.view"):
        return rows
    seen = Q(users=user) | Q(groups__user=user)
    holding = anchors.held(user, "bindings.view")
    for anchor in anchors.registered():
        held = (
            holding.in_namespaces("content_object__cluster", "content_object__name")
            if anchor.name == catalogue.NAMESPACE
            else holding.on(anchor.name, "content_object")
        )
        for table in (anchor.users, anchor.groups):
            given: Any = table._default_manager.filter(held)
            seen |= Q(pk__in=given.values("binding_id"))
    return rows.filter(pk__in=Binding.objects.filter(seen).values("pk"))


def visible_auditseals(user: Any) -> QuerySet[AuditSeal]:
    """The chain, with the right to it; leaves are for exports."""
    rows: QuerySet[AuditSeal] = AuditSeal.objects.defer("leaves")
    allowed = access.active(user) and access.may(user, "auditseals.view")
    return rows if allowed else rows.none()
