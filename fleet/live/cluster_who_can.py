"""Who may do something in a cluster, by all of its RBAC: ours, and what others put there.

The rules are read and matched here, as `kubectl who-can` does: an authorizer can be asked
about one person only. Other authorizers of the cluster (webhooks, nodes) are not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.policy_rules import Atom, allows
from fleet.grants import accounts, objects
from fleet.grants.drift import owner_in
from fleet.grants.objects import Json
from fleet.kube import Kube
from fleet.live.can_i import Act, attributes_of, portal_kube
from fleet.models import Cluster, Kubeconfig

_PERSON, _GROUP = "kubecarrier:", "kubecarrier:group:"
_KINDS = ("ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding")
Roles = Mapping[tuple[str, str, str], Json]


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody whom RBAC knows; `person` and `group` are ours where it is one of ours.

    `namespace` "" is the whole cluster. `ours`: the binding carries our mark.
    """

    kind: str
    name: str
    binding: str
    role: str
    namespace: str
    ours: bool
    person: str = ""
    group: str = ""

    @property
    def internal(self) -> bool:
        """Kubernetes' own part, bound by Kubernetes' own bindings; its administrators' group is none."""
        return self.binding.startswith("system:")


def cluster_who_can(*, cluster: Cluster, act: Act) -> list[Subject]:
    """Ours first, by kind and name. Raises as `cluster_can_i`; the caller asked for the right."""
    kube = portal_kube(cluster)
    atom, namespace = _atom(attributes_of(kube, act))
    listed = {kind: _list(kube, kind, namespace) for kind in _KINDS}
    roles = {_key(one): one for kind in ("ClusterRole", "Role") for one in listed[kind]}
    bindings = list(listed["ClusterRoleBinding"])
    if namespace:
        bindings += listed["RoleBinding"]
    people = _people(cluster)
    found = {subject for one in bindings for subject in _subjects(one, roles, atom, people)}
    return sorted(found, key=lambda one: (not one.ours, one.kind, one.name, one.namespace))


def _atom(attributes: Json) -> tuple[Atom, str]:
    """What has to be allowed, and in which namespace; without one, in the whole cluster."""
    if url := attributes.get("nonResourceAttributes"):
        return Atom(url["verb"], url=url["path"]), ""
    asked = attributes["resourceAttributes"]
    sub = asked.get("subresource")
    resource = f"{asked['resource']}/{sub}" if sub else asked["resource"]
    atom = Atom(asked["verb"], asked.get("group", ""), resource, asked.get("name", ""))
    return atom, asked.get("namespace", "")


def _list(kube: Kube, kind: str, namespace: str) -> list[Json]:
    namespaced = kind in {"Role", "RoleBinding"}
    if namespaced and not namespace:
        return []
    resource = kube.resource_for(objects.API_VERSION, kind)
    return list(kube.list(resource, namespace=namespace if namespaced else None))


def _key(role: Json) -> tuple[str, str, str]:
    metadata = role["metadata"]
    return role["kind"], metadata.get("namespace") or "", metadata["name"]


def _people(cluster: Cluster) -> dict[str, str]:
    """Whose the accounts of kubeconfigs are that still work there."""
    rows = Kubeconfig.objects.filter(cluster=cluster, ended_at=None)
    return {
        f"{accounts.NAMESPACE}/{account}": name
        for account, name in rows.values_list("account", "username")
    }


def _subjects(
    binding: Json, roles: Roles, atom: Atom, people: Mapping[str, str]
) -> Iterator[Subject]:
    metadata, points_at = binding["metadata"], binding.get("roleRef") or {}
    namespace = str(metadata.get("namespace") or "")
    place = namespace if points_at.get("kind") == "Role" else ""
    role = roles.get((str(points_at.get("kind")), place, str(points_at.get("name"))))
    if role is None or not _allows(role.get("rules") or (), atom):
        return
    ours = objects.is_of(binding, owner_in(binding)) and bool(owner_in(binding))
    for one in binding.get("subjects") or ():
        name = str(one.get("name"))
        place = f"{one['namespace']}/" if one.get("namespace") else ""
        person, group = _ours(str(one.get("kind")), name)
        yield Subject(
            kind=str(one.get("kind")),
            name=f"{place}{name}",
            binding=metadata["name"],
            role=str(points_at.get("name")),
            namespace=namespace,
            ours=ours,
            person=person or people.get(f"{place}{name}", ""),
            group=group,
        )


def _allows(rules: Iterable[Any], atom: Atom) -> bool:
    return any(rule.get("verbs") and allows(rule, atom) for rule in rules)


def _ours(kind: str, name: str) -> tuple[str, str]:
    if kind == "Group":
        return "", name.removeprefix(_GROUP) if name.startswith(_GROUP) else ""
    if kind == "User" and name.startswith(_PERSON):
        return name.removeprefix(_PERSON), ""
    return "", ""
