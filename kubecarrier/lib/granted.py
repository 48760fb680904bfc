"""What `accounts` tells higher apps of bindings: `fleet` puts them into the clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# One place where a binding has to arrive: its name, `Ready`, and whether that is of today's wish.
State = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Follower:
    """Who has to follow bindings: `changed` in the transaction of the change.

    `states` answers how far each place is; a binding that is being deleted goes once
    it has none.
    """

    changed: Callable[[Any], None]
    states: Callable[[Any], Sequence[State]]


_followers: list[Follower] = []


def register(follower: Follower) -> None:
    """Called once at start."""
    _followers.append(follower)


def binding_changed(binding: Any) -> None:
    """Everybody who follows bindings hears of it."""
    for follower in _followers:
        follower.changed(binding)


def binding_states(binding: Any) -> list[State]:
    """Every place of the binding."""
    return [state for follower in _followers for state in follower.states(binding)]
