"""What a container of a pod wrote: its last lines, or those after a moment.

The cluster is always asked for times, so that whoever follows asks again for what came
after the last line seen, and gets each line once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet.kube import ObjectRef, Resource
from fleet.live.objects import live_object
from fleet.live.session import Session
from kubecarrier.lib.errors import InvalidError

Json = dict[str, Any]

LINES = 500
MOST_LINES = 10_000
LIMIT_BYTES = 2 * 1024 * 1024
_OVER = 64 * 1024  # the server ends with the line that reaches its limit
_MAIN_CONTAINER = "kubectl.kubernetes.io/default-container"
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class LogQuery:
    """`container` "" is the pod's main one; `tail` None is all; `since_time` as lines have it."""

    container: str = ""
    previous: bool = False
    tail: int | None = LINES
    since_seconds: int | None = None
    since_time: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """`time` as the container's runtime wrote it, "" where it wrote none."""

    time: str
    text: str


@dataclass(frozen=True, slots=True)
class PodLogs:
    """`truncated`: newer lines than these were asked for, and did not fit."""

    container: str
    containers: tuple[str, ...]
    lines: tuple[Line, ...]
    truncated: bool


def loggable(kind: Resource) -> bool:
    """Whether objects of the kind write logs."""
    return (kind.group, kind.plural) == ("", "pods")


def pod_logs(session: Session, kind: Resource, ref: ObjectRef, query: LogQuery) -> PodLogs:
    """Raises InvalidError for what is no pod, no container of it or no time; NotFoundError."""
    session.require("resources.logs")
    if not loggable(kind):
        raise InvalidError("not_loggable", f"{kind.kind} writes no logs.", field="kind")
    after = _moment(query.since_time)
    with session.doing(f"read the logs of {ref}", namespace=ref.namespace):
        pod = live_object(session.kube, kind, ref)
        containers = _containers(pod)
        container = query.container or _main(pod, containers)
        if container not in containers:
            raise InvalidError(
                "container_unknown", f"There is no container “{container[:80]}” in {ref}.",
                field="container", hint=f"It has {', '.join(containers)}.",
            )  # fmt: skip
        text = session.kube.text(
            f"{kind.path(namespace=ref.namespace, name=ref.name)}/log",
            query=_asked(query, container),
            limit_bytes=LIMIT_BYTES + _OVER,
        )
    lines = [_line(one) for one in text.split("\n") if one]
    if after is not None:
        lines = [one for one in lines if (moment := _moment(one.time)) is None or moment > after]
    truncated = len(text.encode()) >= LIMIT_BYTES
    return PodLogs(container, containers, tuple(lines), truncated)


def _asked(query: LogQuery, container: str) -> dict[str, Any]:
    return {
        "container": container,
        "timestamps": "true",
        "limitBytes": LIMIT_BYTES,
        "previous": "true" if query.previous else None,
        "tailLines": query.tail,
        "sinceSeconds": query.since_seconds,
        "sinceTime": query.since_time or None,
    }


def _containers(pod: Json) -> tuple[str, ...]:
    """In the order in which kubectl names them."""
    spec = pod.get("spec") or {}
    sorts = ("containers", "initContainers", "ephemeralContainers")
    return tuple(str(one.get("name")) for sort in sorts for one in spec.get(sort) or ())


def _main(pod: Json, containers: tuple[str, ...]) -> str:
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    chosen = str(annotations.get(_MAIN_CONTAINER) or "")
    return chosen if chosen in containers else next(iter(containers), "")


def _line(text: str) -> Line:
    time, _, rest = text.partition(" ")
    return Line(time, rest) if _TIME.fullmatch(time) else Line("", text)


def _moment(time: str) -> tuple[datetime, int] | None:
    """To compare by, to the nanosecond; None for none. Raises InvalidError."""
    if not time:
        return None
    found = _TIME.fullmatch(time)
    try:
        if found is None:
            raise ValueError(time)
        seconds = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
        return seconds.astimezone(UTC), int((found[2] or "0").ljust(9, "0"))
    except (ValueError, OverflowError) as error:
        raise InvalidError(
            "time_invalid",
            f"“{time[:40]}” is no time such as 2026-01-02T03:04:05Z.",
            field="sinceTime",
        ) from error
