"""Everybody who may do something with one object, and how each came to it.

A dozen queries for any number of people: what is held is read once, and compared here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.review.people import OWNER, SUPERUSER, Sort, Way, Ways, sort_of
from accounts.scopes import within
from kubecarrier.lib import holders
from kubecarrier.lib.holders import Grounds, Right

_COLUMNS = ("pk", "username", "is_active", "is_superuser")


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds it. Who is switched off is listed, and may nothing until he is back.

    `tokens` are the living tokens that let it through.
    """

    user: str
    user_id: Any
    sort: Sort
    active: bool
    by: tuple[Way, ...]
    tokens: int = 0

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "user": self.user,
            "kind": self.sort.value,
            "active": self.active,
            "allowed": self.active,
            "tokens": self.tokens,
            "by": [way.document() for way in self.by],
        }


def who_can(
    permission: str, row: Any = None, *, after: str = "", limit: int | None = None
) -> list[Holder]:
    """By user name, those after `after`; `row` None: on the platform."""
    grounds = holders.grounds_of(permission, row)
    held = holders.rights(permission, grounds)
    by_person = _by_person(held)
    people = User.objects.order_by("username")
    people = people.filter(username__gt=after) if after else people
    found = list(islice(_chosen(people, grounds, by_person), limit))
    ways = Ways(right for _person, mine in found for right in mine)
    tokens = _tokens((person[0] for person, _mine in found), permission)
    return [_holder(person, mine, grounds, ways, tokens) for person, mine in found]


def _chosen(
    people: QuerySet[User], grounds: Grounds, by_person: dict[Any, list[Right]]
) -> Iterator[tuple[tuple[Any, ...], list[Right]]]:
    for person in people.values_list(*_COLUMNS).iterator(chunk_size=2000):
        mine = by_person.get(person[0], [])
        spots = frozenset().union(*(right.spots for right in mine))
        if person[3] or person[0] in grounds.owners or grounds.covered_by(spots):
            yield person, mine


def _by_person(held: list[Right]) -> dict[Any, list[Right]]:
    """Rights of groups belong to each of their members."""
    found: dict[Any, list[Right]] = defaultdict(list)
    shared: dict[Any, list[Right]] = defaultdict(list)
    for right in held:
        if right.group is None:
            found[right.user].append(right)
        else:
            shared[right.group].append(right)
    if shared:
        members = User.groups.through.objects.filter(group__in=list(shared))
        for user, group in members.values_list("user_id", "group_id"):
            found[user] += shared[group]
    return found


def _holder(
    person: tuple[Any, ...],
    mine: list[Right],
    grounds: Grounds,
    ways: Ways,
    tokens: dict[Any, int],
) -> Holder:
    key, name, active, superuser = person
    own = (OWNER,) if key in grounds.owners else ()
    standing = (SUPERUSER,) if superuser else ()
    by = (*standing, *own, *ways.of(mine))
    return Holder(name, key, sort_of(name), active, by, tokens.get(key, 0))


def _tokens(people: Iterable[Any], permission: str) -> dict[Any, int]:
    """How many living tokens of each let the permission through."""
    found: dict[Any, int] = defaultdict(int)
    now = timezone.now()
    rows = ApiToken.objects.filter(user__in=list(people))
    for user, scopes, expiry in rows.values_list("user_id", "scopes", "expiry"):
        if (expiry is None or expiry > now) and within(scopes or None, permission):
            found[user] += 1
    return found
