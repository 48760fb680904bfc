"""What to do about one object: from what was seen to the next step. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from fleet.choices import Propagation


class State(StrEnum):
    """How an object stands against its config item; exactly one holds."""

    ABSENT = "absent"
    TERMINATING = "terminating"
    FOREIGN = "foreign"  # without our owner mark
    CURRENT = "current"  # what is wanted
    UNMARKED = "unmarked"  # what is wanted, but a mark of ours is missing or old
    OUTDATED = "outdated"  # what we wrote earlier
    CHANGED = "changed"  # what somebody else wrote


class Step(StrEnum):
    """What a pass does; at most one of them changes something."""

    CREATE = "create"
    APPLY = "apply"
    REPLACE = "replace"
    CORRECT = "correct"
    TAKE_OVER = "take over"
    ASK = "ask"
    LEAVE = "leave"
    WAIT = "wait"
    NOTHING = "nothing"


MUTATING = frozenset({Step.CREATE, Step.APPLY, Step.REPLACE, Step.CORRECT})


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen, and what of the item decides.

    `owned`: our owner mark is there. `marked`: so are the label and the digest of
    these values. `own_write`: its values are those we wrote last. `frozen`: it
    cannot be changed in place. `decided`: what stands there is in the inbox already.
    """

    present: bool
    terminating: bool = False
    owned: bool = False
    equal: bool = False
    marked: bool = False
    own_write: bool = False
    frozen: bool = False
    decided: bool = False
    adopt: bool = False
    propagation: Propagation = Propagation.ONE_WAY


def state_of(facts: Facts) -> State:
    """Read-only; every combination of facts is exactly one state."""
    if not facts.present:
        return State.ABSENT
    if facts.terminating:
        return State.TERMINATING
    if not facts.owned and not facts.adopt:
        return State.FOREIGN
    if facts.equal:
        return State.CURRENT if facts.marked and facts.owned else State.UNMARKED
    if not facts.owned or facts.own_write or facts.decided:
        return State.OUTDATED
    return State.CHANGED


def plan(facts: Facts) -> Step:
    """The next step."""
    state = state_of(facts)
    match state:
        case State.ABSENT:
            return Step.CREATE
        case State.TERMINATING:
            return Step.WAIT
        case State.FOREIGN:
            return Step.LEAVE
        case State.CURRENT:
            return Step.NOTHING
        case State.UNMARKED:
            return Step.APPLY
        case State.OUTDATED:
            return Step.REPLACE if facts.frozen else Step.APPLY
        case State.CHANGED:
            return _changed(facts)
        case _:
            assert_never(state)


def _changed(facts: Facts) -> Step:
    match facts.propagation:
        case Propagation.ONE_WAY:
            return Step.REPLACE if facts.frozen else Step.CORRECT
        case Propagation.TWO_WAY:
            return Step.TAKE_OVER
        case Propagation.INBOX:
            return Step.ASK
        case _:
            assert_never(facts.propagation)
