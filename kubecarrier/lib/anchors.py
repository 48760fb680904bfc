"""The few sorts of objects that rights are held on, and where a person holds one.

Every check of a right begins with `held`: one statement that answers on which anchors a
person holds it, of himself or through a group. The questions that follow name them, and
leave out what is held nowhere: Django builds them in less time, and a database knows how
much a list of keys will find where it can only guess about a subquery.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q

from kubecarrier.lib.catalogue import CLUSTER, EVERYWHERE, NAMESPACE, PLATFORM

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
_BLANK = " "  # in no key and no name

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

    `keys` are the anchors' own, by sort, as far as there are few: of a namespace its
    cluster's and its name. `tables` hold more than that, and are asked in place.
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

    def on(self, name: str, path: str) -> Q:
        """Rows whose column `path` leads to an anchor called `name`; not for namespaces."""
        found = Q(**{f"{path}__in": self.keys.get(name, ())})
        for rows in self._rows(name):
            found |= Q(**{f"{path}__in": rows.values("content_object_id")})
        return found

    def in_namespaces(self, cluster: str, namespace: str) -> Q:
        """Rows whose columns name a namespace: its cluster's key, and its own name."""
        found = Q(**{f"{cluster}__in": ()})
        for names, clusters in self._alike().items():
            found |= Q(**{f"{cluster}__in": clusters, f"{namespace}__in": names})
        place = {
            "content_object__cluster_id": OuterRef(cluster),
            "content_object__name": OuterRef(namespace),
        }
        for rows in self._rows(NAMESPACE):
            found |= Q(Exists(rows.filter(**place)))
        return found

    def around_namespaces(self, path: str) -> Q:
        """Rows whose column leads to a cluster in which a namespace is held."""
        found = Q(**{f"{path}__in": {cluster for cluster, _ in self.keys.get(NAMESPACE, ())}})
        for rows in self._rows(NAMESPACE):
            found |= Q(**{f"{path}__in": rows.values("content_object__cluster_id")})
        return found

    def covers(self, name: str, key: Any) -> bool:
        """Whether it is held on that anchor; of a namespace the key is cluster's and name."""
        if key in self.keys.get(name, ()):
            return True
        place = {"content_object": key}
        if name == NAMESPACE:
            place = {"content_object__cluster_id": key[0], "content_object__name": key[1]}
        return any(rows.filter(**place).exists() for rows in self._rows(name))

    def _rows(self, name: str) -> Iterator[models.QuerySet[Any]]:
        """Those of `tables` that are of anchors called `name`: none to two sets."""
        if not self.tables:
            return
        anchor = _anchors[name]
        for table, who in ((anchor.users, "user"), (anchor.groups, "group__user")):
            if table in self.tables:
                rows: Any = table._default_manager
                yield rows.filter(permission__codename=self.permission, **{who: self.user})

    def _alike(self) -> dict[frozenset[str], set[Any]]:
        """The clusters in which the same names are held, by those names."""
        names: dict[Any, set[str]] = defaultdict(set)
        for cluster, name in self.keys.get(NAMESPACE, ()):
            names[cluster].add(name)
        found: dict[frozenset[str], set[Any]] = defaultdict(set)
        for cluster, some in names.items():
            found[frozenset(some)].add(cluster)
        return found


def held(user: Any, permission: str) -> Held:
    """Where `user` holds `permission`, by one statement."""
    tables = [table for anchor in registered() for table in (anchor.users, anchor.groups)]
    owners = [anchor for anchor in registered() for _ in range(2)]
    found: dict[int, set[Any]] = defaultdict(set)
    for number, key in _found(user, permission):
        found[number].add(_key(owners[number], key))
    full = {number for number, some in found.items() if len(some) > MANY}
    keys: dict[str, set[Any]] = defaultdict(set)
    for number in found.keys() - full:
        keys[owners[number].name] |= found[number]
    frozen = {name: frozenset(some) for name, some in keys.items()}
    return Held(user, permission, frozen, frozenset(tables[number] for number in full))


def _key(anchor: Anchor, text: str) -> Any:
    if anchor.name != NAMESPACE:
        return anchor.model._meta.pk.to_python(text)
    cluster, _, name = text.partition(_BLANK)
    field: Any = anchor.model._meta.get_field(CLUSTER)
    return field.target_field.to_python(cluster), name


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
        key, joined = "CAST(content_object_id AS text)", ""
        if anchor.name == NAMESPACE:
            key = f"CAST(n.cluster_id AS text) || '{_BLANK}' || n.name"
            joined = f" JOIN {quote(anchor.model._meta.db_table)} n ON n.id = content_object_id"
        for table, whose in ((anchor.users, "user_id = %s"), (anchor.groups, mine)):
            number = len(questions)
            questions.append(
                f"SELECT * FROM (SELECT DISTINCT {number} AS number, {key} AS key"  # noqa: S608  # nosec B608
                f" FROM {quote(table._meta.db_table)}{joined} WHERE {whose}"
                f" AND permission_id IN (SELECT id FROM wanted) LIMIT {MANY + 1}) found_{number}"
            )
    permissions = quote(Permission._meta.db_table)
    wanted = f"WITH wanted AS (SELECT id FROM {permissions} WHERE codename = %s)"  # noqa: S608  # nosec B608
    return f"{wanted} {' UNION ALL '.join(questions)}"
