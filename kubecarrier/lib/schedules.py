"""What the controllers do from time to time: told by each app at start.

Every controller runs every job; a job itself makes sure that of several at
once one does the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """Run `run` every `seconds`; it may block, and raises nothing but what the database does."""

    name: str
    seconds: float
    run: Callable[[], object]


_jobs: list[Job] = []


def register(job: Job) -> None:
    """Called once per job at start."""
    _jobs.append(job)


def jobs() -> tuple[Job, ...]:
    """Every registered job."""
    return tuple(_jobs)
