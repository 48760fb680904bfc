"""Requested against used, offered and allowed: one row's figures, and what they say. Pure.

CPU in millicores, memory in bytes. None is "not known", or "there is none",
never zero: without the metrics API nothing is known of what is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fleet.errors import CapacityInvalidError
from fleet.quantities import QuantityError, bytes_of, cpu_millicores

RESOURCES = ("cpu", "memory")
# Below this share of what is requested, the rest is called wasted.
_WELL_USED = 0.5
_NEARLY_FULL = 0.9


class Standing(StrEnum):
    """What the figures of a row say."""

    OVER = "over"
    UNDER = "under"
    FAIR = "fair"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Measure:
    """One resource of a row.

    `allocatable` is what the nodes offer, `quota` what is allowed; `free` is what is left of
    them, on nodes that take pods; `block` the most that is free on one node.
    """

    allocatable: int | None = None
    requested: int | None = None
    used: int | None = None
    quota: int | None = None
    free: int | None = None
    block: int | None = None

    @property
    def waste(self) -> int | None:
        """Requested and not used; below zero when more is used than was requested."""
        known = self.requested is not None and self.used is not None
        return self.requested - self.used if known else None  # type: ignore[operator]

    @property
    def standing(self) -> Standing:
        """Over: more is used than requested, or nearly all is requested. Under: most is not used."""
        limit = self.quota if self.quota is not None else self.allocatable
        if self.requested is None:
            return Standing.UNKNOWN
        if limit and self.requested > _NEARLY_FULL * limit:
            return Standing.OVER
        if self.used is None:
            return Standing.UNKNOWN
        if self.used > self.requested:
            return Standing.OVER
        return Standing.UNDER if self.used < _WELL_USED * self.requested else Standing.FAIR


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """A cluster, a namespace or a project. `nodes` hold what was asked for alone; None: not asked, or not known."""

    name: str
    cluster: str = ""
    project: str = ""
    seen_at: datetime | None = None
    reachable: bool = True
    measures: Mapping[str, Measure] = field(default_factory=dict)
    fits: bool | None = None
    nodes: int | None = None

    @property
    def standing(self) -> Standing:
        """The worse of both resources."""
        found = {measure.standing for measure in self.measures.values()}
        return next((s for s in Standing if s in found), Standing.UNKNOWN)

    def fit(self, wanted: Mapping[str, int]) -> bool | None:
        """Whether all that is wanted is free; None where it is not known."""
        if not self.reachable:
            return None
        free = [(self.measures[name].free, amount) for name, amount in wanted.items()]
        if any(left is None for left, _ in free):
            return None
        return all(left is not None and left >= amount for left, amount in free)


def parse_fits(text: str) -> dict[str, int]:
    """`cpu:40,memory:64Gi` as millicores and bytes; `=` for `:` too. Raises CapacityInvalidError."""
    found: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, amount = part.replace("=", ":", 1).partition(":")
        if name not in RESOURCES or name in found:
            raise _invalid(f"“{part[:60]}” is not cpu:AMOUNT or memory:AMOUNT.")
        try:
            found[name] = cpu_millicores(amount) if name == "cpu" else bytes_of(amount)
        except QuantityError as error:
            raise _invalid(error.message) from error
        if not 0 < found[name] < 2**62:
            raise _invalid(f"{name}: {amount[:40]} is no amount to look for.")
    return found


def _invalid(message: str) -> CapacityInvalidError:
    return CapacityInvalidError(
        "fits_invalid", message, field="fits", hint="Write for example cpu:40,memory:64Gi."
    )
