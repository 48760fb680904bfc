"""Bindings: save and delete. The only way to give anybody a right."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from accounts import granting
from accounts.following import finish, follow
from accounts.granting import Given
from accounts.models import Binding, Role, User
from kubecarrier.lib import anchors
from kubecarrier.lib.errors import ConflictError, InvalidError
from kubecarrier.lib.manifests import Applied, Result, Wish
from kubecarrier.lib.placement import parse_selector
from kubecarrier.lib.spec import NAME_MAX_LENGTH

_SORTS = ("platform", "project", "clusters")
_MAX_NAMESPACE = 63


def binding_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a binding; raises InvalidError, DeniedError, ConflictError.

    Who saves it must hold the role's permissions and rules wherever it gives them, and
    after a change also where it gave them before: nobody takes what he could not give.
    """
    spec = dict(wish.spec)
    role = _role(spec.pop("role"))
    users, groups = _people(spec.pop("users", [])), _groups(spec.pop("groups", []))
    scope = normal(spec.pop("scope"))
    with transaction.atomic():
        row = Binding.objects.select_for_update().filter(name=wish.name).first()
        fresh = row is None
        if row is None:
            row = Binding(name=wish.name, generation=0)
        else:
            _refuse(row)
            wish.check(row)
            granting.check(Given.by(row.role), row.scope, also=["bindings.edit"])
        granting.check(
            Given.by(role), scope, also=["bindings.create" if fresh else "bindings.edit"]
        )
        changed = fresh or row.labels != wish.labels or _differs(row, role, users, groups, scope)
        for column, value in spec.items():
            changed |= getattr(row, column) != value
            setattr(row, column, value)
        if not changed:
            return Applied(row, Result.UNCHANGED)
        row.role, row.scope, row.labels = role, scope, wish.labels
        row.generation += 1
        row.full_clean()
        row.save()
        row.users.set(users)
        row.groups.set(groups)
        follow(row)
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


def binding_delete(*, actor: Any, row: Binding) -> None:
    """Its rights here go at once; the row stays until they are gone from every cluster."""
    with transaction.atomic():
        binding = Binding.objects.select_for_update().get(pk=row.pk)
        _refuse(binding, deleted_too=True)
        granting.check(Given.by(binding.role), binding.scope, also=["bindings.delete"])
        binding.deletion_requested_at = binding.deletion_requested_at or timezone.now()
        binding.generation += 1
        binding.save()
        row.deletion_requested_at = binding.deletion_requested_at
        follow(binding)
        finish(binding)


def normal(scope: dict[str, Any]) -> dict[str, Any]:
    """The scope with what it needs and nothing else; raises InvalidError."""
    clusters, selector = scope.get("clusters") or [], scope.get("selector") or ""
    namespaces = scope.get("namespaces") or []
    said = {
        "platform": bool(scope.get("platform")),
        "project": bool(scope.get("project")),
        "clusters": bool(clusters or selector),
    }
    if sum(said.values()) != 1 or (namespaces and not said["clusters"]):
        raise InvalidError(
            "scope_invalid",
            "A scope is the platform, or a project, or clusters (by name or selector).",
            field="spec.scope",
            hint="Namespaces are namespaces of the clusters named beside them.",
        )
    if said["platform"]:
        return {"platform": True}
    if said["project"]:
        found: dict[str, Any] = {"project": scope["project"]}
    else:
        if selector and selector != "*":
            parse_selector(selector, where="spec.scope.selector")
        found = {"clusters": sorted(set(clusters)), "selector": selector}
        if namespaces:
            found["namespaces"] = sorted(set(namespaces))
    _refuse_unknown(found)
    return found


def _refuse_unknown(scope: dict[str, Any]) -> None:
    """Names that are nowhere: a right must not wait for whoever takes the name later."""
    for anchor in anchors.registered():
        if unknown := anchor.unknown(scope):
            raise InvalidError(
                "scope_unknown",
                f"There is no {anchor.name} “{unknown[0][:80]}”.",
                field="spec.scope",
            )


def _refuse(row: Binding, *, deleted_too: bool = False) -> None:
    if row.builtin:
        raise ConflictError("binding_builtin", f"“{row.name}” is built in.")
    if row.deletion_requested_at and not deleted_too:
        raise ConflictError("being_deleted", f"“{row.name}” is being deleted.")


def _role(name: str) -> Role:
    found = Role.objects.filter(name=name[:NAME_MAX_LENGTH]).first()
    if found is None:
        raise InvalidError("role_unknown", f"There is no role “{name[:80]}”.", field="spec.role")
    return found


def _people(names: list[str]) -> list[User]:
    found = {user.username: user for user in User.objects.filter(username__in=names)}
    _refuse_missing(names, found, "person", "spec.users")
    return [found[name] for name in dict.fromkeys(names)]


def _groups(names: list[str]) -> list[Group]:
    found = {group.name: group for group in Group.objects.filter(name__in=names)}
    _refuse_missing(names, found, "group", "spec.groups")
    return [found[name] for name in dict.fromkeys(names)]


def _refuse_missing(names: list[str], found: dict[str, Any], what: str, where: str) -> None:
    if missing := [name for name in names if name not in found]:
        raise InvalidError(
            "subject_unknown", f"There is no {what} “{missing[0][:80]}”.", field=where
        )


def _differs(
    row: Binding, role: Role, users: list[User], groups: list[Group], scope: dict[str, Any]
) -> bool:
    if row.role_id != role.pk or row.scope != scope:
        return True
    had = set(row.users.values_list("pk", flat=True)), set(row.groups.values_list("pk", flat=True))
    return had != ({one.pk for one in users}, {one.pk for one in groups})
