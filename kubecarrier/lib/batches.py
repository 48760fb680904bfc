"""Runs due rows whose passes are short and many: claimed, worked on and recorded in batches.

`kubecarrier.lib.reconcile` gives every pass a claim and a transaction of its
own, which suits passes of seconds. Here one claim takes hundreds of rows, each
group (a cluster) is worked through by a few lanes that share a connection, and
what is done meanwhile is recorded in one transaction. Leases, fencing and
back-off are the same.
"""

from __future__ import annotations

import queue
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from kubecarrier.lib import lease
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import Job, Pass, crashed, load
from kubecarrier.lib.spec import ReconciledModel

log = structlog.get_logger(__name__)
_POLL_SECONDS = 0.02


class BatchReconciler[J: Job, S](Protocol):
    """`open` and `run` are called in threads and never touch the ORM; `S` is a lane's connection."""

    @property
    def model(self) -> type[ReconciledModel]: ...

    @property
    def group_column(self) -> str: ...

    @property
    def lease_seconds(self) -> float: ...

    @property
    def rows(self) -> int:
        """How many rows are held at once."""
        ...

    @property
    def rows_per_group(self) -> int: ...

    @property
    def lanes(self) -> int:
        """How many threads work."""
        ...

    @property
    def lanes_per_group(self) -> int: ...

    def load(self, claims: Sequence[Claim]) -> Sequence[J]: ...

    def open(self, job: J) -> S:
        """What all jobs of one group share."""
        ...

    def run(self, job: J, shared: S) -> Pass: ...

    def ends_lane(self, error: Exception) -> bool:
        """Whether the group's other jobs would only meet the same error."""
        ...

    def record(self, results: Sequence[tuple[J, Pass]]) -> None: ...


@dataclass(slots=True)
class _Work[J: Job]:
    """What is held: the results that wait for their record, and the lanes that run."""

    held: dict[Any, J] = field(default_factory=dict)
    results: queue.SimpleQueue[tuple[J, Pass]] = field(default_factory=queue.SimpleQueue)
    lanes: set[Future[None]] = field(default_factory=set)


def run_batches[J: Job, S](reconciler: BatchReconciler[J, S], *, budget_seconds: float) -> int:
    """Work until nothing is due; the number of passes made."""
    ends_at = time.monotonic() + budget_seconds
    work: _Work[J] = _Work()
    done = 0
    renewed_at = time.monotonic()
    with ThreadPoolExecutor(reconciler.lanes, thread_name_prefix="batch") as pool:
        while True:
            if time.monotonic() < ends_at:
                _start(reconciler, work, pool)
            if not work.held:
                return done
            done += _record(reconciler, work)
            if time.monotonic() - renewed_at > reconciler.lease_seconds / 3:
                claims = [job.claim for job in work.held.values()]
                lease.renew(reconciler.model, claims, lease_seconds=reconciler.lease_seconds)
                renewed_at = time.monotonic()


def _start[J: Job, S](
    reconciler: BatchReconciler[J, S], work: _Work[J], pool: ThreadPoolExecutor
) -> None:
    """Claim what fits, and give each group's rows to its lanes."""
    groups = Counter(job.group for job in work.held.values())
    bulkhead = lease.Bulkhead(reconciler.group_column, reconciler.rows_per_group, groups)
    claims = lease.claim_due(
        reconciler.model,
        limit=reconciler.rows - len(work.held),
        lease_seconds=reconciler.lease_seconds,
        bulkhead=bulkhead,
    )
    by_group: dict[Any, list[J]] = defaultdict(list)
    for job in load(reconciler, claims) if claims else ():
        work.held[job.claim.pk] = job
        by_group[job.group].append(job)
    for group, jobs in by_group.items():
        # A group that has something running has its lanes already: its new rows wait in one.
        count = 1 if groups[group] else min(reconciler.lanes_per_group, len(jobs))
        for first in range(count):
            work.lanes.add(pool.submit(_lane, reconciler, jobs[first::count], work.results))


def _lane[J: Job, S](
    reconciler: BatchReconciler[J, S],
    jobs: Sequence[J],
    results: queue.SimpleQueue[tuple[J, Pass]],
) -> None:
    """In a thread: one job after the other; every one gets a result."""
    shared: S | None = None
    ended: Exception | None = None
    for job in jobs:
        if ended is not None:
            results.put((job, crashed(job.claim, ended)))
            continue
        try:
            shared = reconciler.open(job) if shared is None else shared
            results.put((job, reconciler.run(job, shared)))
        except KubeCarrierError as error:
            log.info("pass failed", code=error.code, pk=str(job.claim.pk))
            results.put((job, crashed(job.claim, error)))
            ended = error if reconciler.ends_lane(error) else None
        except Exception as error:
            log.exception("pass crashed", pk=str(job.claim.pk))
            results.put((job, crashed(job.claim, error)))


def _record[J: Job, S](reconciler: BatchReconciler[J, S], work: _Work[J]) -> int:
    """What the lanes have done so far; one transaction. What cannot be written is due again."""
    done: list[tuple[J, Pass]] = []
    try:
        done.append(work.results.get(timeout=_POLL_SECONDS))
        while True:
            done.append(work.results.get_nowait())
    except queue.Empty:
        pass
    if not done:
        return 0
    for job, _ in done:
        work.held.pop(job.claim.pk, None)
    work.lanes = {lane for lane in work.lanes if not lane.done()}
    try:
        reconciler.record(done)
    except Exception:
        log.exception("record failed", kind=reconciler.model.__name__, rows=len(done))
    return len(done)
