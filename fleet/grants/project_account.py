"""Whom the charts of a project are deployed as: a name that may what the project may, and no more. Pure.

Helm and what heals its releases act as this name (impersonation), so that the cluster's own
RBAC bounds a chart: what it renders, what its `lookup` reads, what its hooks make. Nobody
has the name's credential; only the portal can act as it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fleet.grants.objects import GROUP, Grant, is_of
from fleet.kube import Identity
from fleet.projects.objects import PROJECT, owner_mark
from fleet.projects.rules import Rules, kind_allowed
from fleet.resource import Resource

Json = dict[str, Any]

PREFIX = "kubecarrier-project:"  # outside of `kubecarrier:`, so no person can have such a name
_INSIDE, _CLUSTER_WIDE = "project:", "project-cluster-wide:"
_ID_LENGTH = 8
# Everything but `escalate` and `bind`: a chart's role gives nothing that the account lacks.
_RBAC_VERBS = [
    "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
]  # fmt: skip
#: Helm keeps its releases there, whatever kinds the project allows; also what is asked of the cluster.
STORAGE: Json = {"apiGroups": [""], "resources": ["secrets"], "verbs": _RBAC_VERBS}
_READ: Json = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}


@dataclass(frozen=True, slots=True)
class ProjectAccount:
    """A project on one cluster; `namespaces` are those that are there and that it may deploy to."""

    project: str
    project_id: UUID
    rules: Rules
    namespaces: tuple[str, ...]

    @property
    def name(self) -> str:
        """The project, readable and exact: another one of the same name later is somebody else."""
        return f"{self.project}:{self.project_id.hex[:_ID_LENGTH]}"

    @property
    def identity(self) -> Identity:
        """Whom to act as."""
        return Identity(f"{PREFIX}{self.name}")

    @property
    def mark(self) -> str:
        """The owner mark of its roles and bindings."""
        return owner_mark(self.project_id)

    def has(self, obj: Mapping[str, Any]) -> bool:
        """Whether a role or binding in a cluster can be the account's: by mark, name and subject."""
        names = {f"kubecarrier:{prefix}{self.name}" for prefix in (_INSIDE, _CLUSTER_WIDE)}
        held = {(one.get("kind"), one.get("name")) for one in obj.get("subjects") or ()}
        named = obj["metadata"]["name"] in names and held <= {("User", self.identity.user)}
        return named and is_of(obj, self.mark)


def grants(account: ProjectAccount, served: Iterable[Resource]) -> list[Grant]:
    """What stands in the cluster for the account, from the kinds that the cluster serves.

    In its namespaces it reads everything and writes the kinds that the project allows; of
    kinds without a namespace it has those that the project allows, with every verb: who
    allows a project ClusterRoles gives it the cluster.
    """
    kinds = list(served)
    inside = _allowed(kinds, account.rules.kinds, namespaced=True)
    outside = _allowed(kinds, account.rules.cluster_kinds, namespaced=False)
    found = [_grant(account, _INSIDE, [_READ, STORAGE, *inside], account.namespaces)]
    if outside:
        found.append(_grant(account, _CLUSTER_WIDE, outside, None))
    return found


def _grant(
    account: ProjectAccount, prefix: str, rules: list[Json], namespaces: tuple[str, ...] | None
) -> Grant:
    return Grant(
        name=f"{prefix}{account.name}",
        owner=account.mark,
        rules=rules,
        subjects=[{"kind": "User", "name": account.identity.user}],
        namespaces=namespaces,
        labels={PROJECT: account.project},
    )


def _allowed(kinds: list[Resource], patterns: tuple[str, ...], *, namespaced: bool) -> list[Json]:
    """One rule for each API group: its kinds by name, so that RBAC says what the patterns say."""
    groups: dict[str, set[str]] = {}
    for kind in kinds:
        if kind.namespaced is namespaced and kind_allowed(patterns, kind.group, kind.kind):
            below = {f"{kind.plural}/{name}" for name in kind.subresources}
            groups.setdefault(kind.group, set()).update({kind.plural}, below)
    bounded = {GROUP} if namespaced else frozenset()
    return [
        {
            "apiGroups": [group],
            "resources": sorted(names),
            "verbs": _RBAC_VERBS if group in bounded else ["*"],
        }
        for group, names in sorted(groups.items())
    ]
