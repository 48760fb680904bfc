"""The question of `access.may` turned around: who holds a permission on a row, and by which binding.

The same reach as there, read from the row: on which objects the permission has to be held.
`tests/db/test_access_review_agrees.py` compares both over random worlds. What it costs does not
depend on how many people there are: two queries for each sort of object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from django.db import models

from kubecarrier.lib import access, anchors
from kubecarrier.lib.access import Reach
from kubecarrier.lib.anchors import Anchor
from kubecarrier.lib.catalogue import CLUSTER, NAMESPACE, PLATFORM, PROJECT

# A sort of object and its key; of a namespace (cluster, name), of any in a cluster (cluster, None).
Spot = tuple[str, Any]
EVERYWHERE: Spot = (PLATFORM, None)
_MOST_KEYS = 1000  # more are compared here: databases limit the parameters of a statement


@dataclass(frozen=True, slots=True)
class Grounds:
    """Where a permission has to be held for one row: at any of `spots`, or at one of each of `each`.

    `anywhere`: wherever it is held will do. `owners` need no right at all.
    """

    spots: frozenset[Spot] = frozenset({EVERYWHERE})
    each: tuple[frozenset[Spot], ...] = ()
    owners: frozenset[Any] = frozenset()
    anywhere: bool = False

    def covered_by(self, held: Set[Spot]) -> bool:
        """Whether rights at these spots are enough."""
        if (self.anywhere and held) or self.spots & held:
            return True
        return bool(self.each) and all(one & held for one in self.each)

    def count(self, held: Set[Spot]) -> int:
        """At how many of `each` something is held."""
        return sum(bool(one & held) for one in self.each)

    @property
    def all_spots(self) -> frozenset[Spot]:
        return self.spots.union(*self.each)


@dataclass(frozen=True, slots=True)
class Right:
    """One row by which a permission is held, by a person or by a group, on what is called `on`.

    `spots` is what it counts for; there are many rows and few of those, so they are shared.
    """

    spots: frozenset[Spot]
    on: str
    binding: Any
    user: Any = None
    group: Any = None


def grounds_of(permission: str, row: Any = None) -> Grounds:
    """Where `permission` has to be held for a stored row; None: for the platform."""
    if row is None:
        return Grounds()
    model = type(row)
    reach = access.reach_of(model)
    spots, owners = _of_rows(model, {"pk": row.pk}, reach)
    found, owned = {EVERYWHERE}.union(*spots), frozenset().union(*owners)
    if reach.from_below(permission):
        found.add((NAMESPACE, (row.pk, None)))
    looks = permission.endswith(".view")
    each: tuple[frozenset[Spot], ...] = ()
    if reach.targets:
        relation: Any = model._meta.get_field(reach.targets)
        target, back = relation.related_model, relation.field.attname
        below, theirs = _of_rows(target, {back: row.pk}, access.reach_of(target))
        if looks:
            found = found.union(*below)
            owned = owned.union(*theirs)
        else:
            each = tuple(below)
    return Grounds(frozenset(found), each, owned, anywhere=looks and reach.shared)


def rights(permission: str, grounds: Grounds | None, *, user: Any = None) -> list[Right]:
    """The rows by which anybody (or `user`) holds it there; without grounds: anywhere."""
    wanted = None if grounds is None or grounds.anywhere else grounds.all_spots
    return [
        right
        for anchor in anchors.registered()
        for right in _held(anchor, permission, wanted, user)
        if wanted is None or right.spots & wanted
    ]


def _of_rows(
    model: type[models.Model], which: Mapping[str, Any], reach: Reach
) -> tuple[list[frozenset[Spot]], list[frozenset[Any]]]:
    """For each row the spots at which a right covers it, and whose it is."""
    paths = {
        name: path
        for name, path in (
            (PROJECT, reach.project),
            (CLUSTER, reach.cluster),
            (NAMESPACE, reach.namespace),
            ("owner", reach.owner),
        )
        if path
    }
    if not paths:
        return [], []
    rows = model._default_manager.filter(**which).values_list(*paths.values())
    found = [dict(zip(paths, values, strict=True)) for values in rows]
    spots = [frozenset(_spots(one)) for one in found]
    owners = [frozenset({one["owner"]} if one.get("owner") else ()) for one in found]
    return spots, owners


def _spots(columns: Mapping[str, Any]) -> Iterator[Spot]:
    for name in (PROJECT, CLUSTER):
        if columns.get(name) is not None:
            yield name, columns[name]
    if columns.get(CLUSTER) is not None and columns.get(NAMESPACE):
        yield NAMESPACE, (columns[CLUSTER], columns[NAMESPACE])


def _held(
    anchor: Anchor, permission: str, wanted: frozenset[Spot] | None, user: Any
) -> Iterator[Right]:
    keys = None if wanted is None else {key for name, key in wanted if name == anchor.name}
    if keys is not None and not keys:
        return
    tables = ((anchor.users, "user"), (anchor.groups, "group"))
    known: dict[Any, tuple[frozenset[Spot], str]] = {}
    for model, subject in tables:
        rows: Any = model._default_manager.filter(permission__codename=permission)
        if user is not None:
            rows = rows.filter(**{"user" if subject == "user" else "group__user": user})
        rows = _narrowed(rows, anchor, keys)
        columns = (f"{subject}_id", "binding_id", "content_object_id", *_names(anchor))
        for who, binding, pk, *names in rows.values_list(*columns):
            if pk not in known:
                known[pk] = _called(anchor, pk, names)
            yield Right(*known[pk], binding, **{subject: who})


def _narrowed(rows: Any, anchor: Anchor, keys: Iterable[Any] | None) -> Any:
    listed = list(keys or ())
    if not listed or anchor.name == PLATFORM or len(listed) > _MOST_KEYS:
        return rows
    if anchor.name == NAMESPACE:
        return rows.filter(content_object__cluster_id__in={key[0] for key in listed})
    return rows.filter(content_object_id__in=listed)


def _names(anchor: Anchor) -> tuple[str, ...]:
    if anchor.name == PLATFORM:
        return ()
    if anchor.name == NAMESPACE:
        return (
            "content_object__name",
            "content_object__cluster_id",
            "content_object__cluster__name",
        )
    return ("content_object__name",)


def _called(anchor: Anchor, pk: Any, names: list[Any]) -> tuple[frozenset[Spot], str]:
    """For what a right there counts, and how it is called; a namespace also from within its cluster."""
    if anchor.name == PLATFORM:
        return frozenset({EVERYWHERE}), PLATFORM
    if anchor.name == NAMESPACE:
        name, cluster, cluster_name = names
        spots = frozenset({(NAMESPACE, (cluster, name)), (NAMESPACE, (cluster, None))})
        return spots, f"namespace {name} on cluster {cluster_name}"
    return frozenset({(anchor.name, pk)}), f"{anchor.name} {names[0]}"
