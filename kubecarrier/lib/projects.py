"""What a lower app must know of the kinds that belong to projects: who is in one.

`fleet` has the projects and knows no applications; those register here. A
kind in a project has a foreign key `project`, named in its `manifests.Kind`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """One object in a project, and the clusters and namespaces where it is placed."""

    kind: str
    name: str
    places: tuple[tuple[str, str], ...] = ()

    @property
    def reference(self) -> str:
        """`application/web`."""
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True)
class ProjectKind:
    """The callbacks of one kind that belongs to projects.

    `members(project)` lists what of the kind is in it; `changed(project)` is called
    in the transaction in which the project's clusters or rules changed, and raises
    when what is placed would break them.
    """

    name: str
    members: Callable[[Any], Sequence[Member]]
    changed: Callable[[Any], None]


_registered: list[ProjectKind] = []


def register(kind: ProjectKind) -> None:
    """Called once per kind at start."""
    _registered.append(kind)


def project_kinds() -> tuple[ProjectKind, ...]:
    """Every registered kind."""
    return tuple(_registered)


def members_of(project: Any) -> list[Member]:
    """Everything that is in a project, by kind and name."""
    return sorted(member for kind in _registered for member in kind.members(project))
