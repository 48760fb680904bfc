"""What follows a binding: rights here, grants in the clusters, its own end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from accounts import deriving
from accounts.models import Binding
from kubecarrier.lib import granted, lease
from kubecarrier.lib.tasks import wake_on_commit

BINDING_TASK = "accounts.tasks.summarize_bindings"


def follow(binding: Binding) -> None:
    """Rights here and grants in the clusters follow the binding."""
    deriving.derive(binding)
    granted.binding_changed(binding)
    lease.wake(Binding.objects.filter(pk=binding.pk))
    wake_on_commit(BINDING_TASK)


def finish(binding: Binding) -> bool:
    """Remove a deleted binding that is nowhere any more; whether it went."""
    if binding.deletion_requested_at is None or granted.binding_states(binding):
        return False
    binding.delete()
    return True


def bound(*, users: Iterable[Any] = (), groups: Iterable[Any] = ()) -> list[Binding]:
    """The living bindings that name any of them."""
    named = Q(users__in=list(users)) | Q(groups__in=list(groups))
    rows = Binding.objects.filter(named, deletion_requested_at=None)
    return list(rows.select_related("role").distinct())


def subjects_changed(*, users: Iterable[Any] = (), groups: Iterable[Any] = ()) -> None:
    """Somebody's name changed, or somebody left: his bindings are put into the clusters anew."""
    for binding in bound(users=users, groups=groups):
        follow(binding)
