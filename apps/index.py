"""Read a chart repository's index.yaml: large, written by strangers, often a little broken.

One bad entry must not hide a thousand good ones, so entries are skipped with a
reason; a file that is no index at all (a login page answered with 200, a null)
is refused. What an index must never do is to send our credentials elsewhere:
every URL says whether it leaves the repository's host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from apps import chart_metadata
from apps.chart_metadata import ChartMetadata, ChartType, Dependency, Maintainer
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import InvalidError

MAX_BYTES: Final = 50 * 1024 * 1024
MAX_NODES: Final = 20_000_000
MAX_DEPTH: Final = 30
MAX_ENTRIES: Final = 200_000
MAX_REASONS: Final = 100
_MAX_URLS: Final = 10
_SHA256: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_CREATED: Final = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[-+]\d\d:\d\d)?")


class IndexCode(StrEnum):
    """Why a file was refused as a whole."""

    TOO_LARGE = "index_too_large"
    HTML = "index_html"
    INVALID = "index_invalid"
    NO_ENTRIES = "index_no_entries"


class ChartIndexError(InvalidError):
    """A file that is not an index."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One version of one chart.

    `urls` are absolute; `foreign_host` says that one of them is on another
    scheme, host or port than the repository, where its credentials must not
    be sent. `digest` is 64 hex digits or empty; `created` is in UTC.
    """

    name: str
    version: str
    app_version: str
    description: str
    urls: tuple[str, ...]
    foreign_host: bool
    digest: str
    created: datetime | None
    icon: str
    home: str
    keywords: tuple[str, ...]
    maintainers: tuple[Maintainer, ...]
    kube_version: str
    type: ChartType
    deprecated: bool
    dependencies: tuple[Dependency, ...]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SkippedEntry:
    """An entry left out: where it stood and why."""

    chart: str
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class Index:
    """All good entries in file order; at most 100 of the skipped, and how many there were."""

    entries: tuple[IndexEntry, ...]
    skipped: tuple[SkippedEntry, ...]
    skipped_count: int


def parse(data: bytes, repository_url: str, *, max_bytes: int = MAX_BYTES) -> Index:
    """The index in `data`, its relative URLs resolved against the repository's.

    Raises `ChartIndexError`. JSON is read too: it is much faster, and some servers
    answer it under the same name.
    """
    if len(data) > max_bytes:
        raise ChartIndexError(IndexCode.TOO_LARGE, f"The index is over {max_bytes} bytes.")
    return _index(_entries_of(_document(data)), repository_url)


def _document(data: bytes) -> object:
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"<":
        raise ChartIndexError(IndexCode.HTML, "The server answered a web page instead of an index.")
    if start[:1] == b"{":
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            pass
    return _yaml(data)


def _yaml(data: bytes) -> object:
    try:
        return strict_yaml.load(data, max_bytes=len(data), max_depth=MAX_DEPTH, max_nodes=MAX_NODES)
    except strict_yaml.YamlError as exc:
        message = f"The index is not readable: {exc.message}"
        raise ChartIndexError(IndexCode.INVALID, message, reason=exc.code, **exc.data) from None


def _entries_of(document: object) -> dict[str, object]:
    if not isinstance(document, dict):
        raise ChartIndexError(IndexCode.INVALID, "An index is a mapping.")
    entries = document.get("entries")
    if not isinstance(entries, dict):
        raise ChartIndexError(IndexCode.NO_ENTRIES, "The index has no mapping `entries`.")
    return entries


def _index(charts: dict[str, object], repository_url: str) -> Index:
    base = _Base.of(repository_url)
    entries: list[IndexEntry] = []
    skipped: list[SkippedEntry] = []
    count = 0
    for chart, position, row in _rows(charts):
        if len(entries) >= MAX_ENTRIES:
            message = f"The index has more than {MAX_ENTRIES} versions."
            raise ChartIndexError(IndexCode.TOO_LARGE, message)
        try:
            entries.append(_entry(row, chart, base))
        except InvalidError as exc:
            count += 1
            if len(skipped) < MAX_REASONS:
                name = chart_metadata.clean_text(chart, 80)
                skipped.append(SkippedEntry(name, position, exc.message))
    return Index(tuple(entries), tuple(skipped), count)


def _rows(charts: dict[str, object]) -> Iterator[tuple[str, int, object]]:
    for chart, rows in charts.items():
        if not isinstance(rows, list):
            yield chart, 0, None
            continue
        for position, row in enumerate(rows):
            yield chart, position, row


@dataclass(frozen=True, slots=True)
class _Base:
    """The repository's address, ready for joining."""

    url: str
    origin: tuple[str, str, int]

    @classmethod
    def of(cls, url: str) -> _Base:
        folder = url.partition("?")[0].rstrip("/") + "/"
        return cls(folder, origin(folder))


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, by which credentials are kept at home. Raises ValueError."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").rstrip("."), parts.port or _port(scheme)


def _port(scheme: str) -> int:
    return 80 if scheme == "http" else 443


def _entry(row: object, chart: str, base: _Base) -> IndexEntry:
    if not isinstance(row, dict):
        raise _bad("The entry is not a mapping.")
    if row.get("removed") is True:
        raise _bad("The entry is marked as removed.")
    meta = chart_metadata.parse_metadata(row)
    if meta.name != chart:
        raise _bad("The entry stands under another chart's name.")
    urls = _urls(row.get("urls"), base)
    return IndexEntry(
        urls=urls,
        foreign_host=any(origin(url) != base.origin for url in urls),
        digest=_digest(row.get("digest")),
        created=created_at(row.get("created")),
        **_shared_fields(meta),
    )


_SHARED: Final = tuple(
    each.name for each in fields(ChartMetadata) if each.name in IndexEntry.__annotations__
)


def _shared_fields(meta: ChartMetadata) -> dict[str, Any]:
    shared = {name: getattr(meta, name) for name in _SHARED}
    shared["annotations"] = meta.annotations or {}
    return shared


def _bad(reason: str) -> InvalidError:
    return InvalidError("index_entry_invalid", reason)


def _urls(value: object, base: _Base) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _bad("The entry has no URL.")
    return tuple(_absolute(url, base) for url in value[:_MAX_URLS])


_URL_CHARACTERS: Final = re.compile(r"[^\x00-\x20\x7f-\x9f\\\"<>^`{|}]{1,2000}")


def _absolute(value: object, base: _Base) -> str:
    """An absolute http(s) or oci URL. Raises `InvalidError`."""
    if not isinstance(value, str) or not _URL_CHARACTERS.fullmatch(value):
        raise _bad("A URL of the entry is malformed.")
    try:
        url = urljoin(base.url, value)
        parts = urlsplit(url)
        origin(url)
    except ValueError:
        raise _bad("A URL of the entry is malformed.") from None
    if parts.scheme not in ("http", "https", "oci") or not parts.hostname:
        raise _bad("A URL of the entry is not http, https or oci.")
    if "@" in parts.netloc:
        raise _bad("A URL of the entry holds credentials.")
    return url


def _digest(value: object) -> str:
    """64 lower-case hex digits, empty if absent; a digest in another form skips the entry."""
    if value is None or value == "":
        return ""
    match = _SHA256.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _bad("The entry's digest is not a sha256.")
    return match[1].lower()


def created_at(value: object) -> datetime | None:
    """An RFC 3339 time, nanoseconds cut off; None if absent or unreadable."""
    match = _CREATED.fullmatch(value) if isinstance(value, str) and len(value) < 100 else None
    if match is None:
        return None
    zone = match[3] or "+00:00"
    try:
        text = f"{match[1]}{(match[2] or '')[:7]}{zone}".upper()
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
