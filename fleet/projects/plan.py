"""What to do with one namespace of a project: what was seen → a state, and the steps to take.

Pure; `tests/unit/fleet/test_project_plan.py` reads it as a table. A step is
safe to repeat, and refuses an object that changed since it was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fleet.choices import NamespaceState
from fleet.projects.objects import (
    MADE,
    OWNER,
    QUOTA_KINDS,
    NamespaceWish,
    Owner,
    namespace_body,
    namespace_patch,
    notes_of,
    quota_body,
    release_patch,
    same_quota,
)

Json = dict[str, Any]


class Verb(StrEnum):
    """What a step does with its object."""

    CREATE = "create"
    PATCH = "patch"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one object: a body, or for PATCH the patch; `uid` is what DELETE must meet."""

    verb: Verb
    kind: str
    namespace: str
    name: str
    body: Json | None = None
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One namespace as it was looked at: raw objects, None where there is none.

    `quotas` are the objects that have our name, by kind, whoever made them.
    """

    namespace: Json | None
    quotas: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the namespace stands, and what to do now; no steps in READY means that all is as wanted."""

    state: NamespaceState
    message: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def made(self) -> bool:
        return any(step.verb is Verb.CREATE and step.kind == "Namespace" for step in self.steps)


def plan(wish: NamespaceWish, owner: Owner, seen: Seen) -> Plan:
    """The state and the steps of one namespace."""
    return _keep(wish, owner, seen) if wish.wanted else _release(wish, owner, seen)


def _keep(wish: NamespaceWish, owner: Owner, seen: Seen) -> Plan:
    found = seen.namespace
    if found is None:
        body = namespace_body(wish, owner)
        steps = [Step(Verb.CREATE, "Namespace", "", wish.name, body), *_quotas(wish, owner, {})]
        return Plan(NamespaceState.CHANGING, "It is being made.", tuple(steps))
    if found["metadata"].get("deletionTimestamp"):
        return Plan(NamespaceState.TERMINATING, "It is being deleted in the cluster.")
    if not owner.owns(found) and (problem := _foreign(wish, owner, found)):
        return Plan(NamespaceState.FOREIGN, problem)
    strangers = [kind for kind, obj in seen.quotas.items() if not owner.owns(obj)]
    wanted = [kind for kind in strangers if quota_body(kind, wish, owner)]
    if wanted:
        text = f"There is a {wanted[0]} of our name that is not the project's."
        return Plan(NamespaceState.BLOCKED, text)
    steps = []
    if patch := namespace_patch(wish, owner, found):
        steps.append(Step(Verb.PATCH, "Namespace", "", wish.name, patch))
    steps += _quotas(wish, owner, {k: v for k, v in seen.quotas.items() if k not in strangers})
    state = NamespaceState.CHANGING if steps else NamespaceState.READY
    return Plan(state, "", tuple(steps))


def _foreign(wish: NamespaceWish, owner: Owner, found: Json) -> str:
    """Why a namespace that is not marked as the project's cannot be taken; "" when it may be."""
    if notes_of(found).get(OWNER) in owner.others:
        return "It is marked as another project's."
    if not wish.adopt:
        return "It is there already. Say adopt: true to take it over."
    return ""


def _quotas(wish: NamespaceWish, owner: Owner, found: dict[str, Json]) -> list[Step]:
    """The limit range first: a quota refuses pods that say nothing, until there are defaults."""
    steps = []
    for kind in reversed(QUOTA_KINDS):
        body, present = quota_body(kind, wish, owner), found.get(kind)
        if body is None and present is not None:
            steps.append(_gone(kind, wish.name, present))
        elif body is not None and present is None:
            steps.append(Step(Verb.CREATE, kind, wish.name, body["metadata"]["name"], body))
        elif body is not None and present is not None and not same_quota(body, present):
            version = {"resourceVersion": present["metadata"]["resourceVersion"]}
            body["metadata"] |= version
            steps.append(Step(Verb.REPLACE, kind, wish.name, body["metadata"]["name"], body))
    return steps


def _release(wish: NamespaceWish, owner: Owner, seen: Seen) -> Plan:
    """Our marks and quota objects go; the namespace goes only when that was asked for by its name."""
    found = seen.namespace
    if found is None or not owner.owns(found):
        return Plan(NamespaceState.RELEASED, "" if found is None else "It stays in the cluster.")
    metadata = found["metadata"]
    if metadata.get("deletionTimestamp"):
        waits = NamespaceState.RELEASING if wish.delete_asked else NamespaceState.RELEASED
        return Plan(waits, "It is being deleted in the cluster.")
    if wish.delete_asked and MADE in notes_of(found):
        step = Step(Verb.DELETE, "Namespace", "", wish.name, uid=metadata["uid"])
        return Plan(NamespaceState.RELEASING, "It is being deleted, as was asked for.", (step,))
    steps = [_gone(kind, wish.name, obj) for kind, obj in seen.quotas.items() if owner.owns(obj)]
    if patch := release_patch(found):
        steps.append(Step(Verb.PATCH, "Namespace", "", wish.name, patch))
    return Plan(
        NamespaceState.RELEASING, "Its quota and our marks are being removed.", tuple(steps)
    )


def _gone(kind: str, namespace: str, obj: Json) -> Step:
    metadata = obj["metadata"]
    return Step(Verb.DELETE, kind, namespace, metadata["name"], uid=metadata["uid"])
