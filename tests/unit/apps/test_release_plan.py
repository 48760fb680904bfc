"""The plan of a release as a table, and that from every start it comes to rest."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from apps.choices import DriftPolicy, OnFailure
from apps.desired import ATTEMPT_LABEL, DIGEST_LABEL
from apps.helm_records import RecordMeta, ReleaseStatus
from apps.reconcilers.release_plan import Attempt, Facts, State, Step, plan, state_of

S = ReleaseStatus
PENDING = [S.PENDING_INSTALL, S.PENDING_UPGRADE, S.PENDING_ROLLBACK]


def rec(
    revision: int, status: ReleaseStatus = S.DEPLOYED, digest: str | None = "want"
) -> RecordMeta:
    """One of Helm's records; `digest` None is one that somebody else wrote."""
    labels = {} if digest is None else {DIGEST_LABEL: digest}
    return RecordMeta("shop", "ns", revision, status, f"s{revision}", "u", "1", None, None, labels)


def tried(revision: int, attempt: str) -> RecordMeta:
    """A deployed record of ours, with the mark of the attempt that made it."""
    made = rec(revision)
    return replace(made, labels={**made.labels, ATTEMPT_LABEL: attempt})


def facts(*records: RecordMeta, **changes: Any) -> Facts:
    whole = Facts(
        desired_digest="want",
        known_revision=max((r.revision for r in records), default=0),
        spec_changed=False,
        deleting=False,
        keep_resources=False,
        on_failure=OnFailure.KEEP,
        drift_policy=DriftPolicy.DETECT,
        attempt=Attempt(),
        waiting_for=(),
        records=records,
    )
    return replace(whole, **changes)


FAILED = Attempt("want", succeeded=False, remedied=True)
UNREMEDIED = Attempt("want", succeeded=False, remedied=False)
OTHER_FAILED = Attempt("other", succeeded=False, remedied=False)

TABLE = [
    # nothing there yet
    (facts(), State.ABSENT, Step.DEPLOY),
    (facts(waiting_for=("db",)), State.ABSENT, Step.WAIT_FOR_DEPENDENCY),
    (facts(attempt=OTHER_FAILED), State.ABSENT, Step.DEPLOY),
    # there and right
    (facts(rec(1)), State.CURRENT, Step.LOOK),
    (facts(rec(1), waiting_for=("db",)), State.CURRENT, Step.LOOK),
    (facts(rec(1, S.SUPERSEDED, "old"), rec(2)), State.CURRENT, Step.LOOK),
    (facts(rec(1), spec_changed=True), State.CURRENT, Step.LOOK),
    # there and not what is wanted
    (facts(rec(1, digest="old"), spec_changed=True), State.OUTDATED, Step.DEPLOY),
    (facts(rec(1, digest="old")), State.OUTDATED, Step.DEPLOY),
    (facts(rec(1, digest="old"), waiting_for=("db",)), State.OUTDATED, Step.WAIT_FOR_DEPENDENCY),
    (facts(rec(1, S.FAILED)), State.OUTDATED, Step.DEPLOY),
    (facts(rec(1, S.UNKNOWN)), State.OUTDATED, Step.DEPLOY),
    (facts(rec(1, S.UNINSTALLED)), State.OUTDATED, Step.DEPLOY),
    (facts(rec(1, digest=None), known_revision=0), State.OUTDATED, Step.DEPLOY),
    # changed by hand
    (facts(rec(1), rec(2, digest=None), known_revision=1), State.CHANGED_BY_HAND, Step.LOOK),
    (
        facts(rec(1), rec(2, digest=None), known_revision=1, drift_policy=DriftPolicy.IGNORE),
        State.CHANGED_BY_HAND,
        Step.LOOK,
    ),
    (
        facts(rec(1), rec(2, digest=None), known_revision=1, drift_policy=DriftPolicy.CORRECT),
        State.CHANGED_BY_HAND,
        Step.DEPLOY,
    ),
    (
        facts(rec(1), rec(2, digest=None), known_revision=1, spec_changed=True),
        State.OUTDATED,
        Step.DEPLOY,
    ),
    # `helm upgrade` by hand carries the labels of the revision before over to its own
    (facts(tried(1, "t1"), tried(2, "t1")), State.CHANGED_BY_HAND, Step.LOOK),
    (facts(tried(1, "t1"), tried(2, "t2")), State.CURRENT, Step.LOOK),
    # removed by hand
    (facts(known_revision=1), State.REMOVED_BY_HAND, Step.LOOK),
    (facts(known_revision=1, drift_policy=DriftPolicy.CORRECT), State.REMOVED_BY_HAND, Step.DEPLOY),
    (facts(known_revision=1, spec_changed=True), State.ABSENT, Step.DEPLOY),
    # somebody works on it
    (facts(rec(1, S.PENDING_INSTALL)), State.LOCKED_BY_US, Step.UNLOCK),
    (facts(rec(1, S.PENDING_INSTALL, "old")), State.LOCKED_BY_US, Step.UNLOCK),
    (facts(rec(1, S.PENDING_INSTALL, None)), State.LOCKED_BY_OTHERS, Step.WAIT_FOR_OTHERS),
    (
        facts(rec(1, S.PENDING_UPGRADE, None), foreign_pending_old=True),
        State.LOCKED_BY_US,
        Step.UNLOCK,
    ),
    (facts(rec(1, S.PENDING_UPGRADE), deleting=True), State.LOCKED_BY_US, Step.UNLOCK),
    (
        facts(rec(1, S.PENDING_UPGRADE, None), deleting=True),
        State.LOCKED_BY_OTHERS,
        Step.WAIT_FOR_OTHERS,
    ),
    (
        facts(rec(1), rec(2, S.PENDING_ROLLBACK), attempt=UNREMEDIED),
        State.LOCKED_BY_US,
        Step.UNLOCK,
    ),
    # an older pending record below a newer one locks nothing
    (facts(rec(1, S.PENDING_UPGRADE, "old"), rec(2)), State.CURRENT, Step.LOOK),
    # failed, by policy
    (facts(rec(1, S.FAILED), attempt=FAILED), State.FAILED, Step.STALL),
    (facts(attempt=FAILED), State.FAILED, Step.STALL),
    (facts(rec(1, S.FAILED), attempt=UNREMEDIED), State.FAILED_UNREMEDIED, Step.STALL),
    (
        facts(rec(1, S.FAILED), attempt=UNREMEDIED, on_failure=OnFailure.REMOVE),
        State.FAILED_UNREMEDIED,
        Step.REMOVE,
    ),
    (facts(attempt=UNREMEDIED, on_failure=OnFailure.REMOVE), State.FAILED_UNREMEDIED, Step.STALL),
    (
        facts(
            rec(1, digest="old"),
            rec(2, S.FAILED),
            attempt=UNREMEDIED,
            on_failure=OnFailure.ROLLBACK,
        ),
        State.FAILED_UNREMEDIED,
        Step.ROLL_BACK,
    ),
    (
        facts(rec(1, S.FAILED), attempt=UNREMEDIED, on_failure=OnFailure.ROLLBACK),
        State.FAILED_UNREMEDIED,
        Step.REMOVE,
    ),
    (facts(attempt=UNREMEDIED, on_failure=OnFailure.ROLLBACK), State.FAILED_UNREMEDIED, Step.STALL),
    # a new wish after a failure is tried
    (facts(rec(1, S.FAILED, "other"), attempt=OTHER_FAILED), State.OUTDATED, Step.DEPLOY),
    # deleting
    (facts(deleting=True), State.DELETED, Step.FINISH),
    (facts(rec(1), deleting=True), State.DELETING, Step.UNINSTALL),
    (facts(rec(1, S.FAILED), deleting=True, attempt=UNREMEDIED), State.DELETING, Step.UNINSTALL),
    (facts(rec(1, S.UNINSTALLING), deleting=True), State.DELETING, Step.UNINSTALL),
    (facts(rec(1), deleting=True, keep_resources=True), State.DELETING, Step.FORGET),
    (facts(deleting=True, keep_resources=True), State.DELETED, Step.FINISH),
    (facts(rec(1), deleting=True, waiting_for=("db",)), State.DELETING, Step.UNINSTALL),
]


@pytest.mark.parametrize(("given", "state", "step"), TABLE, ids=range(len(TABLE)))
def test_table(given: Facts, state: State, step: Step) -> None:
    assert (state_of(given), plan(given)) == (state, step)


def test_every_state_and_step_is_in_the_table() -> None:
    assert {row[1] for row in TABLE} == set(State)
    assert {row[2] for row in TABLE} == set(Step)


def test_a_rollback_goes_to_the_newest_that_was_deployed() -> None:
    records = (rec(1, S.SUPERSEDED, "a"), rec(2, S.SUPERSEDED, "b"), rec(3, S.FAILED))
    assert facts(*records).good_revision == 2
    assert facts(rec(1, S.FAILED)).good_revision is None


# --- what the steps do to Helm's records, as far as the plan can see ------------------------


def after(step: Step, before: Facts, *, fails: bool) -> Facts:
    """The facts after one step; `fails`: the cluster refuses what is wanted."""
    newest = before.newest
    number = (newest.revision if newest else 0) + 1
    digest = before.desired_digest
    match step:
        case Step.UNLOCK:
            return replace(before, records=tuple(r for r in before.records if r is not newest))
        case Step.DEPLOY:
            status = S.FAILED if fails else S.DEPLOYED
            old = tuple(
                replace(r, status=S.SUPERSEDED) if r.status is S.DEPLOYED and not fails else r
                for r in before.records
            )
            attempt = Attempt(digest, succeeded=not fails, remedied=not fails)
            records = (*old, rec(number, status, digest))
            return replace(
                before, records=records, known_revision=number, attempt=attempt, spec_changed=False
            )
        case Step.REMOVE:
            return replace(before, records=(), attempt=replace(before.attempt, remedied=True))
        case Step.ROLL_BACK:
            target = next(r for r in before.records if r.revision == before.good_revision)
            back = rec(number, S.DEPLOYED, target.labels.get(DIGEST_LABEL))
            attempt = replace(before.attempt, remedied=True)
            return replace(
                before, records=(*before.records, back), known_revision=number, attempt=attempt
            )
        case Step.UNINSTALL | Step.FORGET:
            return replace(before, records=())
        case Step.WAIT_FOR_OTHERS:  # they finish, or they are old at last
            return replace(before, foreign_pending_old=True)
        case Step.WAIT_FOR_DEPENDENCY:
            return replace(before, waiting_for=())
    return before


REST = {Step.LOOK, Step.STALL, Step.FINISH}


def every_start() -> list[Facts]:
    histories: list[tuple[RecordMeta, ...]] = [()]
    for status, digest in itertools.product(S, ("want", "old", None)):
        histories += [
            (rec(1, status, digest),),
            (rec(1, S.SUPERSEDED, "old"), rec(2, status, digest)),
        ]
    return [
        facts(
            *history,
            known_revision=known,
            spec_changed=changed,
            deleting=deleting,
            keep_resources=deleting,
            on_failure=on_failure,
            drift_policy=policy,
            attempt=attempt,
            waiting_for=waiting,
        )
        for history in histories
        for known, changed in ((0, True), (1, False), (2, True))
        for deleting in (False, True)
        for on_failure in OnFailure
        for policy in DriftPolicy
        for attempt in (Attempt(), FAILED, UNREMEDIED, OTHER_FAILED)
        for waiting in ((), ("db",))
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_from_every_start_it_comes_to_rest(fails: bool) -> None:
    for start in every_start():
        now, steps = start, []
        while (step := plan(now)) not in REST:
            steps.append(step)
            assert len(steps) < 8, (start, steps)
            now = after(step, now, fails=fails)
        deploys = steps.count(Step.DEPLOY)
        assert deploys <= 1, (start, steps)
        assert after(step, now, fails=fails) == now  # a second pass changes nothing
        if start.deleting:
            assert (step, now.records) == (Step.FINISH, ()), start
        elif not fails and deploys:
            newest = now.newest
            assert newest is not None
            assert (newest.status, newest.labels[DIGEST_LABEL]) == (S.DEPLOYED, "want")
        elif fails and deploys:
            assert step is Step.STALL, (start, steps)


def test_deleting_never_deploys() -> None:
    for start in every_start():
        if start.deleting:
            assert plan(start) not in {Step.DEPLOY, Step.ROLL_BACK, Step.REMOVE, Step.STALL}


def test_keeping_resources_never_uninstalls() -> None:
    for start in every_start():
        if start.keep_resources and start.deleting:
            assert plan(start) is not Step.UNINSTALL


def test_what_failed_is_not_tried_again_by_itself() -> None:
    for start in every_start():
        if start.attempt in {FAILED, UNREMEDIED} and not start.deleting:
            assert plan(start) is not Step.DEPLOY, start
