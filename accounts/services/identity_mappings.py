"""Identity mappings: save and delete. Nobody maps to a group what they may not give."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from accounts import granting
from accounts.models import IdentityMapping
from kubecarrier.lib import access
from kubecarrier.lib.errors import ConflictError, NotFoundError
from kubecarrier.lib.manifests import Applied, Result, Wish


@transaction.atomic
def identity_mapping_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a mapping; raises DeniedError, NotFoundError, ConflictError."""
    row = IdentityMapping.objects.select_for_update().filter(name=wish.name).first()
    fresh = row is None
    verb = f"identitymappings.{'create' if fresh else 'edit'}"
    access.require(actor, verb, row)
    if row is None:
        row = IdentityMapping(name=wish.name, generation=0)
    else:
        wish.check(row)
    group = Group.objects.filter(name=wish.spec["group"]).first()
    if group is None:
        raise NotFoundError("group_unknown", "There is no such group here.", field="spec.group")
    columns = {
        "labels": wish.labels,
        "source": wish.spec["source"],
        "value": wish.spec["value"],
        "group_id": group.pk,
    }
    if not fresh and all(getattr(row, name) == value for name, value in columns.items()):
        return Applied(row, Result.UNCHANGED)
    for name, value in columns.items():
        setattr(row, name, value)
    row.group = group
    access.require(actor, verb, row)
    granting.check_membership([group])
    same = IdentityMapping.objects.filter(source=row.source, value=row.value, group=group)
    if same.exclude(pk=row.pk).exists():
        raise ConflictError("exists", "This mapping exists already.", field="spec.value")
    row.generation += 1
    row.full_clean()
    row.save()
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


@transaction.atomic
def identity_mapping_delete(*, actor: Any, row: IdentityMapping) -> None:
    """Memberships that came by it go at the next check of each person; raises DeniedError."""
    access.require(actor, "identitymappings.delete", row)
    row.delete()
