"""What the controller looks at: which kinds have due rows, and which task works on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubecarrier.lib.lease import due
from kubecarrier.lib.spec import ReconciledModel


@dataclass(frozen=True, slots=True)
class Sweep:
    """One kind that is reconciled: its model, its task and the queue of the task."""

    model: type[ReconciledModel]
    task: str
    queue: str


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that belongs to no reconciled row: `is_due` is one cheap question."""

    is_due: Callable[[], bool]
    task: str
    queue: str = "default"


_sweeps: list[Sweep] = []
_chores: list[Chore] = []


def register(sweep: Sweep) -> None:
    """Called once per reconciled kind at start."""
    _sweeps.append(sweep)


def register_chore(chore: Chore) -> None:
    """Called once per chore at start."""
    _chores.append(chore)


def reconciled() -> tuple[type[ReconciledModel], ...]:
    """Every model that is reconciled."""
    return tuple(sweep.model for sweep in _sweeps)


def waiting() -> list[Sweep | Chore]:
    """The sweeps whose kind has a due row, and the due chores: one cheap SELECT each."""
    found: list[Sweep | Chore] = [
        sweep for sweep in _sweeps if sweep.model.objects.filter(due()).exists()
    ]
    return [*found, *(chore for chore in _chores if chore.is_due())]
