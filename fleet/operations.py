"""Operations: the record of what was asked for, and its progress."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.trail.ending import began, ended
from fleet.choices import TargetState
from fleet.models import Operation, OperationTarget
from kubecarrier.lib import audit, whereabouts
from kubecarrier.lib.causes import Cause
from kubecarrier.lib.manifests import kinds
from kubecarrier.lib.spec import SpecModel

STARTED, FINISHED = "operation-started", "operation-finished"
_MESSAGE_LENGTH = 2000
_NAMED = 5
# A target row, the generation that it reached, how it stands, and what is said of it.
Report = tuple[uuid.UUID, int, TargetState, str]


@dataclass(frozen=True, slots=True)
class Target:
    """A target row of an operation: done once the row observed `generation`."""

    id: uuid.UUID
    name: str
    generation: int


def operation_start(*, verb: str, row: SpecModel, targets: Iterable[Target]) -> Operation:
    """Record that the acting person asked for `verb`; earlier runs on a target are superseded."""
    context = audit.current()
    actor = context.actor()
    with audit.unaudited("an operation is itself the record"):
        operation = Operation.objects.create(
            verb=verb,
            kind=type(row).__name__,
            object_id=row.pk,
            object_name=row.name,
            actor=actor if getattr(actor, "pk", None) else None,
            channel=context.channel,
            request_id=context.request_id,
            reason=context.reason,
        )
        wanted = list(targets)
        superseded = OperationTarget.objects.filter(
            target_id__in=[target.id for target in wanted], state=TargetState.RUNNING
        )
        _close(superseded, TargetState.FAILED, "Superseded by a later operation.")
        OperationTarget.objects.bulk_create(
            OperationTarget(
                operation=operation, target_id=t.id, name=t.name, generation=t.generation
            )
            for t in wanted
        )
    names = ", ".join(target.name for target in wanted[:_NAMED])
    more = f" and {len(wanted) - _NAMED} more" if len(wanted) > _NAMED else ""
    said = f"{verb}: {names}{more}" if wanted else verb
    audit.event(STARTED, row, said=said, place=whereabouts.place_of(row))
    if not wanted:
        _finish([operation.pk])
    return operation


def operation_record(
    *, operation_verb: str, row: SpecModel, outcomes: Iterable[tuple[str, str]]
) -> Operation:
    """Record something that is over already: `outcomes` are names and what became of each."""
    running = OperationTarget.objects.filter(target_id=row.pk, state=TargetState.RUNNING)
    _close(running, TargetState.FAILED, "Superseded by a later operation.")
    operation = operation_start(verb=operation_verb, row=row, targets=())
    with audit.unaudited("an operation is itself the record"):
        OperationTarget.objects.bulk_create(
            OperationTarget(
                operation=operation,
                target_id=row.pk,
                name=name,
                generation=0,
                state=TargetState.SUCCEEDED,
                message=message[:_MESSAGE_LENGTH],
            )
            for name, message in outcomes
        )
    return operation


def target_progress(
    *, target_id: uuid.UUID, generation: int, state: TargetState, message: str
) -> None:
    """A reconciler tells how far a target row is; closes operations whose targets are all done."""
    running = OperationTarget.objects.filter(
        target_id=target_id, state=TargetState.RUNNING, generation__lte=generation
    )
    if running.exists():
        _close(running, state, message)


def targets_progress(reports: Iterable[Report]) -> None:
    """`target_progress` of many targets: one query where nobody waits for any of them."""
    by_target = {report[0]: report for report in reports}
    running = OperationTarget.objects.filter(
        target_id__in=by_target, state=TargetState.RUNNING
    ).values_list("pk", "target_id", "generation")
    alike: dict[tuple[TargetState, str], list[uuid.UUID]] = defaultdict(list)
    for pk, target_id, generation in running:
        _, reached, state, message = by_target[target_id]
        if generation <= reached:
            alike[state, message].append(pk)
    for (state, message), pks in alike.items():
        _close(OperationTarget.objects.filter(pk__in=pks), state, message)


def _close(targets: QuerySet[OperationTarget], state: TargetState, message: str) -> None:
    operations = list(targets.values_list("operation_id", flat=True))
    with audit.unaudited("progress of a record"):
        targets.update(state=state, message=message[:_MESSAGE_LENGTH], changed_at=timezone.now())
    if state is not TargetState.RUNNING:
        _finish(operations)


def _finish(operation_ids: list[uuid.UUID]) -> None:
    """Close those operations that have no running target any more; how each ended is on record."""
    open_ones = OperationTarget.objects.filter(state=TargetState.RUNNING).values("operation_id")
    unfinished = Operation.objects.filter(pk__in=operation_ids, finished_at=None)
    for operation in unfinished.exclude(pk__in=open_ones).select_related("actor"):
        with transaction.atomic(), audit.unaudited("progress of a record"):
            mine = Operation.objects.filter(pk=operation.pk, finished_at=None)
            if mine.update(finished_at=timezone.now()):  # of several that see it ended, one
                _record_end(operation)


def _record_end(operation: Operation) -> None:
    """For whoever asked, with the request and the reason of then; its object may be gone."""
    model = next((kind.model for kind in kinds() if kind.kind == operation.kind), None)
    request = operation.request_id
    beginning = began(STARTED, model, operation.object_id, request) if model else None
    if beginning is None:
        return
    states = Counter(operation.targets.values_list("state", flat=True))
    total, failed = sum(states.values()), states[TargetState.FAILED]
    said = f"{operation.verb}: {total - failed} of {total} succeeded" if total else operation.verb
    cause = Cause(operation.actor, request, operation.reason)
    with audit.acting(replace(audit.current(), cause=lambda: cause)):
        result = audit.Outcome.FAILED if failed else audit.Outcome.OK
        ended(beginning, FINISHED, said=said, result=result)
