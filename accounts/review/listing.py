"""What bindings give, person by person: a line for each way in which a binding reaches somebody.

People by name, groups, and superusers are three selects of one UNION, so that a page costs the
same with fifty people and with fifty thousand.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db.models import CharField, F, Q, QuerySet, UUIDField, Value
from django.db.models.lookups import GreaterThan

from accounts.builtin import permissions_of
from accounts.models import Binding, Role, User
from accounts.review.people import Sort, Through, sort_of
from accounts.scopes_text import scope_text
from kubecarrier.lib import catalogue, granted
from kubecarrier.lib.catalogue import CLUSTER, NAMESPACE, PLATFORM, PROJECT
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.granted import Where

Key = tuple[str, str, str]
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a review is asked for; empty is everything. `right` is a permission of the catalogue."""

    user: str = ""
    group: str = ""
    role: str = ""
    right: str = ""
    where: Where = field(default_factory=Where)


@dataclass(frozen=True, slots=True)
class Line:
    """One binding that reaches one person, directly, through a group or as a superuser."""

    user: str
    user_id: Any
    sort: Sort
    active: bool
    superuser: bool
    binding: str
    binding_id: Any
    role: str
    role_id: Any
    scope: Mapping[str, Any]
    through: Through
    group: str
    since: datetime
    permissions: tuple[str, ...]

    @property
    def key(self) -> Key:
        return self.user, self.binding, self.group

    @property
    def where(self) -> str:
        return scope_text(self.scope)

    def document(self) -> dict[str, Any]:
        """For JSON, and flat enough for a table."""
        return {
            "user": self.user,
            "kind": self.sort.value,
            "active": self.active,
            "superuser": self.superuser,
            "role": self.role,
            "scope": dict(self.scope),
            "where": self.where,
            "binding": self.binding,
            "through": self.through.value,
            "group": self.group or None,
            "since": self.since,
        }


def lines(wanted: Wanted, *, after: Key | None = None, limit: int) -> list[Line]:
    """By person, binding and group."""
    selected = _selected(wanted, after)
    found = list(selected.order_by("person", "named", "shared")[:limit])
    return list(_lines(found))


def all_lines(wanted: Wanted) -> Iterator[Line]:
    """Every line, page by page."""
    after: Key | None = None
    while page := lines(wanted, after=after, limit=_CHUNK):
        yield from page
        after = page[-1].key


def token_of(line: Line) -> str:
    """Where the next page begins."""
    return base64.urlsafe_b64encode(orjson.dumps(line.key)).decode()


def read_token(text: str) -> Key | None:
    """Raises InvalidError for a token that is none of ours."""
    if not text:
        return None
    try:
        match orjson.loads(base64.urlsafe_b64decode(text)):
            case [str(person), str(named), str(shared)] if "\0" not in person + named + shared:
                return person, named, shared
    except (ValueError, binascii.Error):
        pass
    raise InvalidError(
        "continue_invalid", "This continue token is not one of ours.", field="continue"
    )


@dataclass(frozen=True, slots=True)
class _Members:
    """A table of who is in a binding: the way from its rows to the person, and the group's name."""

    model: Any
    person: str
    group: str = ""


_DIRECT = _Members(Binding.users.through, "user__")
_SHARED = _Members(Binding.groups.through, "group__user__", "group__name")


def _selected(wanted: Wanted, after: Key | None) -> QuerySet[Any, Any]:
    """Three selects of one form, as one."""
    bindings = _bindings(wanted)
    shared = _part(_SHARED, bindings, wanted, after)
    if wanted.group:
        return shared
    parts = [_part(_DIRECT, bindings, wanted, after), shared]
    if builtin := bindings.filter(builtin=True).first():
        parts.append(_superusers(builtin, wanted, after))
    return parts[0].union(*parts[1:], all=True)


def _bindings(wanted: Wanted) -> QuerySet[Binding]:
    """The living bindings that the filters leave."""
    rows = Binding.objects.filter(deletion_requested_at=None)
    if wanted.role:
        rows = rows.filter(role__name=wanted.role)
    if wanted.right:
        rows = rows.filter(_can_hold(wanted.right), role__in=roles_with(wanted.right))
    if wanted.where.said:
        scopes = dict(rows.values_list("pk", "scope"))
        rows = rows.filter(pk__in=granted.reaching(wanted.where, scopes))
    return rows


def check_right(right: str) -> None:
    """Raises InvalidError for what is no permission."""
    if right and right not in catalogue.known():
        raise InvalidError(
            "right_unknown",
            f"There is no right “{right[:80]}”.",
            field="right",
            hint="A kind and a verb, such as applications.edit.",
        )


def roles_with(right: str) -> list[Any]:
    """The roles that hold a permission."""
    return [role.pk for role in Role.objects.all() if right in permissions_of(role)]


def _can_hold(right: str) -> Q:
    """Scopes of a sort that the right can be held on: on a cluster nobody holds `users.view`."""
    subject, verb = catalogue.known()[right]
    inside = Q(scope__has_key="namespaces")
    sorts = {
        PLATFORM: Q(scope__platform=True),
        PROJECT: Q(scope__has_key="project"),
        CLUSTER: Q(scope__has_key="clusters") & ~inside,
        NAMESPACE: inside,
    }
    found = Q(pk__in=[])
    for sort in subject.anchors_of(verb):
        found |= sorts[sort]
    return found


def sort_of_scope(scope: Mapping[str, Any]) -> str:
    """On what sort of object a scope gives rights."""
    if scope.get("platform"):
        return PLATFORM
    if scope.get("project"):
        return PROJECT
    return NAMESPACE if scope.get("namespaces") else CLUSTER


def _part(
    members: _Members, bindings: QuerySet[Binding], wanted: Wanted, after: Key | None
) -> QuerySet[Any, Any]:
    """People of bindings by one table of memberships: one filter, so that it stays one join."""
    person = members.person
    asked = Q(binding__in=bindings, **{f"{person}isnull": False})
    if wanted.user:
        asked &= Q(**{f"{person}username": wanted.user})
    if wanted.group:
        asked &= Q(**{members.group: wanted.group})
    if after is not None:
        asked &= _beyond((f"{person}username", "binding__name", members.group), after)
    columns = {
        "person": F(f"{person}username"),
        "named": F("binding__name"),
        "shared": F(members.group) if members.group else Value("", CharField()),
    }
    rows = members.model.objects.filter(asked)
    return _columns(rows, columns, F(f"{person}id"), F("binding_id"))


def _superusers(builtin: Binding, wanted: Wanted, after: Key | None) -> QuerySet[Any, Any]:
    """They hold everything by their standing, and act in clusters by the built-in binding."""
    asked = Q(is_superuser=True)
    if wanted.user:
        asked &= Q(username=wanted.user)
    if after is not None:
        # The database compares the names, as it does when it sorts.
        later = GreaterThan(Value(builtin.name, CharField()), Value(after[1], CharField()))
        asked &= Q(username__gt=after[0]) | (Q(username=after[0]) & Q(later))
    columns = {
        "person": F("username"),
        "named": Value(builtin.name, CharField()),
        "shared": Value("", CharField()),
    }
    rows = User.objects.filter(asked)
    return _columns(rows, columns, F("pk"), Value(builtin.pk, UUIDField()))


def _columns(
    rows: QuerySet[Any], columns: Mapping[str, Any], user: Any, binding: Any
) -> QuerySet[Any, Any]:
    named: QuerySet[Any] = rows.order_by().annotate(**columns, user_key=user, binding_key=binding)
    return named.values_list("person", "named", "shared", "user_key", "binding_key")


def _beyond(names: tuple[str, str, str], after: Key) -> Q:
    """What comes after a key; without a column of groups the last part is always empty."""
    person, named, shared = names
    later = Q(**{f"{person}__gt": after[0]})
    same = Q(**{person: after[0]})
    rest = Q(**{f"{named}__gt": after[1]})
    if shared:
        rest |= Q(**{named: after[1], f"{shared}__gt": after[2]})
    return later | (same & rest)


def _lines(found: list[tuple[Any, ...]]) -> Iterator[Line]:
    people = {
        row["pk"]: row
        for row in User.objects.filter(pk__in={one[3] for one in found}).values(
            "pk", "is_active", "is_superuser"
        )
    }
    bindings = Binding.objects.select_related("role").in_bulk({one[4] for one in found})
    held: dict[tuple[Any, str], tuple[str, ...]] = {}
    for person, named, shared, user, key in found:
        binding, standing = bindings.get(key), people.get(user)
        if binding is None or standing is None:
            continue  # gone between two queries
        role = binding.role
        sort = sort_of_scope(binding.scope)
        if (role.pk, sort) not in held:
            held[role.pk, sort] = tuple(sorted(catalogue.held_on(permissions_of(role), sort)))
        through = Through.GROUP if shared else Through.DIRECT
        yield Line(
            user=person,
            user_id=user,
            sort=sort_of(person),
            active=standing["is_active"],
            superuser=standing["is_superuser"],
            binding=named,
            binding_id=key,
            role=role.name,
            role_id=role.pk,
            scope=binding.scope,
            through=Through.SUPERUSER if binding.builtin else through,
            group=shared,
            since=binding.created_at,
            permissions=held[role.pk, sort],
        )
