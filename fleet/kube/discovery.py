"""Which kinds a server serves, remembered for a while.

One aggregated discovery document (v2, Kubernetes ≥ 1.30) tells all; older
servers and kinds that are too new for the remembered document are asked by
group and version.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol

from fleet.connection import Connection
from fleet.kube_errors import NotFound, Rejected, UnknownKind
from fleet.resource import Resource, segment

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
MAX_AGE_SECONDS = 600.0
Key = tuple[str, str]  # (apiVersion, kind)
Table = dict[Key, Resource]


class Getter(Protocol):
    """GET of a path with an Accept header, as an object."""

    def __call__(self, path: str, *, accept: str) -> dict[str, Any]: ...


class Discovery:
    """The remembered table of one server; safe to share by threads and identities."""

    def __init__(
        self, *, max_age_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._table: Table = {}
        self._stale: frozenset[str] = frozenset()
        self._read_at: float | None = None

    def resource(self, get: Getter, api_version: str, kind: str) -> Resource:
        """Raises UnknownKind only when the server itself was asked and does not know it."""
        if (core := _CORE.get((api_version, kind))) is not None:
            return core
        table = self.table(get)
        found = table.get((api_version, kind))
        if found is None:
            found = self._asked(get, api_version).get((api_version, kind))
        if found is None:
            raise UnknownKind(f"The server does not serve {kind} of {api_version}.", status=404)
        return found

    def table(self, get: Getter) -> Table:
        """Every served kind. The document is read again when it is older than the limit."""
        with self._lock:
            if self._read_at is not None and self._clock() - self._read_at < self._max_age_seconds:
                return self._table
        table, stale = _read_all(get)
        with self._lock:
            self._table, self._stale, self._read_at = table, stale, self._clock()
            return self._table

    def stale_groups(self) -> frozenset[str]:
        """`group/version`s whose server did not answer: their kinds are unknown, not absent."""
        return self._stale

    def age_seconds(self) -> float | None:
        return None if self._read_at is None else self._clock() - self._read_at

    def forget(self) -> None:
        with self._lock:
            self._read_at = None

    def _asked(self, get: Getter, api_version: str) -> Table:
        """One group version, straight from the server (a CRD that was just created)."""
        try:
            found = _legacy(get(_group_path(api_version), accept="application/json"), api_version)
        except NotFound:
            return {}
        with self._lock:
            self._table = {**self._table, **found}
        return found


# Part of every API server there is: nothing has to be asked for them.
_CORE: Table = {
    ("v1", kind): Resource("", "v1", plural, kind, namespaced)
    for kind, plural, namespaced in (
        ("ConfigMap", "configmaps", True),
        ("Secret", "secrets", True),
        ("Namespace", "namespaces", False),
    )
}


def _group_path(api_version: str) -> str:
    root = "/apis" if "/" in api_version else "/api"
    return "/".join((root, *map(segment, api_version.split("/"))))


def _read_all(get: Getter) -> tuple[Table, frozenset[str]]:
    table: Table = {}
    stale: set[str] = set()
    for path in ("/api", "/apis"):
        try:
            document = get(path, accept=AGGREGATED)
        except Rejected:  # 406 of a server that knows no aggregated form
            continue
        if document.get("kind") != "APIGroupDiscoveryList":
            continue  # `_asked` answers for each group version when it is needed
        for version, resources in _versions(document):
            if version.get("freshness") == "Stale":
                stale.add(resources)
            table.update(_aggregated(version, resources))
    return table, frozenset(stale)


def _versions(document: dict[str, Any]) -> Iterable[tuple[dict[str, Any], str]]:
    for group in document.get("items") or []:
        name = str((group.get("metadata") or {}).get("name") or "")
        for version in group.get("versions") or []:
            yield version, f"{name}/{version['version']}" if name else str(version["version"])


def _aggregated(version: dict[str, Any], api_version: str) -> Table:
    table: Table = {}
    for entry in version.get("resources") or []:
        kind = str((entry.get("responseKind") or {}).get("kind") or "")
        table[api_version, kind] = _resource(
            api_version,
            plural=str(entry["resource"]),
            kind=kind,
            namespaced=entry.get("scope") == "Namespaced",
            entry=entry,
        )
    return table


def _legacy(document: dict[str, Any], api_version: str) -> Table:
    """An `APIResourceList`; names with a slash are subresources."""
    listed = [str(entry["name"]) for entry in document.get("resources") or []]
    return {
        (api_version, str(entry["kind"])): _resource(
            api_version,
            plural=str(entry["name"]),
            kind=str(entry["kind"]),
            namespaced=bool(entry.get("namespaced")),
            entry={**entry, "subresources": _below(listed, str(entry["name"]))},
        )
        for entry in document.get("resources") or []
        if "/" not in str(entry["name"])
    }


def _below(listed: list[str], plural: str) -> list[dict[str, str]]:
    """The subresources of a kind, in the form of the aggregated document."""
    own = f"{plural}/"
    return [{"subresource": name.removeprefix(own)} for name in listed if name.startswith(own)]


def _resource(
    api_version: str, *, plural: str, kind: str, namespaced: bool, entry: dict[str, Any]
) -> Resource:
    group, _, version = api_version.rpartition("/")
    return Resource(
        group,
        version,
        plural,
        kind,
        namespaced,
        verbs=frozenset(entry.get("verbs") or ()),
        singular=str(entry.get("singularResource") or entry.get("singularName") or kind.lower()),
        short_names=tuple(entry.get("shortNames") or ()),
        categories=tuple(entry.get("categories") or ()),
        subresources=frozenset(
            str(item.get("subresource")) for item in entry.get("subresources") or ()
        ),
    )


@lru_cache(maxsize=512)
def discovery_of(connection: Connection) -> Discovery:
    """One remembered table per connection and process: what a server serves is asked rarely."""
    return Discovery(max_age_seconds=MAX_AGE_SECONDS)
