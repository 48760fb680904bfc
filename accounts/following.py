"""What follows a binding: rights here, grants in the clusters, its own end."""

from __future__ import annotations

from typing import Any

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


def subjects_changed(*, users: Any = (), groups: Any = ()) -> None:
    """Somebody's name changed, or somebody left: his bindings are put into the clusters anew."""
    rows = Binding.objects.filter(deletion_requested_at=None)
    for binding in (rows.filter(users__in=users) | rows.filter(groups__in=groups)).distinct():
        follow(binding)
