"""People as a review shows them, and how somebody came to a right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import Group

from accounts.models import Binding, User
from accounts.scopes_text import scope_text
from kubecarrier.lib.audit import is_machine
from kubecarrier.lib.errors import NotFoundError
from kubecarrier.lib.holders import Right


class Sort(StrEnum):
    """Whom a review speaks of."""

    PERSON = "Person"
    SERVICE_ACCOUNT = "ServiceAccount"


class Through(StrEnum):
    """How a binding reaches somebody."""

    DIRECT = "direct"
    GROUP = "group"
    SUPERUSER = "superuser"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a right: a binding, to the person or to a group; or standing, or ownership.

    `on` is the object that the right is held on: `platform`, `project shop`.
    """

    through: Through
    binding: str = ""
    binding_id: Any = None
    role: str = ""
    role_id: Any = None
    where: str = ""
    on: str = ""
    group: str = ""

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "through": self.through.value,
            "binding": self.binding or None,
            "role": self.role or None,
            "where": self.where or None,
            "on": self.on or None,
            "group": self.group or None,
        }

    def __str__(self) -> str:
        match self.through:
            case Through.SUPERUSER:
                return "as a superuser"
            case Through.OWNER:
                return "because it is their own"
            case Through.GROUP:
                return f"by binding {self.binding} ({self.role}) to group {self.group}"
        return f"by binding {self.binding} ({self.role})"


SUPERUSER = Way(Through.SUPERUSER, role="cluster-admin", where="platform", on="platform")
OWNER = Way(Through.OWNER)


def person_named(name: str) -> User:
    """Raises NotFoundError `person_unknown`; a service account is `sa:NAME`."""
    found = User.objects.filter(username=name[:150]).first() if "\0" not in name else None
    if found is None:
        raise NotFoundError("person_unknown", f"There is no person “{name[:80]}”.", field="user")
    return found


def sort_of(username: str) -> Sort:
    """A person, or a service account's user."""
    return Sort.SERVICE_ACCOUNT if is_machine(User(username=username)) else Sort.PERSON


class Ways:
    """Rights as ways, with the names of their bindings and groups: two queries for any number."""

    def __init__(self, rights: Iterable[Right]) -> None:
        self._rights = list(rights)
        bindings = Binding.objects.select_related("role")
        self._bindings: Mapping[Any, Binding] = bindings.in_bulk(
            {right.binding for right in self._rights}
        )
        groups = {right.group for right in self._rights if right.group is not None}
        self._groups: Mapping[Any, Group] = Group.objects.in_bulk(groups) if groups else {}
        self._known: dict[tuple[Any, Any, str], Way] = {}

    def of(self, rights: Iterable[Right]) -> tuple[Way, ...]:
        """Each way once, what is given directly first."""
        found = {id(way): way for way in map(self._way, rights)}
        return tuple(sorted(found.values(), key=lambda way: (way.group, way.binding, way.on)))

    def _way(self, right: Right) -> Way:
        """Made once: many people come by the same."""
        key = right.binding, right.group, right.on
        if key not in self._known:
            self._known[key] = self._made(right)
        return self._known[key]

    def _made(self, right: Right) -> Way:
        binding = self._bindings[right.binding]
        group = "" if right.group is None else self._groups[right.group].name
        return Way(
            Through.GROUP if group else Through.DIRECT,
            binding=binding.name,
            binding_id=binding.pk,
            role=binding.role.name,
            role_id=binding.role_id,
            where=scope_text(binding.scope),
            on=right.on,
            group=group,
        )
