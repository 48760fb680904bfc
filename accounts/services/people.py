"""People and groups: stored and removed. The one place that does it, because bindings follow.

A new name, somebody who left or came back, another standing: the rights derived here and
the grants in the clusters are brought to it in the same transaction.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.following import bound, follow, subjects_changed
from accounts.models import User
from kubecarrier.lib import granted

# What bindings and clusters know of somebody.
_KNOWN = ("username", "is_active", "is_superuser")


@transaction.atomic
def user_save(*, user: User) -> None:
    """Store a person or a service account's user."""
    moved = _moved(user, _KNOWN)
    user.save()
    if moved:
        subjects_changed(users=[user])
        granted.people_changed([user])


@transaction.atomic
def user_delete(*, user: User) -> None:
    """Remove somebody; no later owner of the name finds his grants in a cluster."""
    bindings = bound(users=[user])
    user.is_active = False  # to whoever is told
    granted.people_changed([user])
    user.delete()
    for binding in bindings:
        follow(binding)


@transaction.atomic
def group_save(*, group: Group) -> None:
    """Store a group."""
    moved = _moved(group, ("name",))
    group.save()
    if moved:
        subjects_changed(groups=[group])


@transaction.atomic
def group_delete(*, group: Group) -> None:
    """Remove a group; no later group of the name finds its grants in a cluster."""
    bindings = bound(groups=[group])
    group.delete()
    for binding in bindings:
        follow(binding)


def _moved(row: Any, columns: tuple[str, ...]) -> bool:
    """Whether a stored row is about to change in one of these."""
    stored = type(row)._default_manager.filter(pk=row.pk).values(*columns).first()
    return stored is not None and any(getattr(row, name) != was for name, was in stored.items())
