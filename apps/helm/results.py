"""What Helm's JSON says, as values of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from apps.helm.errors import HelmFailed, HelmReason

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """A release after an operation, or as it stands. Times are RFC 3339 as Helm wrote them.

    `chart` and `chart_version` are of the chart; `hooks` are the rendered
    manifests of hooks; `values` are the user's, without the chart's defaults.
    """

    name: str
    namespace: str
    revision: int
    status: str
    chart: str
    chart_version: str
    app_version: str
    description: str
    notes: str
    manifest: str
    hooks: tuple[str, ...]
    values: Json
    first_deployed: str
    last_deployed: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One revision of a release. `chart` is `name-version`."""

    revision: int
    status: str
    chart: str
    app_version: str
    updated: str
    description: str


@dataclass(frozen=True, slots=True)
class ReleaseSummary:
    """One line of `helm list`. `chart` is `name-version`."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: str
    app_version: str
    updated: str


def parse_json(output: bytes) -> Any:
    """Raises HelmFailed when Helm's answer is no JSON."""
    try:
        return orjson.loads(output)
    except ValueError as error:
        raise HelmFailed(HelmReason.FAILED, "Helm's answer is no JSON.") from error


def release_result(output: bytes) -> ReleaseResult:
    """From `helm upgrade|status -o json`, or the content of a release record."""
    return release_from(parse_json(output))


def release_from(document: Json) -> ReleaseResult:
    """From the release's own JSON (release/v1 of Helm 3 and 4)."""
    info = document.get("info") or {}
    metadata = (document.get("chart") or {}).get("metadata") or {}
    return ReleaseResult(
        name=str(document.get("name", "")),
        namespace=str(document.get("namespace", "")),
        revision=int(document.get("version") or 0),
        status=str(info.get("status", "")),
        chart=str(metadata.get("name", "")),
        chart_version=str(metadata.get("version", "")),
        app_version=str(metadata.get("appVersion", "")),
        description=str(info.get("description", "")),
        notes=str(info.get("notes", "")),
        manifest=str(document.get("manifest", "")),
        hooks=tuple(str(hook.get("manifest", "")) for hook in document.get("hooks") or ()),
        values=dict(document.get("config") or {}),
        first_deployed=str(info.get("first_deployed", "")),
        last_deployed=str(info.get("last_deployed", "")),
    )


def history_entries(output: bytes) -> tuple[HistoryEntry, ...]:
    """From `helm history -o json`, oldest first."""
    return tuple(
        HistoryEntry(
            revision=int(entry["revision"]),
            status=str(entry.get("status", "")),
            chart=str(entry.get("chart", "")),
            app_version=str(entry.get("app_version", "")),
            updated=str(entry.get("updated", "")),
            description=str(entry.get("description", "")),
        )
        for entry in parse_json(output) or ()
    )


def release_summaries(output: bytes) -> tuple[ReleaseSummary, ...]:
    """From `helm list -o json`."""
    return tuple(
        ReleaseSummary(
            name=str(entry["name"]),
            namespace=str(entry.get("namespace", "")),
            revision=int(entry.get("revision") or 0),
            status=str(entry.get("status", "")),
            chart=str(entry.get("chart", "")),
            app_version=str(entry.get("app_version", "")),
            updated=str(entry.get("updated", "")),
        )
        for entry in parse_json(output) or ()
    )
