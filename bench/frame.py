"""What a benchmark is, and the arithmetic and the forms of what it found."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Figures = Mapping[str, float]
Say = Callable[[str], None]

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure: `scale` is the benchmark's own unit, `directory` keeps logs and databases."""

    scale: int
    rounds: int
    directory: Path
    say: Say


@dataclass(frozen=True, slots=True)
class Found:
    """`ratios` are ours / theirs (smaller is better for us), `figures` everything else."""

    ratios: Figures
    figures: Figures


@dataclass(frozen=True, slots=True)
class Bench:
    """`work` is one line for people; `scale` and `rounds` are the published measurement's."""

    name: str
    work: str
    unit: str
    scale: int
    rounds: int
    run: Callable[[Options], Found]


@dataclass(frozen=True, slots=True)
class Report:
    """One run, ready to be written."""

    bench: str
    scale: int
    found: Found
    versions: Mapping[str, str]

    def json(self) -> str:
        """One line; the keys never change, so that runs can be compared over time."""
        document = {
            "bench": self.bench,
            "scale": self.scale,
            "ratios": _rounded(self.found.ratios),
            "figures": _rounded(self.found.figures),
            "versions": dict(self.versions),
        }
        return json.dumps(document)

    def table(self) -> str:
        """The same for people."""
        rows = [("scale", str(self.scale))]
        rows += [(f"ratio {key}", f"{value:.2f}") for key, value in self.found.ratios.items()]
        rows += [(key, f"{value:.10g}") for key, value in _rounded(self.found.figures).items()]
        rows += [(key, value) for key, value in self.versions.items()]
        width = max(len(key) for key, _ in rows)
        return "\n".join([self.bench, *(f"  {key:<{width}}  {value}" for key, value in rows)])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of ours / theirs of the same round, so that a slow minute weighs on both."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: always a value that was measured."""
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return float(statistics.median(values))


def per_thousand(amount: float, count: int) -> float:
    """What 1000 would cost."""
    return amount * 1000 / count


def _rounded(values: Figures) -> dict[str, float]:
    return {key: round(value, _DIGITS) for key, value in values.items()}
