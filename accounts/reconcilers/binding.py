"""A binding's own status: its rights here derived again, and the summary of its grants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts import deriving
from accounts.following import finish
from accounts.models import Binding
from kubecarrier.lib import granted
from kubecarrier.lib.conditions import READY, Condition, Status
from kubecarrier.lib.granted import State
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Pass, record_pass


@dataclass(frozen=True, slots=True)
class BindingJob:
    """One binding and the states of its grants."""

    claim: Claim
    group: UUID
    row: Binding
    states: tuple[State, ...]


class BindingReconciler:
    """Summarises; touches no cluster."""

    model = Binding
    group_column = None
    lease_seconds = 30.0
    slots = 8
    slots_per_group = 1

    def load(self, claims: Sequence[Claim]) -> list[BindingJob]:
        """The claimed bindings with their grants' states."""
        rows = Binding.objects.select_related("role").in_bulk([claim.pk for claim in claims])
        return [
            BindingJob(claim, claim.pk, row, tuple(granted.binding_states(row)))
            for claim in claims
            if (row := rows.get(claim.pk))
        ]

    def run(self, job: BindingJob) -> Pass:
        """Pure."""
        return summary(job.states)

    def record(self, job: BindingJob, result: Pass) -> None:
        """Write it. Rights are derived again: a new version brings new permissions."""
        with transaction.atomic():
            deriving.derive(job.row)
            record_pass(job.row, job.claim, result)
            finish(job.row)


def summary(states: Sequence[State]) -> Pass:
    """`Ready` of a binding: True when every cluster has it and confirmed it."""
    waiting = [name for name, ready, current in states if ready != Status.TRUE or not current]
    if not waiting:
        text = f"In force here and on {len(states)} clusters." if states else "In force here."
        return Pass([Condition(READY, Status.TRUE, "InForce", text)])
    unknown = all(ready == Status.UNKNOWN for name, ready, _ in states if name in waiting)
    status = Status.UNKNOWN if unknown else Status.FALSE
    done = len(states) - len(waiting)
    text = f"On {done} of {len(states)} clusters; not {', '.join(waiting[:3])}."
    return Pass([Condition(READY, status, "NotEverywhere", text)])
