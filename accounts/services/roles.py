"""Roles: save and delete. A role that is in use gives what it gains to everybody who has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from accounts import granting, policy_rules
from accounts.following import follow
from accounts.granting import Given
from accounts.models import Binding, Role
from kubecarrier.lib import access, catalogue
from kubecarrier.lib.errors import ConflictError, InvalidError
from kubecarrier.lib.manifests import Applied, Result, Wish


def role_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a role; raises InvalidError, DeniedError, ConflictError."""
    spec = dict(wish.spec)
    spec["permissions"] = _checked(spec.get("permissions", []))
    spec["rules"] = policy_rules.checked(spec.get("rules", []))
    with transaction.atomic():
        row = Role.objects.select_for_update().filter(name=wish.name).first()
        fresh = row is None
        if row is None:
            access.demand("roles.create")
            row = Role(name=wish.name, generation=0, next_reconcile_at=None)
        else:
            access.demand("roles.edit")
            _refuse_builtin(row)
            wish.check(row)
        before = Given.by(row)
        changed = fresh or row.labels != wish.labels
        row.labels = wish.labels
        for column, value in spec.items():
            changed |= getattr(row, column) != value
            setattr(row, column, value)
        if not changed:
            return Applied(row, Result.UNCHANGED)
        row.generation += 1
        row.full_clean()
        if not fresh:
            _check_gain(row, before)
        row.save()
        if not fresh:
            for binding in _living(row):
                follow(binding)
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


def role_delete(*, actor: Any, row: Role) -> None:
    """Refused while a binding gives it."""
    with transaction.atomic():
        access.demand("roles.delete")
        _refuse_builtin(row)
        used = list(row.bindings.values_list("name", flat=True)[:5])
        if used:
            raise ConflictError(
                "role_in_use",
                f"Bindings give this role: {', '.join(used)}.",
                hint="Delete those first.",
                bindings=used,
            )
        row.delete()


def _checked(names: list[str]) -> list[str]:
    """Sorted, each once; raises InvalidError for one that is not in the catalogue."""
    listed = catalogue.known()
    if unknown := sorted(set(names) - set(listed)):
        raise InvalidError(
            "permission_unknown",
            f"There is no permission “{unknown[0][:80]}”.",
            field="spec.permissions",
            hint="docs/roles.md lists them all.",
        )
    return sorted(set(names))


def _refuse_builtin(row: Role) -> None:
    if row.builtin:
        raise ConflictError(
            "role_builtin", f"“{row.name}” is built in.", hint="Copy it to a role of your own."
        )


def _check_gain(row: Role, before: Given) -> None:
    """Whoever has the role gets what it gains: the editor must hold that wherever it is given.

    Asked before the role is saved: its editor may have it himself.
    """
    after = Given.by(row)
    gained = Given(
        after.permissions - before.permissions,
        tuple(rule for rule in after.rules if policy_rules.uncovered(before.rules, [rule])),
    )
    for binding in _living(row):
        granting.check(gained, binding.scope)


def _living(row: Role) -> Iterable[Binding]:
    rows: Iterable[Binding] = Binding.objects.filter(role=row, deletion_requested_at=None)
    return rows
