"""What a lower app tells the placed kinds of higher apps when a cluster changes.

`fleet` knows no applications; those register here and are called in the same
transaction as the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class ClusterCallback(Protocol):
    """Called with the cluster row."""

    def __call__(self, cluster: Any) -> None: ...


class RenameCallback(Protocol):
    """Called with both names, after the row was renamed."""

    def __call__(self, cluster: Any, old: str) -> None: ...


class RemovalCallback(Protocol):
    """Called before a cluster goes; returns `(name, message)` of each target that was there.

    With `cleanup` targets are asked to delete themselves; without, their rows
    go at once and their objects stay.
    """

    def __call__(self, cluster: Any, *, cleanup: bool) -> list[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class PlacedKind:
    """The callbacks of one placed kind."""

    name: str
    cluster_changed: ClusterCallback
    cluster_renamed: RenameCallback
    reachability_changed: ClusterCallback
    cluster_removing: RemovalCallback


_registered: list[PlacedKind] = []


def register(kind: PlacedKind) -> None:
    """Called once per kind at start."""
    _registered.append(kind)


def placed_kinds() -> tuple[PlacedKind, ...]:
    """Every registered placed kind."""
    return tuple(_registered)
