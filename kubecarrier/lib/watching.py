"""What the apps want to hear of a cluster, told to the controller by registration.

The controller knows no applications: it asks every registered watcher what to
watch in a cluster and hands it what happened there, in batches.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

Json = dict[str, Any]


class EventType(StrEnum):
    """Kubernetes' three, and the end of a complete list."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    LISTED = "LISTED"


@dataclass(frozen=True, slots=True)
class WatchSpec:
    """One kind in one cluster, in all namespaces. The door finds its plural by discovery.

    `shape` makes each object small as soon as it was read; it may not raise, and
    its result keeps `metadata.uid`, `.namespace` and `.name`. Of an object of a
    shaped stream that vanished unseen only these three are told. `page_limit`:
    how many whole objects a list holds at once.
    """

    api_version: str
    kind: str
    label_selector: str = ""
    metadata_only: bool = True
    field_selector: str = ""
    shape: Callable[[Json], Json] | None = None
    page_limit: int = 500


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, or was found out by listing.

    `obj` lacks `managedFields`; metadata-only objects carry the metadata form's
    own apiVersion and kind, so look at `spec` for them. A DELETED object is as
    it was last seen. `initial`: part of the first list, so it need not be new.
    LISTED has no object, but `present`: namespace and name of everything there;
    whatever else was known is gone.
    """

    type: EventType
    spec: WatchSpec
    obj: Json = field(default_factory=dict)
    initial: bool = False
    present: frozenset[tuple[str, str]] = frozenset()


class Watcher(Protocol):
    """Both are called in a thread and may use the database; both may be called again."""

    def specs(self, cluster_id: uuid.UUID) -> list[WatchSpec]:
        """What to watch there now; asked every few seconds, so it must be cheap."""
        ...

    def changed(self, cluster_id: uuid.UUID, events: Sequence[Event]) -> None:
        """A batch in order, at most one transaction. An error brings the same batch again."""
        ...


@dataclass(frozen=True, slots=True)
class StreamState:
    """How a stream is: `silent_seconds` since it was last heard of (None: never), and its trouble."""

    silent_seconds: float | None
    code: str = ""
    message: str = ""


@runtime_checkable
class StateWatcher(Protocol):
    """A watcher that is also told how its streams are, each HEARD_SECONDS."""

    def heard(self, cluster_id: uuid.UUID, states: Mapping[WatchSpec, StreamState]) -> None:
        """Called as `changed` is. What it does not get to know grows old by itself."""
        ...


HEARD_SECONDS = 15.0
_registered: list[Watcher] = []


def register(watcher: Watcher) -> None:
    """Called once per watcher at start."""
    _registered.append(watcher)


def watchers() -> tuple[Watcher, ...]:
    """Every registered watcher."""
    return tuple(_registered)
