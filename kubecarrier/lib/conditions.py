"""Conditions: what a reconciler saw, in Kubernetes' form.

A condition is a type (a short adjective), a status, one CamelCase reason from
a closed list and a sentence. A row keeps them as JSON by type, so that the API
can show them as they are. `Ready` is a summary and is computed here only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

READY = "Ready"


class Status(StrEnum):
    """The three values of a condition; `Unknown` is what could not be seen."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class StoredCondition(TypedDict):
    """One condition as a row's `conditions` column holds it."""

    status: str
    reason: str
    message: str
    lastTransitionAt: str
    observedGeneration: int


Stored = dict[str, StoredCondition]


@dataclass(frozen=True, slots=True)
class Condition:
    """One fact about an object; `message` is for people and holds no secret."""

    type: str
    status: Status
    reason: str
    message: str = ""


def merge(
    stored: Mapping[str, StoredCondition],
    seen: Iterable[Condition],
    *,
    now: datetime,
    generation: int,
) -> Stored:
    """The stored conditions with `seen` laid over them.

    The transition time moves only when the status does, so that "since" keeps
    its meaning while messages change.
    """
    merged: Stored = dict(stored)
    for condition in seen:
        before = stored.get(condition.type)
        same = before is not None and before["status"] == condition.status
        merged[condition.type] = StoredCondition(
            status=str(condition.status),
            reason=condition.reason,
            message=condition.message,
            lastTransitionAt=before["lastTransitionAt"] if before and same else now.isoformat(),
            observedGeneration=generation,
        )
    return merged


def summarize(
    seen: Iterable[Condition],
    *,
    needed: tuple[str, ...],
    harmful: tuple[str, ...] = (),
) -> Condition:
    """`Ready` from the other conditions, the worst first.

    `needed` types must be True, `harmful` types must not be True. A needed type
    that is missing or Unknown makes `Ready` Unknown, never True.
    """
    by_type = {condition.type: condition for condition in seen}
    for name in harmful:
        bad = by_type.get(name)
        if bad is not None and bad.status is Status.TRUE:
            return Condition(READY, Status.FALSE, bad.reason, bad.message)
    false = [by_type[n] for n in needed if n in by_type and by_type[n].status is Status.FALSE]
    if false:
        return Condition(READY, Status.FALSE, false[0].reason, false[0].message)
    for name in needed:
        found = by_type.get(name)
        if found is None:
            return Condition(READY, Status.UNKNOWN, "NotObserved", f"{name} was not observed yet.")
        if found.status is Status.UNKNOWN:
            return Condition(READY, Status.UNKNOWN, found.reason, found.message)
    last = by_type[needed[-1]]
    return Condition(READY, Status.TRUE, last.reason, last.message)
