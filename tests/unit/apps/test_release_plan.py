"""The AppManager's plan as a table, and that it converges from every start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.choices import DriftPolicy, OnFailure
from apps.desired import ATTEMPT_LABEL, DIGEST_LABEL
from apps.helm_records import RecordMeta, ReleaseStatus
from apps.reconcilers.release_plan import MUTATING, Attempt, Facts, State, Step, plan, state_of

WANTED = "wanted"


def record(revision: int, status: str, *, digest: str = "", attempt: str = "") -> RecordMeta:
    labels = {DIGEST_LABEL: digest} if digest else {}
    if attempt:
        labels[ATTEMPT_LABEL] = attempt
    return RecordMeta(
        name="shop",
        namespace="demo",
        revision=revision,
        status=ReleaseStatus(status),
        secret=f"sh.helm.release.v1.shop.v{revision}",
        uid=f"u{revision}",
        resource_version="1",
        created_at=None,
        modified_at=None,
        labels=labels,
    )


def facts(*records: RecordMeta, **more: Any) -> Facts:
    return replace(
        Facts(
            desired_digest=WANTED,
            known_revision=0,
            spec_changed=True,
            deleting=False,
            keep_resources=False,
            on_failure=OnFailure.KEEP,
            drift_policy=DriftPolicy.DETECT,
            attempt=Attempt(),
            waiting_for=(),
            records=records,
        ),
        **more,
    )


OURS = record(1, "deployed", digest=WANTED, attempt="1")
OLD = record(1, "deployed", digest="old", attempt="1")
FAILED = Attempt(digest=WANTED, succeeded=False, remedied=False)
REMEDIED = Attempt(digest=WANTED, succeeded=False, remedied=True)
SETTLED = {"known_revision": 1, "spec_changed": False}

TABLE = [
    ("nothing there", facts(), State.ABSENT, Step.DEPLOY),
    ("waits for another", facts(waiting_for=("db",)), State.ABSENT, Step.WAIT_FOR_DEPENDENCY),
    ("as wanted", facts(OURS), State.CURRENT, Step.LOOK),
    ("another spec", facts(OLD), State.OUTDATED, Step.DEPLOY),
    ("worker died in install", facts(record(1, "pending-install", digest=WANTED)), State.LOCKED_BY_US, Step.UNLOCK),
    ("worker died in upgrade", facts(OLD, record(2, "pending-upgrade", digest=WANTED)), State.LOCKED_BY_US, Step.UNLOCK),
    ("somebody upgrades", facts(OLD, record(2, "pending-upgrade")), State.LOCKED_BY_OTHERS, Step.WAIT_FOR_OTHERS),
    (
        "somebody died",
        facts(OLD, record(2, "pending-upgrade"), foreign_pending_old=True),
        State.LOCKED_BY_US,
        Step.UNLOCK,
    ),
    ("rolled back by hand", facts(OURS, record(2, "deployed", digest="old", attempt="0"), **SETTLED), State.CHANGED_BY_HAND, Step.LOOK),
    ("upgraded by hand", facts(OURS, record(2, "deployed", digest=WANTED, attempt="1"), **SETTLED), State.CHANGED_BY_HAND, Step.LOOK),
    (
        "upgraded by hand, to be corrected",
        facts(OURS, record(2, "deployed"), **SETTLED, drift_policy=DriftPolicy.CORRECT),
        State.CHANGED_BY_HAND,
        Step.DEPLOY,
    ),
    ("our retry is not by hand", facts(record(1, "failed", digest=WANTED, attempt="1"), record(2, "deployed", digest=WANTED, attempt="2"), **SETTLED), State.CURRENT, Step.LOOK),
    ("removed by hand", facts(**SETTLED), State.REMOVED_BY_HAND, Step.LOOK),
    ("removed by hand, to be corrected", facts(**SETTLED, drift_policy=DriftPolicy.CORRECT), State.REMOVED_BY_HAND, Step.DEPLOY),
    ("failed, keep", facts(record(1, "failed", digest=WANTED), attempt=FAILED), State.FAILED_UNREMEDIED, Step.STALL),
    ("failed, remove", facts(record(1, "failed", digest=WANTED), attempt=FAILED, on_failure=OnFailure.REMOVE), State.FAILED_UNREMEDIED, Step.REMOVE),
    ("failed before a record", facts(attempt=FAILED, on_failure=OnFailure.REMOVE), State.FAILED_UNREMEDIED, Step.STALL),
    ("failed, roll back", facts(OLD, record(2, "failed", digest=WANTED), attempt=FAILED, on_failure=OnFailure.ROLLBACK), State.FAILED_UNREMEDIED, Step.ROLL_BACK),
    ("failed first, nothing to go back to", facts(record(1, "failed", digest=WANTED), attempt=FAILED, on_failure=OnFailure.ROLLBACK), State.FAILED_UNREMEDIED, Step.REMOVE),
    ("failed and remedied", facts(attempt=REMEDIED), State.FAILED, Step.STALL),
    ("failed, then another wish", facts(OLD, attempt=replace(REMEDIED, digest="before")), State.OUTDATED, Step.DEPLOY),
    ("going", facts(OURS, deleting=True), State.DELETING, Step.UNINSTALL),
    ("going, objects stay", facts(OURS, deleting=True, keep_resources=True), State.DELETING, Step.FORGET),
    ("gone", facts(deleting=True), State.DELETED, Step.FINISH),
    ("going while locked", facts(record(1, "pending-install", digest=WANTED), deleting=True), State.LOCKED_BY_US, Step.UNLOCK),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "state", "step"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_plan(given: Facts, state: State, step: Step) -> None:
    assert (state_of(given), plan(given)) == (state, step)


def test_every_state_and_step_is_in_the_table() -> None:
    assert {row[2] for row in TABLE} == set(State)
    assert {row[3] for row in TABLE} == set(Step)


def after(given: Facts, step: Step, *, fails: bool) -> Facts:
    """A small Helm: what the records and the row look like after a step."""
    newest = given.newest
    revision = (newest.revision if newest else 0) + 1
    match step:
        case Step.UNLOCK:
            return replace(given, records=given.records[:-1])
        case Step.DEPLOY:
            made = record(
                revision, "failed" if fails else "deployed", digest=WANTED, attempt=f"a{revision}"
            )
            attempt = Attempt(WANTED, succeeded=not fails, remedied=not fails)
            known = given.known_revision if fails else revision
            return replace(
                given, records=(*given.records, made), attempt=attempt, known_revision=known
            )
        case Step.REMOVE:
            return replace(given, records=(), attempt=REMEDIED)
        case Step.ROLL_BACK:
            return replace(
                given,
                records=(*given.records, record(revision, "deployed", digest="old")),
                attempt=REMEDIED,
            )
        case Step.UNINSTALL | Step.FORGET:
            return replace(given, records=())
        case _:
            return given


@pytest.mark.parametrize("fails", [False, True], ids=["helm works", "helm fails"])
@pytest.mark.parametrize("given", [row[1] for row in TABLE], ids=[row[0] for row in TABLE])
def test_from_every_start_it_comes_to_rest(given: Facts, fails: bool) -> None:
    current = replace(given, waiting_for=())
    for _ in range(6):
        step = plan(current)
        moved = after(current, step, fails=fails)
        if step not in MUTATING or step is Step.FINISH or moved == current:
            return
        current = moved
    pytest.fail(f"still at {plan(current)}")
