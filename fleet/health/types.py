"""The answer: a status, a reason, a sentence; and how conditions are read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]
_MESSAGE_LIMIT = 300


class HealthStatus(StrEnum):
    """From best to worst: `summarize` takes the last one that occurs."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    UNKNOWN = "Unknown"
    DEGRADED = "Degraded"


@dataclass(frozen=True, slots=True)
class Health:
    """`reason` is one CamelCase word; `message` a sentence, "" when there is nothing to add."""

    status: HealthStatus
    reason: str
    message: str = ""


def healthy(reason: str, message: str = "") -> Health:
    return Health(HealthStatus.HEALTHY, reason, message)


def progressing(reason: str, message: str = "") -> Health:
    return Health(HealthStatus.PROGRESSING, reason, message[:_MESSAGE_LIMIT])


def degraded(reason: str, message: str = "") -> Health:
    return Health(HealthStatus.DEGRADED, reason, message[:_MESSAGE_LIMIT])


def suspended(reason: str, message: str = "") -> Health:
    return Health(HealthStatus.SUSPENDED, reason, message)


def unknown(reason: str, message: str = "") -> Health:
    return Health(HealthStatus.UNKNOWN, reason, message[:_MESSAGE_LIMIT])


def condition(obj: Json, kind: str) -> Json:
    """The condition of that type, {} without one."""
    for item in part(obj, "status").get("conditions") or ():
        if isinstance(item, dict) and item.get("type") == kind:
            return item
    return {}


def is_true(found: Json) -> bool:
    return found.get("status") == "True"


def told(found: Json) -> str:
    """A condition's words."""
    return str(found.get("message") or found.get("reason") or "")


def part(obj: Json, name: str) -> Json:
    """A mapping inside the object, {} when it is missing or something else."""
    value = obj.get(name)
    return value if isinstance(value, dict) else {}
