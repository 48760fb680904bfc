"""Relations in the audit: who was in a group before, and after, from whichever side it was written.

auditlog's own receiver records the whole table at `clear`, and the wrong row
for a write from the other side. And `Through.objects` has no signals at all:
its manager refuses what goes past them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from auditlog import get_logentry_model
from django.contrib.auth.models import Group, GroupManager
from django.db import models
from django.db.models.signals import m2m_changed

from kubecarrier.lib.audit import GuardedQuerySet, UnauditedWriteError, named_unaudited

_BEFORE = frozenset({"pre_add", "pre_remove", "pre_clear"})


class ThroughQuerySet(GuardedQuerySet[Any]):
    """Also refuses `delete`, which Django does on these tables without a signal."""

    def delete(self) -> Any:
        if not named_unaudited():
            raise UnauditedWriteError(f"{self.model.__name__}.delete would leave no audit entry")
        return super().delete()


def watch(model: type[models.Model]) -> None:
    """Record changes of the many-to-many fields of an audited model."""
    for field in model._meta.many_to_many:
        through: Any = field.remote_field.through
        if not through._meta.auto_created:
            continue  # a model of its own, with signals of its own
        uid = f"audit {model._meta.label}.{field.name}"
        receiver = partial(_changed, field=field.name)
        m2m_changed.connect(receiver, sender=through, weak=False, dispatch_uid=uid)
        _guard(through)


class GuardedGroupManager(GroupManager.from_queryset(GuardedQuerySet)):  # type: ignore[misc]
    """Django's, whose bulk writes must be named as unaudited."""

    def __eq__(self, other: object) -> bool:
        """To migrations it is Django's own."""
        return isinstance(other, GroupManager)

    __hash__ = GroupManager.__hash__


def guard_groups() -> None:
    """`Group` is Django's, so its manager is exchanged."""
    meta: Any = Group._meta
    meta.local_managers.clear()
    Group.add_to_class("objects", GuardedGroupManager())
    meta._expire_cache()


def _guard(through: Any) -> None:
    """`objects` refuses; Django's own writes, which do send signals, go by the default manager."""
    meta = through._meta
    meta.local_managers.clear()
    meta.default_manager_name = "plain"
    through.add_to_class("plain", models.Manager())
    through.add_to_class("objects", models.Manager.from_queryset(ThroughQuerySet)())
    meta._expire_cache()


def _changed(
    *, field: str, action: str, instance: Any, reverse: bool, model: Any, pk_set: Any, **_: Any
) -> None:
    """Called before and after; a difference of the two is one entry for each row that has it."""
    if action in _BEFORE:
        rows = _owners(field, instance, reverse=reverse, model=model, keys=pk_set)
        instance.__dict__.setdefault("_memberships", {})[field] = {
            row: _names(row, field) for row in rows
        }
        return
    before = instance.__dict__.get("_memberships", {}).pop(field, {})
    for row, names in before.items():
        after = _names(row, field)
        if after != names:
            _entry(row, field, names, after)


def _owners(field: str, instance: Any, *, reverse: bool, model: Any, keys: Any) -> Iterable[Any]:
    """The rows that have the field; from the other side those that are added, removed, or in it."""
    if not reverse:
        return [instance]
    rows = model._default_manager.all()
    return list(rows.filter(pk__in=keys) if keys is not None else rows.filter(**{field: instance}))


def _names(row: Any, field: str) -> list[str]:
    return sorted(map(str, getattr(row, field).all()))


def _entry(row: Any, field: str, before: list[str], after: list[str]) -> None:
    """What left and what came; who stayed is not said again."""
    entries: Any = get_logentry_model()
    gone, came = set(before) - set(after), set(after) - set(before)
    change = {"gone": sorted(gone), "came": sorted(came)}
    entries.objects.log_create(row, action=entries.Action.UPDATE, changes={field: change})
