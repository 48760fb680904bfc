"""From bindings to rights: the one place where guardian's rows are written.

A binding names a role and a scope; its rights are the role's permissions on the
objects that the scope has at this moment (`Anchor.resolve`). Deriving compares the
rows wanted with those that are there, so doing it again changes nothing. It is
called in the transaction of whatever changed: the binding, its role, a cluster's
labels, a namespace that came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from accounts.builtin import permissions_of
from accounts.models import Binding, Platform, PlatformGroupRight, PlatformUserRight
from kubecarrier.lib import anchors, catalogue
from kubecarrier.lib.anchors import Anchor, Scope

_BATCH = 500
Right = tuple[Any, int, Any]  # subject, permission, object


def register() -> None:
    """Called once at start."""
    anchors.register(
        Anchor(
            catalogue.PLATFORM, Platform, PlatformUserRight, PlatformGroupRight, _platform, _places
        )
    )


def _platform(scope: Scope) -> list[int]:
    if not scope.get("platform"):
        return []
    return [Platform.objects.get_or_create(pk=1)[0].pk]


def _places(scope: Scope) -> list[anchors.Place]:
    return [()] if scope.get("platform") else []


def derive(binding: Binding) -> None:
    """Bring the rights that come from a binding to what it says now."""
    gives = not binding.builtin and binding.deletion_requested_at is None
    names = permissions_of(binding.role) if gives else []
    people = binding.users.filter(is_active=True)  # who left holds nothing
    users = list(people.values_list("pk", flat=True)) if gives else []
    groups = list(binding.groups.values_list("pk", flat=True)) if gives else []
    held = {}
    for anchor in anchors.registered():
        objects = list(anchor.resolve(binding.scope)) if gives else []
        permissions = _permission_ids(anchor, catalogue.held_on(names, anchor.name))
        _bring(anchor.users, "user_id", binding, users, permissions, objects)
        _bring(anchor.groups, "group_id", binding, groups, permissions, objects)
        held[anchor.name] = len(objects)
    if binding.held != held:
        binding.held = held
        Binding.objects.filter(pk=binding.pk).status_update(held=held)


def derive_all(bindings: Iterable[Binding]) -> None:
    """`derive` for each."""
    for binding in bindings:
        derive(binding)


def _bring(
    model: Any,
    subject: str,
    binding: Binding,
    subjects: list[Any],
    permissions: list[int],
    objects: list[Any],
) -> None:
    """Write the rows that are missing and delete those that are too many."""
    wanted: set[Right] = {(s, p, o) for s in subjects for p in permissions for o in objects}
    columns = (subject, "permission_id", "content_object_id")
    rows = model.objects.filter(binding=binding).values_list("pk", *columns)
    present: dict[Right, Any] = {(s, p, o): pk for pk, s, p, o in rows}
    gone = [pk for right, pk in present.items() if right not in wanted]
    for at in range(0, len(gone), _BATCH):
        model.objects.filter(pk__in=gone[at : at + _BATCH]).delete()
    missing = (dict(zip(columns, right, strict=True)) for right in wanted - present.keys())
    model.objects.bulk_create((model(binding=binding, **row) for row in missing), batch_size=_BATCH)


def _permission_ids(anchor: Anchor, names: list[str]) -> list[int]:
    """The rows that stand for these permissions on that sort of object, made when missing."""
    if not names:
        return []
    kind = ContentType.objects.get_for_model(anchor.model)
    rows = Permission.objects.filter(content_type=kind)
    known = dict(rows.values_list("codename", "pk"))
    if missing := [name for name in names if name not in known]:
        titles = catalogue.known()
        Permission.objects.bulk_create(
            [Permission(content_type=kind, codename=n, name=_title(n, titles)) for n in missing],
            ignore_conflicts=True,
        )
        known = dict(rows.values_list("codename", "pk"))
    return [known[name] for name in names]


def _title(name: str, titles: Any) -> str:
    subject, verb = titles[name]
    return f"{subject.plural}: {verb.name}"[:255]
