"""The closed list of permissions: a kind's plural and a verb, `applications.rollback`.

Each app adds its kinds when it is loaded (`permissions.register`); a role may hold
nothing that is not in here. A verb's level says which built-in roles have it, so
that a new kind needs no change of a role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django.utils.translation import gettext_lazy as _


class Level(IntEnum):
    """The least of the built-in roles that holds a verb."""

    VIEW = 1
    EDIT = 2
    ADMIN = 3


# On what a permission can be held, from the widest to the narrowest.
PLATFORM, PROJECT, CLUSTER, NAMESPACE = "platform", "project", "cluster", "namespace"
EVERYWHERE = (PLATFORM, PROJECT, CLUSTER, NAMESPACE)


@dataclass(frozen=True, slots=True)
class Verb:
    """What may be done. `partial`: a part of `edit`, for those who may not edit everything.

    `anchors` narrows where it can be held, when not everywhere that its kind can.
    """

    name: str
    title: Any
    level: Level = Level.EDIT
    partial: bool = False
    anchors: tuple[str, ...] = ()


VIEW = Verb("view", _("see"), Level.VIEW)
CREATE = Verb("create", _("create"))
EDIT = Verb("edit", _("edit"))
DELETE = Verb("delete", _("delete"))
USUAL = (VIEW, CREATE, EDIT, DELETE)


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of the catalogue with its verbs; `anchors` is on what they can be held."""

    plural: str
    title: Any
    verbs: tuple[Verb, ...] = USUAL
    anchors: tuple[str, ...] = EVERYWHERE

    def anchors_of(self, verb: Verb) -> tuple[str, ...]:
        """On what `verb` can be held."""
        return verb.anchors or self.anchors


_subjects: dict[str, Subject] = {}


def register(*subjects: Subject) -> None:
    """Called once per kind at start."""
    for subject in subjects:
        _subjects[subject.plural] = subject


def subjects() -> list[Subject]:
    """Every kind of the catalogue, by plural."""
    return [_subjects[plural] for plural in sorted(_subjects)]


def known() -> Mapping[str, tuple[Subject, Verb]]:
    """Every permission by name."""
    return {f"{s.plural}.{v.name}": (s, v) for s in subjects() for v in s.verbs}


def partial_verbs(plural: str) -> list[str]:
    """The verbs that are a part of `edit`."""
    found = _subjects.get(plural)
    return [verb.name for verb in found.verbs if verb.partial] if found else []


def up_to(level: Level) -> list[str]:
    """The names of all permissions up to `level`: what a built-in role holds."""
    return [name for name, (_subject, verb) in known().items() if verb.level <= level]


def held_on(names: Iterable[str], anchor: str) -> list[str]:
    """Those of `names` that can be held on an object of that sort."""
    listed = known()
    return [
        name
        for name in names
        if name in listed and anchor in listed[name][0].anchors_of(listed[name][1])
    ]
