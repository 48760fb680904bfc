"""What to do with a release: facts → one state of a closed set → one step.

Pure. `state_of` only looks, `plan` only decides; both can be read as tables,
and `tests/unit/apps/test_release_plan.py` reads them so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from apps.choices import DriftPolicy, OnFailure
from apps.desired import ATTEMPT_LABEL, DIGEST_LABEL
from apps.helm_records import RecordMeta, ReleaseStatus

_GOOD = frozenset({ReleaseStatus.DEPLOYED, ReleaseStatus.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last operation on a release, as its row remembers it."""

    digest: str = ""
    succeeded: bool = True
    remedied: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that decides: the row's wish and memory, and Helm's records in the cluster.

    `records` are all of this release, `foreign_pending_old` says that somebody
    else's pending record is older than the release's own time-out.
    """

    desired_digest: str
    known_revision: int
    spec_changed: bool
    deleting: bool
    keep_resources: bool
    on_failure: OnFailure
    drift_policy: DriftPolicy
    attempt: Attempt
    waiting_for: tuple[str, ...]
    records: tuple[RecordMeta, ...]
    foreign_pending_old: bool = False

    @property
    def newest(self) -> RecordMeta | None:
        return max(self.records, key=lambda record: record.revision, default=None)

    @property
    def good_revision(self) -> int | None:
        """The newest revision that was deployed once: where a rollback goes."""
        return max((r.revision for r in self.records if r.status in _GOOD), default=None)


class State(StrEnum):
    """Where a release stands."""

    ABSENT = "absent"
    LOCKED_BY_US = "locked by us"
    LOCKED_BY_OTHERS = "locked by others"
    CURRENT = "current"
    OUTDATED = "outdated"
    CHANGED_BY_HAND = "changed by hand"
    REMOVED_BY_HAND = "removed by hand"
    FAILED = "failed"
    FAILED_UNREMEDIED = "failed, not remedied yet"
    DELETING = "deleting"
    DELETED = "deleted"


class Step(StrEnum):
    """The one mutating step of a pass, or none."""

    WAIT_FOR_DEPENDENCY = "wait for dependency"
    WAIT_FOR_OTHERS = "wait for others"
    UNLOCK = "unlock"
    DEPLOY = "deploy"
    REMOVE = "remove what failed"
    ROLL_BACK = "roll back"
    UNINSTALL = "uninstall"
    FORGET = "forget, keep every object"
    FINISH = "finish the deletion"
    STALL = "stall"
    LOOK = "look"


def state_of(facts: Facts) -> State:
    """Which state the facts show; the order of the questions is the rule."""
    newest = facts.newest
    if newest is not None and newest.pending:
        ours = DIGEST_LABEL in newest.labels or facts.foreign_pending_old
        return State.LOCKED_BY_US if ours else State.LOCKED_BY_OTHERS
    if facts.deleting:
        return State.DELETED if newest is None else State.DELETING
    if _failed_last(facts):
        return State.FAILED if facts.attempt.remedied else State.FAILED_UNREMEDIED
    if newest is None:
        was_there = facts.known_revision > 0 and not facts.spec_changed
        return State.REMOVED_BY_HAND if was_there else State.ABSENT
    if newest.labels.get(DIGEST_LABEL) == facts.desired_digest:
        if _carried_over(facts, newest):
            return State.CHANGED_BY_HAND
        return State.CURRENT if newest.status in _GOOD else State.OUTDATED
    by_hand = newest.revision > facts.known_revision > 0 and not facts.spec_changed
    return State.CHANGED_BY_HAND if by_hand else State.OUTDATED


def _carried_over(facts: Facts, newest: RecordMeta) -> bool:
    """Whether the newest revision has its labels from an older one: `helm upgrade` by hand."""
    attempt = newest.labels.get(ATTEMPT_LABEL)
    return attempt is not None and any(
        record.revision < newest.revision and record.labels.get(ATTEMPT_LABEL) == attempt
        for record in facts.records
    )


def _failed_last(facts: Facts) -> bool:
    """What is wanted now was tried and failed: only another wish is tried again."""
    return not facts.attempt.succeeded and facts.attempt.digest == facts.desired_digest


# Steps that change something in the cluster: a paused release does none of them.
MUTATING = frozenset(
    {
        Step.UNLOCK,
        Step.DEPLOY,
        Step.REMOVE,
        Step.ROLL_BACK,
        Step.UNINSTALL,
        Step.FORGET,
        Step.FINISH,
    }
)

# Of these, what Helm or its records are needed for: not in a namespace that is being deleted.
AFTER_DEPLOYMENT = frozenset({Step.REMOVE, Step.ROLL_BACK, Step.UNINSTALL, Step.FORGET})


def plan(facts: Facts) -> Step:
    """The next step from the state."""
    state = state_of(facts)
    match state:
        case State.LOCKED_BY_US:
            return Step.UNLOCK
        case State.LOCKED_BY_OTHERS:
            return Step.WAIT_FOR_OTHERS
        case State.DELETED:
            return Step.FINISH
        case State.DELETING:
            return Step.FORGET if facts.keep_resources else Step.UNINSTALL
        case State.FAILED:
            return Step.STALL
        case State.FAILED_UNREMEDIED:
            return _remedy(facts)
        case State.ABSENT | State.OUTDATED:
            return Step.WAIT_FOR_DEPENDENCY if facts.waiting_for else Step.DEPLOY
        case State.CHANGED_BY_HAND | State.REMOVED_BY_HAND:
            return Step.DEPLOY if facts.drift_policy is DriftPolicy.CORRECT else Step.LOOK
        case State.CURRENT:
            return Step.LOOK
        case _:
            assert_never(state)


def _remedy(facts: Facts) -> Step:
    match facts.on_failure:
        case OnFailure.KEEP:
            return Step.STALL
        case OnFailure.REMOVE:
            return Step.REMOVE if facts.records else Step.STALL
        case OnFailure.ROLLBACK:
            if facts.good_revision is not None:
                return Step.ROLL_BACK
            return Step.REMOVE if facts.records else Step.STALL
