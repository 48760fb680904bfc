"""A config item's own status: the summary of its copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Min, Q

from fleet.conditions import PLACED, ConfigReason
from fleet.configs import placing
from fleet.models import ConfigCopy, ConfigItem
from kubecarrier.lib.conditions import Condition, Status
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Pass, record_pass


@dataclass(frozen=True, slots=True)
class Counts:
    """How an item's copies stand; `example` is one that is not ready."""

    total: int = 0
    ready: int = 0
    unknown: int = 0
    example: str = ""


@dataclass(frozen=True, slots=True)
class SummaryJob:
    """One item and the state of its copies."""

    claim: Claim
    group: UUID
    row: ConfigItem
    counts: Counts


class ConfigItemReconciler:
    """Summarises; touches no cluster."""

    model = ConfigItem
    group_column = None
    lease_seconds = 30.0
    slots = 8
    slots_per_group = 1

    def load(self, claims: Sequence[Claim]) -> list[SummaryJob]:
        """The claimed items with their copies counted, in two queries."""
        pks = [claim.pk for claim in claims]
        rows, counts = ConfigItem.objects.in_bulk(pks), _counts(pks)
        return [
            SummaryJob(claim, claim.pk, row, counts.get(claim.pk, Counts()))
            for claim in claims
            if (row := rows.get(claim.pk))
        ]

    def run(self, job: SummaryJob) -> Pass:
        """Pure."""
        return summary(job.counts)

    def record(self, job: SummaryJob, result: Pass) -> None:
        """Write it; an item whose last copy went is finished here too."""
        record_pass(job.row, job.claim, result)
        if job.row.deletion_requested_at:
            placing.finish_deleted([job.row.pk])


def _counts(pks: Sequence[UUID]) -> dict[UUID, Counts]:
    current = Q(ready=Status.TRUE.value, observed_generation__gte=F("generation"))
    rows = (
        ConfigCopy.objects.filter(item__in=pks)
        .order_by()
        .values("item_id")
        .annotate(
            total=Count("pk"),
            good=Count("pk", filter=current),
            unknown=Count("pk", filter=Q(ready=Status.UNKNOWN.value)),
            example=Min("name", filter=~current),
        )
    )
    return {
        row["item_id"]: Counts(row["total"], row["good"], row["unknown"], row["example"] or "")
        for row in rows
    }


def summary(counts: Counts) -> Pass:
    """`Ready` of an item: True when every copy is ready at what is wanted now."""
    if not counts.total:
        text = "The placement chooses no cluster."
        placed = Condition(PLACED, Status.FALSE, ConfigReason.NOWHERE, text)
        return Pass([placed, Condition("Ready", Status.UNKNOWN, ConfigReason.NOWHERE, text)])
    text = f"In {counts.total} places."
    placed = Condition(PLACED, Status.TRUE, ConfigReason.APPLIED, text)
    if counts.ready == counts.total:
        text = f"All {counts.total} copies are ready."
        return Pass([placed, Condition("Ready", Status.TRUE, ConfigReason.ALL_READY, text)])
    waiting = counts.total - counts.ready
    status = Status.UNKNOWN if counts.unknown == waiting else Status.FALSE
    text = f"{counts.ready} of {counts.total} copies are ready; not {counts.example}."
    return Pass([placed, Condition("Ready", status, ConfigReason.SOME_NOT_READY, text)])
