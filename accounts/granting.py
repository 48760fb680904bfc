"""Nobody grants what he does not hold: what somebody holds at a place, compared with what he gives.

Asked by everything through which rights reach people: bindings, roles, memberships of
groups, identity mappings, tokens. The superuser and the portal itself hold everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from accounts import policy_rules
from accounts.builtin import permissions_of, rules_of
from accounts.models import Binding, Role
from accounts.scopes import within
from kubecarrier.lib import access, anchors, audit, catalogue
from kubecarrier.lib.anchors import Place, Scope
from kubecarrier.lib.errors import DeniedError

# What reaches into clusters, where the rules of a role count.
_LIVE = ("resources", "nodes")


@dataclass(frozen=True, slots=True)
class Given:
    """What is about to be given: permissions of the portal, rules in clusters."""

    permissions: frozenset[str] = frozenset()
    rules: tuple[Any, ...] = ()

    @classmethod
    def by(cls, role: Role) -> Given:
        """All that a role holds."""
        return cls(frozenset(permissions_of(role)), tuple(rules_of(role)))


@dataclass(slots=True)
class Holding:
    """One binding of somebody: what it gives, and on which objects by sort."""

    binding: Any
    given: Given
    objects: dict[str, frozenset[Any]] = field(default_factory=dict)

    def covers(self, place: Place) -> bool:
        """Whether it holds at that place."""
        if self.objects.get(catalogue.PLATFORM):
            return True
        return any(key in self.objects.get(anchor, ()) for anchor, key in place)


def bindings_of(user: Any) -> QuerySet[Binding]:
    """The bindings by which `user` holds anything."""
    mine = Q(users=user) | Q(groups__user=user)
    rows = Binding.objects.filter(mine, deletion_requested_at=None, builtin=False)
    return rows.select_related("role").distinct()


def holdings_of(user: Any) -> list[Holding]:
    """What `user` holds, binding by binding."""
    return [
        Holding(
            binding.pk,
            Given.by(binding.role),
            {one.name: frozenset(one.resolve(binding.scope)) for one in anchors.registered()},
        )
        for binding in bindings_of(user)
    ]


def places_of(scope: Scope) -> list[tuple[str, Place]]:
    """Every place of a scope, with its sort of object."""
    return [(one.name, place) for one in anchors.registered() for place in one.places(scope)]


def check(
    given: Given, scope: Scope, *, also: Iterable[str] = (), without: Iterable[Binding] = ()
) -> None:
    """Raises DeniedError unless the acting person holds all of `given` everywhere in `scope`.

    `also` are permissions that the act itself needs there; `without` are bindings that do not
    count, because they would give what is being asked for.
    """
    user = access.acting_person()
    if user is None or user.is_superuser:
        return
    if not access.active(user):
        raise access.denied("bindings.create")
    own = {binding.pk for binding in without}
    holdings = [holding for holding in holdings_of(user) if holding.binding not in own]
    for anchor, place in places_of(scope):
        _check_place(given, anchor, [h.given for h in holdings if h.covers(place)], also)


def _check_place(given: Given, anchor: str, held: Sequence[Given], also: Iterable[str]) -> None:
    has = frozenset().union(*(one.permissions for one in held))
    for name in also:
        if name not in has:
            raise access.denied(name)
    missing = sorted(set(catalogue.held_on(given.permissions, anchor)) - has)
    if missing:
        raise exceeds(missing[0], count=len(missing))
    rules = [rule for one in held for rule in one.rules]
    if atom := policy_rules.uncovered(rules, given.rules):
        what = atom.url or f"{atom.resource}.{atom.group}".rstrip(".")
        raise exceeds(f"{atom.verb} {what} in clusters")


def check_membership(groups: Iterable[Any]) -> None:
    """Raises DeniedError unless the acting person holds all that these groups hold."""
    rows = Binding.objects.filter(groups__in=list(groups), deletion_requested_at=None)
    for binding in rows.select_related("role").distinct():
        check(Given.by(binding.role), binding.scope)


def check_machine(user: Any, scopes: Sequence[str]) -> None:
    """Raises DeniedError unless the acting person holds all that a machine holds, as far as its
    token reaches: whoever has the token, acts as the machine.
    """
    person = access.acting_person()
    if person is None or person.is_superuser:
        return
    if user.is_superuser:
        raise exceeds("everything")
    narrow = scopes or None
    in_clusters = any(within(narrow, f"{one}.view") for one in _LIVE)
    for binding in bindings_of(user):
        given = Given.by(binding.role)
        permissions = frozenset(one for one in given.permissions if within(narrow, one))
        check(Given(permissions, given.rules if in_clusters else ()), binding.scope)


def exceeds(what: str, *, count: int = 1) -> DeniedError:
    """The refusal of somebody who would give more than he has."""
    audit.denied(f"bindings.give {what}")
    more = f" and {count - 1} more" if count > 1 else ""
    return DeniedError(
        "grant_exceeds_own",
        f"You cannot give what you do not hold there: {what}{more}.",
        hint="Somebody who holds it in the whole scope can give it.",
        needs=what,
    )
