"""Operations: a record and a progress bar, never the truth."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from accounts.models import User
from fleet.api.kinds.operation import operation_status
from fleet.choices import TargetState
from fleet.models import Cluster, Operation, OperationTarget
from fleet.operations import Target, operation_record, operation_start, target_progress
from kubecarrier.lib.audit import AuditContext, Channel, acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> Cluster:
    made: Cluster = Cluster.objects.create(name="one", server="https://x.example.org")
    return made


def targets(*keys: UUID, generation: int = 2) -> list[Target]:
    return [Target(key, f"t{number}", generation) for number, key in enumerate(keys)]


def progress(key: UUID, *, generation: int = 2, state: TargetState = TargetState.SUCCEEDED) -> None:
    target_progress(target_id=key, generation=generation, state=state, message="said")


def test_who_asked_for_it(row: Cluster) -> None:
    user = User.objects.create_user("ann")
    context = AuditContext(Channel.CLI, lambda: user, "request-1", "because")
    with acting(context):
        operation = operation_start(verb="deploy", row=row, targets=targets(uuid4()))
    assert operation_status(operation) | {"targets": None} == {
        "verb": "deploy",
        "kind": "Cluster",
        "object": "one",
        "actor": "ann",
        "channel": "cli",
        "requestId": "request-1",
        "reason": "because",
        "startedAt": operation.created_at,
        "finishedAt": None,
        "finished": False,
        "succeeded": False,
        "progress": {"done": 0, "total": 1},
        "targets": None,
    }


def test_without_targets_it_is_over(row: Cluster) -> None:
    operation = operation_start(verb="deploy", row=row, targets=())
    operation.refresh_from_db()
    assert operation_status(operation)["succeeded"] is True


def test_over_when_every_target_is(row: Cluster) -> None:
    one, two = uuid4(), uuid4()
    operation = operation_start(verb="deploy", row=row, targets=targets(one, two))
    progress(one)
    operation.refresh_from_db()
    assert operation_status(operation)["progress"] == {"done": 1, "total": 2}
    assert not operation.finished_at
    progress(two, state=TargetState.FAILED)
    operation.refresh_from_db()
    assert operation.finished_at is not None
    assert operation_status(operation)["succeeded"] is False


def test_an_older_generation_is_not_yet_it(row: Cluster) -> None:
    key = uuid4()
    operation_start(verb="deploy", row=row, targets=targets(key, generation=5))
    progress(key, generation=4)
    assert OperationTarget.objects.get().state == "running"
    progress(key, generation=6)
    assert OperationTarget.objects.get().state == "succeeded"


def test_what_is_done_stays_done(row: Cluster) -> None:
    key = uuid4()
    operation = operation_start(verb="deploy", row=row, targets=targets(key))
    progress(key)
    operation.refresh_from_db()
    finished = operation.finished_at
    progress(key, state=TargetState.FAILED)
    operation.refresh_from_db()
    assert (OperationTarget.objects.get().state, operation.finished_at) == ("succeeded", finished)


def test_a_later_operation_takes_over_its_targets_only(row: Cluster) -> None:
    one, two = uuid4(), uuid4()
    first = operation_start(verb="deploy", row=row, targets=targets(one, two))
    operation_start(verb="scale", row=row, targets=targets(one, generation=3))
    first.refresh_from_db()
    assert sorted(t.state for t in first.targets.all()) == ["failed", "running"]
    assert first.finished_at is None
    progress(two)
    first.refresh_from_db()
    assert first.finished_at is not None


def test_something_that_is_over_already(row: Cluster) -> None:
    operation = operation_record(operation_verb="remove", row=row, outcomes=[("a", "x" * 5000)])
    assert Operation.objects.get().finished_at is not None
    assert len(operation.targets.get().message) == 2000
