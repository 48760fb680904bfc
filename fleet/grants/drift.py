"""What is granted here, compared with what is present in a cluster: object by object. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fleet.grants import objects, portal_account
from fleet.grants.objects import Grant, Json
from fleet.grants.project_account import ProjectAccount
from fleet.resource import ObjectRef

ADMIN_ROLE = "cluster-admin"
_DEFAULTS = "kubernetes.io/bootstrapping"
_SAID = 3


class State(StrEnum):
    """How an object stands: a closed list."""

    MISSING = "Missing"
    DIFFERS = "Differs"
    EXTRA = "Extra"
    ORPHANED = "Orphaned"
    FOREIGN = "Foreign"


@dataclass(frozen=True, slots=True)
class Wish:
    """A grant on the cluster; `settled`: a pass has seen today's wish there."""

    grant: Grant
    binding_id: Any
    deleting: bool = False
    settled: bool = True

    def objects(self) -> dict[ObjectRef, Json]:
        """What has to be there."""
        return {} if self.deleting else objects.wanted(self.grant)


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is not as it is granted."""

    state: State
    ref: ObjectRef
    message: str
    binding: str = ""
    binding_id: Any = None
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody else's binding that gives everything: in all of the cluster, or in a namespace."""

    ref: ObjectRef
    role: str
    subjects: tuple[str, ...]


def findings(
    wishes: Sequence[Wish],
    present: Mapping[ObjectRef, Json],
    taken: Mapping[ObjectRef, Json],
    accounts: Sequence[ProjectAccount] = (),
) -> list[Finding]:
    """`present` carries our mark; `taken` has a name that a grant wants, and does not.

    `accounts` are those of the projects: what is theirs is looked after before each use.
    """
    found = [one for wish in wishes for one in _of(wish, present, taken)]
    owners = {wish.grant.owner for wish in wishes}
    for ref, obj in present.items():
        owner = owner_in(obj)
        if owner in owners or _is_portals(ref, owner):
            continue
        if not any(account.has(obj) for account in accounts):
            text = f"No grant on this cluster wants it; its owner mark is {owner or 'missing'}."
            found.append(Finding(State.ORPHANED, ref, text))
    return sorted(found, key=lambda one: (one.binding, one.ref))


def _is_portals(ref: ObjectRef, owner: str) -> bool:
    """What the portal's own account may; only by the names that it has, for a mark is soon copied."""
    names = {portal_account.ROLE, portal_account.GROUPS_ROLE}
    return owner == portal_account.OWNER_MARK and ref.name in names and not ref.namespace


def owner_in(obj: Mapping[str, Any]) -> str:
    """The owner mark of an object."""
    return str(((obj.get("metadata") or {}).get("annotations") or {}).get(objects.OWNER) or "")


def _of(
    wish: Wish, present: Mapping[ObjectRef, Json], taken: Mapping[ObjectRef, Json]
) -> Iterator[Finding]:
    wanted = wish.objects()
    for ref, obj in wanted.items():
        live = present.get(ref) or taken.get(ref)
        if live is None:
            yield _finding(wish, State.MISSING, ref, "Not there.")
        elif not objects.is_of(live, wish.grant.owner):
            yield _finding(wish, State.FOREIGN, ref, "Somebody else's object has the name.")
        elif fields := objects.differing(obj, live):
            text = " ".join(_difference(one, obj.get(one), live.get(one)) for one in fields)
            yield _finding(wish, State.DIFFERS, ref, text)
    for ref, live in present.items():
        if ref not in wanted and objects.is_of(live, wish.grant.owner):
            yield _finding(wish, State.EXTRA, ref, "The binding does not ask for it.")


def _finding(wish: Wish, state: State, ref: ObjectRef, text: str) -> Finding:
    return Finding(state, ref, text, wish.grant.name, wish.binding_id, wish.settled)


def _difference(name: str, wanted: Any, live: Any) -> str:
    """Who or what is missing and who is too many, in one sentence."""
    if name == "roleRef":
        return f"It points at {(live or {}).get('name')} instead of {wanted['name']}."
    want, have = [_text(one) for one in wanted or ()], [_text(one) for one in live or ()]
    missing = [one for one in want if one not in have]
    more = [one for one in have if one not in want]
    parts = [f"missing {_some(missing)}"] if missing else []
    parts += [f"too many {_some(more)}"] if more else []
    return f"{name.capitalize()}: {'; '.join(parts) or 'in another order'}."


def _some(texts: list[str]) -> str:
    rest = f" and {len(texts) - _SAID} more" if len(texts) > _SAID else ""
    return ", ".join(texts[:_SAID]) + rest


def _text(one: Mapping[str, Any]) -> str:
    if "verbs" in one:
        what = one.get("resources") or one.get("nonResourceURLs") or ()
        return f"{'/'.join(one['verbs'])} {','.join(what)}"
    return subject_text(one)


def subject_text(subject: Mapping[str, Any]) -> str:
    """`User ann`, `ServiceAccount kube-system/tiller`."""
    place = f"{subject['namespace']}/" if subject.get("namespace") else ""
    return f"{subject.get('kind')} {place}{subject.get('name')}"


def administrators(bindings: Iterable[Json], roles: Iterable[Json]) -> list[Administrator]:
    """Foreign bindings to a role that may do everything; those that Kubernetes makes are left out."""
    everything = {ADMIN_ROLE, *(r["metadata"]["name"] for r in roles if _is_everything(r))}
    found = []
    for one in bindings:
        labels = one["metadata"].get("labels") or {}
        points_at = one.get("roleRef") or {}
        ours = labels.get(objects.MANAGED_BY) == "kubecarrier"
        if ours or _DEFAULTS in labels or points_at.get("kind") != "ClusterRole":
            continue
        if points_at.get("name") in everything:
            subjects = tuple(subject_text(s) for s in one.get("subjects") or ())
            found.append(Administrator(objects.ref_of(one), str(points_at["name"]), subjects))
    return sorted(found, key=lambda one: one.ref)


def _is_everything(role: Json) -> bool:
    keys = ("apiGroups", "resources", "verbs")
    return any(
        all("*" in (rule.get(key) or ()) for key in keys) for rule in role.get("rules") or ()
    )
