"""Whether one person may do something, and why: the evaluator's answer, explained.

`allowed` is what `kubecarrier.lib.access` says and nothing else; the ways are read beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from accounts.review.people import OWNER, SUPERUSER, Way, Ways
from accounts.scopes import allows
from kubecarrier.lib import access, holders
from kubecarrier.lib.holders import Right, Spot


class Why(StrEnum):
    """The reason of an answer: a closed list."""

    HELD = "Held"
    SUPERUSER = "Superuser"
    OWN = "Own"
    NOT_HELD = "NotHeld"
    HELD_ELSEWHERE = "HeldElsewhere"
    HELD_IN_PART = "HeldInPart"
    INACTIVE = "Inactive"
    TOKEN = "TokenNarrower"  # noqa: S105 - a reason


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, why, and by what; where it is no, `by` is where the right is held instead."""

    allowed: bool
    why: Why
    message: str
    by: tuple[Way, ...] = ()


def decide(user: Any, permission: str, row: Any = None, *, elsewhere: bool = True) -> Decision:
    """Whether `user` may, on a stored row or (None) on the platform.

    `elsewhere`: whether it may be told where else the right is held.
    """
    allowed = may(user, permission, row)
    if allowed and user.is_superuser:
        return Decision(True, Why.SUPERUSER, "A superuser holds everything.", (SUPERUSER,))
    if not user.is_active:
        text = f"{user.username} is switched off, and may nothing."
        return Decision(False, Why.INACTIVE, text)
    grounds = holders.grounds_of(permission, row)
    held = holders.rights(permission, None if elsewhere else grounds, user=user)
    fitting = [right for right in held if grounds.anywhere or right.spots & grounds.all_spots]
    if allowed:
        ways = Ways(fitting).of(fitting)
        if ways:
            text = str(ways[0])
            return Decision(True, Why.HELD, f"{text[:1].upper()}{text[1:]}.", ways)
        return Decision(True, Why.OWN, "It is their own.", (OWNER,))
    return _refused(user, permission, grounds, held, fitting)


def may(user: Any, permission: str, row: Any = None) -> bool:
    """The evaluator's answer; looking at a stored row is what its lists decide."""
    if row is not None and permission.endswith(".view"):
        rows = type(row)._default_manager.filter(pk=row.pk)
        return access.may(user, permission, row) or (
            access.visible(rows, user, permission).exists()
        )
    return access.may(user, permission, row)


def _refused(
    user: Any,
    permission: str,
    grounds: holders.Grounds,
    held: list[Right],
    fitting: list[Right],
) -> Decision:
    ways = Ways(held).of(held)
    if not allows(user, permission):
        text = f"This token is not meant for that: it lacks {permission}."
        return Decision(False, Why.TOKEN, text, ways)
    if fitting and grounds.each:
        spots: set[Spot] = set().union(*(right.spots for right in fitting))
        text = f"Held at {grounds.count(spots)} of the {len(grounds.each)} places it is at; all are needed."
        return Decision(False, Why.HELD_IN_PART, text, ways)
    if held:
        places = sorted({right.on for right in held})
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        text = f"Held elsewhere only: {', '.join(places[:3])}{more}."
        return Decision(False, Why.HELD_ELSEWHERE, text, ways)
    return Decision(False, Why.NOT_HELD, f"No binding gives {permission}.")
