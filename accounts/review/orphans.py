"""What nobody needs any more, or nobody should have: read from the rows alone.

A report to clean up by; nothing is changed by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from accounts import owning
from accounts.models import Binding, Role, ServiceAccount, User
from accounts.scopes_text import scope_text


class Reason(StrEnum):
    """Why something is in the report: a closed list."""

    BINDING_EMPTY = "BindingEmpty"
    BINDING_REACHES_NOBODY = "BindingReachesNobody"
    BINDING_REACHES_NOTHING = "BindingReachesNothing"
    NAMESPACE_GONE = "NamespaceGone"
    PERSON_INACTIVE = "PersonInactive"
    SERVICE_ACCOUNT_UNOWNED = "ServiceAccountUnowned"
    PROJECT_GONE = "ProjectGone"
    ROLE_UNUSED = "RoleUnused"
    OBJECT_ORPHANED = "ObjectOrphaned"
    FOREIGN_ADMINISTRATOR = "ForeignAdministrator"
    CLUSTER_UNKNOWN = "ClusterUnknown"


@dataclass(frozen=True, slots=True)
class Orphan:
    """One finding: an object of the portal by `key`, or of a cluster."""

    reason: Reason
    kind: str
    name: str
    message: str
    cluster: str = ""
    namespace: str = ""
    since: datetime | None = None
    key: Any = None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "reason": self.reason.value,
            "kind": self.kind,
            "name": self.name,
            "cluster": self.cluster or None,
            "namespace": self.namespace or None,
            "message": self.message,
            "since": self.since,
        }


def orphans() -> list[Orphan]:
    """Bindings, people, service accounts and roles, in a number of queries that does not grow."""
    return [*_bindings(), *_people(), *_service_accounts(), *_roles()]


def _bindings() -> Iterator[Orphan]:
    rows = Binding.objects.filter(deletion_requested_at=None, builtin=False).order_by("name")
    named = _named(Binding.users.through, "user__is_active", "binding_id")
    shared = _named(Binding.groups.through, "group__user__is_active", "binding_id")
    for row in rows:
        standing = [*named.get(row.pk, ()), *shared.get(row.pk, ())]
        if not standing:
            yield _binding(row, Reason.BINDING_EMPTY, "It names nobody.")
        elif not any(standing):
            text = "Nobody it names is active, and its groups have no active member."
            yield _binding(row, Reason.BINDING_REACHES_NOBODY, text)
        if not any((row.held or {}).values()):
            text = f"Nothing is there that it names: {scope_text(row.scope)}."
            yield _binding(row, Reason.BINDING_REACHES_NOTHING, text)


def _binding(row: Binding, reason: Reason, text: str) -> Orphan:
    return Orphan(reason, "Binding", row.name, text, since=row.updated_at, key=row.pk)


def _named(model: Any, active: str, key: str) -> dict[Any, list[bool]]:
    """For each key whether its people are active; a group without members counts as nobody active."""
    found: dict[Any, list[bool]] = defaultdict(list)
    for one, state in model.objects.values_list(key, active):
        found[one].append(bool(state))
    return found


def _people() -> Iterator[Orphan]:
    """Who is switched off and would hold something again at the moment he is switched on."""
    direct = Binding.users.through.objects.filter(
        user__is_active=False, binding__deletion_requested_at=None
    )
    shared = Binding.groups.through.objects.filter(
        group__user__is_active=False, binding__deletion_requested_at=None
    )
    held: dict[Any, set[str]] = defaultdict(set)
    for user, binding in direct.values_list("user_id", "binding__name"):
        held[user].add(f"binding {binding}")
    for user, group in shared.values_list("group__user__id", "group__name"):
        held[user].add(f"group {group}")
    for person in User.objects.filter(is_active=False).order_by("username"):
        ways = sorted(held.get(person.pk, ()))
        if person.is_superuser:
            ways.insert(0, "the group of superusers")
        if ways:
            text = f"Switched off, and still in {_some(ways)}."
            yield Orphan(Reason.PERSON_INACTIVE, "User", person.username, text, key=person.pk)


def _service_accounts() -> Iterator[Orphan]:
    rows = list(ServiceAccount.objects.order_by("name"))
    known = owning.known({row.project_uid for row in rows if row.project_uid})
    for row in rows:
        if not row.project:
            reason, text = Reason.SERVICE_ACCOUNT_UNOWNED, "No project owns it."
        elif row.project_uid not in known:
            reason, text = Reason.PROJECT_GONE, f"Its project {row.project} is not there."
        else:
            continue
        yield Orphan(reason, "ServiceAccount", row.name, text, since=row.created_at, key=row.pk)


def _roles() -> Iterator[Orphan]:
    for row in Role.objects.filter(builtin=False, bindings=None).order_by("name"):
        text = "No binding gives it."
        yield Orphan(Reason.ROLE_UNUSED, "Role", row.name, text, since=row.updated_at, key=row.pk)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
