"""The few sorts of objects that rights are held on, and where a person holds one.

Every check of a right begins with `held`: one statement that answers on which anchors a
person holds it, of himself or through a group. The questions that follow name them, and
leave out what is held nowhere: Django builds them in less time, and a database knows how
much a list of keys will find where it can only guess about a subquery.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection, models

from kubecarrier.lib.catalogue import EVERYWHERE, NAMESPACE, PLATFORM

Scope = Mapping[str, Any]
# Where a right has to be held for one object: any of these (anchor, key) will do; the platform always.
Place = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A sort of object that rights are held on, with guardian's two tables for it.

    `resolve` answers the keys of those that a binding's scope names at this moment;
    `places` where somebody must hold what he gives by such a scope (none: not its scope);
    `unknown` the names in it that are nowhere.
    """

    name: str
    model: type[models.Model]
    users: type[models.Model]
    groups: type[models.Model]
    resolve: Callable[[Scope], Iterable[Any]]
    places: Callable[[Scope], list[Place]]
    unknown: Callable[[Scope], list[str]] = lambda scope: []


MANY = 1000  # keys of one table that a question names one by one

_anchors: dict[str, Anchor] = {}


def register(anchor: Anchor) -> None:
    """Called once per sort of anchor at start."""
    _anchors[anchor.name] = anchor
    _statement.cache_clear()


def registered() -> tuple[Anchor, ...]:
    """Every sort of anchor, the widest first."""
    return tuple(_anchors[name] for name in EVERYWHERE if name in _anchors)


@dataclass(frozen=True, slots=True)
class Held:
    """On which anchors `user` holds `permission`, of himself or through a group.

    `keys` are the anchors' own, by sort, as far as there are few; `tables` the tables that
    hold more than that (of namespaces: any), which are then asked in place.
    """

    user: Any
    permission: str
    keys: Mapping[str, frozenset[Any]]
    tables: frozenset[type[models.Model]]

    @property
    def on_platform(self) -> bool:
        """Everywhere."""
        return PLATFORM in self.keys

    @property
    def anywhere(self) -> bool:
        """On anything at all."""
        return bool(self.keys or self.tables)

    def rows(self, name: str) -> list[models.QuerySet[Any]]:
        """The rows of those `tables` that are of anchors called `name`: none to two sets."""
        anchor, found = _anchors[name], list[models.QuerySet[Any]]()
        for table, who in ((anchor.users, "user"), (anchor.groups, "group__user")):
            if table in self.tables:
                rows: Any = table._default_manager
                found.append(rows.filter(permission__codename=self.permission, **{who: self.user}))
        return found

    def within(self, name: str) -> list[Any]:
        """What a column that leads to anchors called `name` may be in: lists and subqueries."""
        known = [self.keys[name]] if name in self.keys else []
        return known + [rows.values("content_object_id") for rows in self.rows(name)]


def held(user: Any, permission: str) -> Held:
    """Where `user` holds `permission`, by one statement."""
    tables = [table for anchor in registered() for table in (anchor.users, anchor.groups)]
    names = [anchor.name for anchor in registered() for _ in range(2)]
    found: dict[int, set[Any]] = defaultdict(set)
    for number, key in _found(user, permission):
        found[number].add(_anchors[names[number]].model._meta.pk.to_python(key))
    full = {number for number in found if names[number] == NAMESPACE or len(found[number]) > MANY}
    keys: dict[str, set[Any]] = defaultdict(set)
    for number in found.keys() - full:
        keys[names[number]] |= found[number]
    frozen = {name: frozenset(some) for name, some in keys.items()}
    return Held(user, permission, frozen, frozenset(tables[number] for number in full))


def _found(user: Any, permission: str) -> list[tuple[int, str]]:
    if not _anchors:
        return []
    key = get_user_model()._meta.pk.get_db_prep_value(user.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [permission, *[key] * (2 * len(_anchors))])
        found: list[tuple[int, str]] = cursor.fetchall()
    return found


@cache
def _statement() -> str:
    """The number of a table and a key from it, of each. By hand: the ORM would build it anew each time."""
    quote = connection.ops.quote_name
    members = quote(get_user_model().groups.through._meta.db_table)
    mine = f"group_id IN (SELECT group_id FROM {members} WHERE user_id = %s)"  # noqa: S608 - our tables  # nosec B608
    questions: list[str] = []
    for anchor in registered():
        limit = MANY + 1 if anchor.name != NAMESPACE else 1
        for table, whose in ((anchor.users, "user_id = %s"), (anchor.groups, mine)):
            questions.append(
                f"SELECT * FROM (SELECT DISTINCT {len(questions)} AS number, CAST(content_object_id AS text) AS key"  # noqa: S608  # nosec B608
                f" FROM {quote(table._meta.db_table)} WHERE {whose}"
                f" AND permission_id IN (SELECT id FROM wanted) LIMIT {limit}) found_{len(questions)}"
            )
    permissions = quote(Permission._meta.db_table)
    wanted = f"WITH wanted AS (SELECT id FROM {permissions} WHERE codename = %s)"  # noqa: S608  # nosec B608
    return f"{wanted} {' UNION ALL '.join(questions)}"
