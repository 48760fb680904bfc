"""Operations: a record and a progress bar, never the truth."""

from __future__ import annotations

from functools import partial
from uuid import UUID, uuid4

import pytest

from accounts.models import AuditEntry, User
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


class TestAudit:
    """Beginning and end are in the audit: by whom, why, how it went; also when the object is gone."""

    def entries(self) -> list[tuple[str, str, str, str, str]]:
        rows = AuditEntry.objects.filter(event__startswith="operation-").order_by("pk")
        columns = ("event", "actor_name", "changes_text", "result", "cluster")
        return list(rows.values_list(*columns))

    def test_from_beginning_to_end(self, row: Cluster) -> None:
        user, keys = User.objects.create_user("ann"), (uuid4(), uuid4())
        with acting(AuditContext(Channel.CLI, lambda: user, "request-1", "because")):
            operation_start(verb="deploy", row=row, targets=targets(*keys))
        with acting(AuditContext(Channel.RECONCILER, request_id="task-1")):
            progress(keys[0])
            progress(keys[1], state=TargetState.FAILED)
            progress(keys[1])
        assert self.entries() == [
            ("operation-started", "ann", "deploy: t0, t1", "ok", "one"),
            ("operation-finished", "ann", "deploy: 1 of 2 succeeded", "failed", "one"),
        ]
        end = AuditEntry.objects.get(event="operation-finished")
        assert (end.channel, end.request_id, end.reason) == ("reconciler", "request-1", "because")
        assert (end.kind, end.object_pk) == ("Cluster", str(row.pk))

    def test_of_what_is_gone(self, row: Cluster) -> None:
        key = uuid4()
        operation_start(verb="remove", row=row, targets=targets(key))
        row.delete()
        progress(key)
        assert self.entries()[-1] == (
            "operation-finished", "", "remove: 1 of 1 succeeded", "ok", "one",
        )  # fmt: skip

    def test_of_many(self, row: Cluster) -> None:
        operation_start(verb="deploy", row=row, targets=targets(*(uuid4() for _ in range(300))))
        assert self.entries()[0][2] == "deploy: t0, t1, t2, t3, t4 and 295 more"

    def test_superseded(self, row: Cluster) -> None:
        key, (ann, bob) = uuid4(), (User.objects.create_user(name) for name in ("ann", "bob"))
        for user, verb in ((ann, "deploy"), (bob, "scale")):
            with acting(AuditContext(Channel.API, partial(User.objects.get, pk=user.pk), verb)):
                operation_start(verb=verb, row=row, targets=targets(key))
        assert [found[:4] for found in self.entries()] == [
            ("operation-started", "ann", "deploy: t0", "ok"),
            ("operation-finished", "bob", "deploy: 0 of 1 succeeded", "failed"),
            ("operation-started", "bob", "scale: t0", "ok"),
        ]
