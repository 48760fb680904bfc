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
    HELD = "held"  # keys of it wait for a decision, the others are as wanted
    PARTLY = "partly"  # keys of it wait for a decision, and others are outdated
    CHANGED = "changed"  # what somebody else wrote


class Step(StrEnum):
    """What a pass does; at most one of them changes something."""

    CREATE = "create"
    APPLY = "apply"
    REPLACE = "replace"
    CORRECT = "correct"
    TAKE_OVER = "take over"
    ASK = "ask"
    HOLD = "hold"
    APPLY_REST = "apply the rest"
    LEAVE = "leave"
    WAIT = "wait"
    NOTHING = "nothing"


MUTATING = frozenset({Step.CREATE, Step.APPLY, Step.APPLY_REST, Step.REPLACE, Step.CORRECT})


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen, and what of the item decides.

    `owned`: our owner mark is there. `marked`: so are the label and the digest of
    these values. `own_write`: its values are those we wrote last. `frozen`: it
    cannot be changed in place. `decided`: what stands there may be written over.
    `held`: keys differ that wait for a decision, and nobody changed anything since.
    `rest_equal`: all other keys are as wanted.
    """

    present: bool
    terminating: bool = False
    owned: bool = False
    equal: bool = False
    marked: bool = False
    own_write: bool = False
    frozen: bool = False
    decided: bool = False
    held: bool = False
    rest_equal: bool = False
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
    if _waits(facts):
        return State.HELD if facts.rest_equal else State.PARTLY
    if not facts.owned or facts.own_write or facts.decided:
        return State.OUTDATED
    return State.CHANGED


def _waits(facts: Facts) -> bool:
    """One-way asks nobody, and an object that is frozen is written as a whole or not at all."""
    asked = facts.propagation is not Propagation.ONE_WAY
    return facts.owned and facts.held and asked and not facts.frozen and not facts.decided


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
        case State.HELD:
            return Step.HOLD
        case State.PARTLY:
            return Step.APPLY_REST
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
