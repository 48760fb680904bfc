"""What `accounts` tells higher apps of bindings, and asks them: `fleet` puts them into the clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# One place where a binding has to arrive: its name, `Ready`, and whether that is of today's wish.
State = tuple[str, str, bool]
Scopes = Mapping[Any, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Where:
    """A place by name: a project, a cluster, a namespace of one (or of any). Empty: not said."""

    project: str = ""
    cluster: str = ""
    namespace: str = ""

    @property
    def said(self) -> bool:
        return bool(self.project or self.cluster or self.namespace)


@dataclass(frozen=True, slots=True)
class Follower:
    """Who has to follow bindings: `changed` in the transaction of the change.

    `states` answers how far each place is; a binding that is being deleted goes once
    it has none. `reaching` answers which of these scopes (by key) reach a place at this
    moment, in a number of queries that does not depend on how many they are.
    """

    changed: Callable[[Any], None]
    states: Callable[[Any], Sequence[State]]
    reaching: Callable[[Where, Scopes], set[Any]]


_followers: list[Follower] = []
_of_people: list[Callable[[Sequence[Any]], None]] = []


def register(follower: Follower) -> None:
    """Called once at start."""
    _followers.append(follower)


def binding_changed(binding: Any) -> None:
    """Everybody who follows bindings hears of it."""
    for follower in _followers:
        follower.changed(binding)


def follow_people(changed: Callable[[Sequence[Any]], None]) -> None:
    """Called once at start: `changed(users)` in the transaction in which somebody's standing changed.

    Left (`is_active` False), came back, renamed, made an administrator, about to be deleted;
    the bindings that name them were followed already.
    """
    _of_people.append(changed)


def people_changed(users: Iterable[Any]) -> None:
    """Everybody who follows people hears of them."""
    listed = list(users)
    for changed in _of_people:
        changed(listed)


def binding_states(binding: Any) -> list[State]:
    """Every place of the binding."""
    return [state for follower in _followers for state in follower.states(binding)]


def reaching(where: Where, scopes: Scopes) -> set[Any]:
    """The keys of the scopes that reach the place."""
    return {key for follower in _followers for key in follower.reaching(where, scopes)}
