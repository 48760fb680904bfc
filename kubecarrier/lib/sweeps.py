"""What the controller looks at: which kinds have due rows, and which task works on them."""

from __future__ import annotations

from dataclasses import dataclass

from kubecarrier.lib.lease import due
from kubecarrier.lib.spec import ReconciledModel


@dataclass(frozen=True, slots=True)
class Sweep:
    """One kind that is reconciled: its model, its task and the queue of the task."""

    model: type[ReconciledModel]
    task: str
    queue: str


_sweeps: list[Sweep] = []


def register(sweep: Sweep) -> None:
    """Called once per reconciled kind at start."""
    _sweeps.append(sweep)


def waiting() -> list[Sweep]:
    """The sweeps whose kind has a due row: one cheap SELECT each."""
    return [sweep for sweep in _sweeps if sweep.model.objects.filter(due()).exists()]
