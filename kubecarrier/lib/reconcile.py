"""Runs the due rows of a kind: claim, observe and act in threads, record.

The database is touched by the calling thread only; the pool's threads work on
frozen values. A bulkhead per group (usually a cluster) keeps a hanging one
from taking all slots, and leases are renewed while passes run.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from django.utils import timezone

from kubecarrier.lib import causes, conditions, lease
from kubecarrier.lib.backoff import delay_seconds
from kubecarrier.lib.conditions import Condition
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.spec import ReconciledModel

log = structlog.get_logger(__name__)
_POLL_SECONDS = 0.05


class Job(Protocol):
    """The desired state of one claimed row, as values: no model, no lazy query."""

    @property
    def claim(self) -> Claim: ...

    @property
    def group(self) -> uuid.UUID | None: ...


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass saw and did.

    `columns` are further status columns. `again_seconds` is when to look next:
    None sleeps until woken, 0 is at once. `failed` keeps the failure count and the
    observed generation; `error_code` names the error that ended the pass.
    """

    seen: Sequence[Condition]
    columns: dict[str, Any] = field(default_factory=dict)
    again_seconds: float | None = None
    failed: bool = False
    error_code: str = ""


class Loads[J: Job](Protocol):
    """What every reconciler has: the model, and how claims become jobs (with the ORM)."""

    @property
    def model(self) -> type[ReconciledModel]: ...

    def load(self, claims: Sequence[Claim]) -> Sequence[J]: ...


class Reconciler[J: Job](Protocol):
    """One kind's reconciler; `run` is called in a thread and never touches the ORM."""

    # Read only, so that a reconciler may say `model = Cluster`.
    @property
    def model(self) -> type[ReconciledModel]: ...

    @property
    def group_column(self) -> str | None: ...

    @property
    def lease_seconds(self) -> float: ...

    @property
    def slots(self) -> int: ...

    @property
    def slots_per_group(self) -> int: ...

    def load(self, claims: Sequence[Claim]) -> Sequence[J]: ...

    def run(self, job: J) -> Pass: ...

    def record(self, job: J, result: Pass) -> None: ...


def run_due[J: Job](reconciler: Reconciler[J], *, budget_seconds: float) -> int:
    """Work until nothing is due; the number of passes made.

    After `budget_seconds` nothing more is claimed once the running passes are
    done; while a long one runs (a chart's hook may take an hour) the other slots go on.
    """
    ends_at = time.monotonic() + budget_seconds
    running: dict[Future[Pass], J] = {}
    done = 0
    with ThreadPoolExecutor(reconciler.slots, thread_name_prefix="reconcile") as pool:
        renewed_at = time.monotonic()
        while True:
            if running or time.monotonic() < ends_at:
                running |= {
                    pool.submit(_run, reconciler, job): job for job in _claim(reconciler, running)
                }
            if not running:
                return done
            finished, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                _record(reconciler, running.pop(future), future.result())
                done += 1
            if time.monotonic() - renewed_at > reconciler.lease_seconds / 3:
                lease.renew(
                    reconciler.model,
                    [job.claim for job in running.values()],
                    lease_seconds=reconciler.lease_seconds,
                )
                renewed_at = time.monotonic()


def _claim[J: Job](reconciler: Reconciler[J], running: dict[Future[Pass], J]) -> Sequence[J]:
    """Fill the free slots; a group's bulkhead counts what is running already."""
    column = reconciler.group_column
    held = Counter(job.group for job in running.values())
    claims = lease.claim_due(
        reconciler.model,
        limit=reconciler.slots - len(running),
        lease_seconds=reconciler.lease_seconds,
        bulkhead=lease.Bulkhead(column, reconciler.slots_per_group, held) if column else None,
    )
    return load(reconciler, claims) if claims else []


def load[J: Job](reconciler: Loads[J], claims: Sequence[Claim]) -> Sequence[J]:
    """The claims as jobs; a row that cannot be loaded is put off and leaves the others alone."""
    try:
        return reconciler.load(claims)
    except Exception as error:
        if len(claims) > 1:
            return [job for claim in claims for job in load(reconciler, [claim])]
        log.exception("load failed", kind=reconciler.model.__name__, pk=str(claims[0].pk))
        row = reconciler.model.objects.filter(pk=claims[0].pk).first()
        if row is not None:
            record_pass(row, claims[0], crashed(claims[0], error))
        return []


def _record[J: Job](reconciler: Reconciler[J], job: J, result: Pass) -> None:
    """A result that cannot be written is logged: the row is due again when its lease ends."""
    try:
        with causes.acting_for(reconciler.model, job.claim.pk):
            reconciler.record(job, result)
    except Exception:
        log.exception("record failed", kind=reconciler.model.__name__, pk=str(job.claim.pk))


def _run[J: Job](reconciler: Reconciler[J], job: J) -> Pass:
    """One pass; an error becomes conditions and back-off."""
    try:
        return reconciler.run(job)
    except KubeCarrierError as error:
        log.info(
            "pass failed", kind=reconciler.model.__name__, pk=str(job.claim.pk), code=error.code
        )
        return crashed(job.claim, error)
    except Exception as error:
        log.exception("pass crashed", kind=reconciler.model.__name__, pk=str(job.claim.pk))
        return crashed(job.claim, error)


def crashed(claim: Claim, error: Exception) -> Pass:
    """A pass that ended with an error. Of one that is not ours only the type is told."""
    if isinstance(error, KubeCarrierError):
        asked = error.data.get("retry_after_seconds") or 0.0
        return failed_pass(claim, error.code, error.message, asked_seconds=asked)
    return failed_pass(claim, "internal_error", f"Internal error: {type(error).__name__}.")


def failed_pass(
    claim: Claim, code: str, message: str, *seen: Condition, asked_seconds: float = 0.0
) -> Pass:
    """A pass that could not see: Ready is Unknown, and the next try waits its back-off.

    It waits longer where the server asked for that (`Retry-After`).
    """
    reason = "".join(word.capitalize() for word in code.split("_"))
    ready = Condition(conditions.READY, conditions.Status.UNKNOWN, reason, message)
    again = max(delay_seconds(claim.failures), asked_seconds)
    return Pass([*seen, ready], again_seconds=again, failed=True, error_code=code)


def record_pass(row: ReconciledModel, claim: Claim, result: Pass) -> bool:
    """The one conditional UPDATE at the end of a pass; False when the row moved on."""
    merged = conditions.merge(
        row.conditions, result.seen, now=timezone.now(), generation=claim.generation
    )
    ready = merged.get(conditions.READY)
    columns = {**result.columns, "updated_at": timezone.now()}
    if not result.failed:
        columns |= {"failures": 0, "observed_generation": claim.generation}
    return lease.record(
        type(row),
        claim,
        next_in_seconds=result.again_seconds,
        conditions=merged,
        ready=ready["status"] if ready else conditions.Status.UNKNOWN.value,
        **columns,
    )
