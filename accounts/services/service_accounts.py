"""Service accounts: save and delete."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import ServiceAccount, User
from accounts.owning import project_named
from accounts.services.people import user_delete, user_save
from kubecarrier.lib import access
from kubecarrier.lib.audit import MACHINE_PREFIX
from kubecarrier.lib.manifests import Applied, Result, Wish


@transaction.atomic
def service_account_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a service account with its user; raises DeniedError, InvalidError."""
    row = ServiceAccount.objects.select_for_update().filter(name=wish.name).first()
    fresh = row is None
    if row is None:
        access.require_somewhere(actor, "serviceaccounts.create")
        row = ServiceAccount(name=wish.name, generation=0)
    else:
        access.require(actor, "serviceaccounts.edit", row)
        wish.check(row)
    active = wish.spec.get("active", True)
    columns = {"labels": wish.labels, **{k: v for k, v in wish.spec.items() if k != "active"}}
    if fresh or wish.spec.get("project", "") != row.project:
        columns["project_uid"] = _owner(actor, wish.spec.get("project", ""))
    changed = fresh or any(getattr(row, name) != value for name, value in columns.items())
    if not changed and row.user.is_active == active:
        return Applied(row, Result.UNCHANGED)
    for name, value in columns.items():
        setattr(row, name, value)
    row.user = _user(row, active=active) if fresh else _switched(row.user, active=active)
    row.generation += 1
    row.full_clean()
    row.save()
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


def _owner(actor: Any, name: str) -> Any:
    """The key of the project that is to own it (None: the platform), where `actor` may make one.

    Raises InvalidError for a project that `actor` does not see, DeniedError.
    """
    key = project_named(name, actor=actor, field="spec.project").pk if name else None
    access.require(actor, "serviceaccounts.create", ServiceAccount(project_uid=key))
    return key


def _user(row: ServiceAccount, *, active: bool) -> User:
    """Its user may use the portal; what it may do there its bindings say."""
    user = User(username=MACHINE_PREFIX + row.name, is_active=active, is_staff=True)
    user.set_unusable_password()
    user_save(user=user)
    return user


def _switched(user: User, *, active: bool) -> User:
    if user.is_active != active:
        user.is_active = active
        user_save(user=user)
    return user


@transaction.atomic
def service_account_delete(*, actor: Any, row: ServiceAccount) -> None:
    """With its tokens, at once; raises DeniedError."""
    access.require(actor, "serviceaccounts.delete", row)
    user_delete(user=row.user)
