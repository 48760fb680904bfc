"""Door to a classic chart repository: index.yaml and archives over HTTP(S).

Decides nothing: it fetches bytes within limits, or says in one error family
why not. Credentials go to the repository's own origin only, also where an
index points to archives on another host.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

from apps import chart_fetch
from apps.chart_fetch import (
    Credentials,
    FetchLimits,
    Reply,
    RepositoryCode,
    Request,
    refuse_html,
    terminal,
)
from kubecarrier.lib.netguard import Policy

# Raised by both doors; imported from here by callers of this one.
RepositoryError = chart_fetch.RepositoryError
RepositoryTransientError = chart_fetch.RepositoryTransientError
RepositoryTerminalError = chart_fetch.RepositoryTerminalError


class IndexStatus(StrEnum):
    """Whether the index changed since the ETag that was sent."""

    NEW = "new"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class IndexResponse:
    """`raw` is empty if unchanged; `etag` is empty if the server gives none."""

    status: IndexStatus
    etag: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class HttpRepository:
    """A repository's address and access. `ca_pem` replaces the system's authorities."""

    url: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ca_pem: str | None = field(default=None, repr=False)
    policy: Policy = field(default_factory=Policy)
    limits: FetchLimits = field(default_factory=FetchLimits)

    def fetch_index(self, etag: str = "") -> IndexResponse:
        """GET index.yaml, at most 50 MiB in at most 60 seconds.

        Raises `RepositoryError`, `AddressError`, `UnresolvableError`.
        """
        headers = {"If-None-Match": etag} if _is_etag(etag) else {}
        reply = self._get(_index_url(self.url), self.limits.index_bytes, headers, gzip=True)
        found = reply.headers.get("etag", "")
        found = found if _is_etag(found) else ""
        if reply.status == 304:
            return IndexResponse(IndexStatus.UNCHANGED, found or etag, b"")
        refuse_html(reply)
        return IndexResponse(IndexStatus.NEW, found, reply.body)

    def fetch_archive(self, url: str, expected_digest: str | None = None) -> bytes:
        """GET a chart archive, at most 20 MiB in at most 60 seconds.

        `expected_digest` is a sha256 in hex, with or without `sha256:`.
        Raises `RepositoryError`, `AddressError`, `UnresolvableError`.
        """
        reply = self._get(url, self.limits.archive_bytes, {}, gzip=False)
        refuse_html(reply)
        if not reply.body.startswith(b"\x1f\x8b"):
            raise terminal(RepositoryCode.CONTENT, "The answer is not a chart archive.", url)
        if expected_digest:
            check_digest(reply.body, expected_digest, url)
        return reply.body

    def _get(self, url: str, max_bytes: int, headers: dict[str, str], *, gzip: bool) -> Reply:
        request = Request(
            url=url,
            home=self.url,
            max_bytes=max_bytes,
            authorization=Credentials(self.username, self.password).header(),
            headers=headers,
            accept_gzip=gzip,
        )
        with chart_fetch.session(self.policy, self.ca_pem, self.limits) as session:
            reply = session.get(request)
        if reply.status == 304 and "If-None-Match" not in headers:
            raise terminal(RepositoryCode.CONTENT, "An answer without content.", url)
        return reply


def _index_url(url: str) -> str:
    """`index.yaml` below the repository's path; a query (some tokens) stays."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/index.yaml"))


def _is_etag(value: str) -> bool:
    return 0 < len(value) <= 256 and value.isascii() and value.isprintable()


def check_digest(data: bytes, expected: str, url: str) -> None:
    """Raises `RepositoryTerminalError` (`repository_digest_mismatch`)."""
    actual = hashlib.sha256(data).hexdigest()
    wanted = expected.removeprefix("sha256:").lower()
    if actual != wanted:
        message = "The content is not what its digest promises."
        raise terminal(RepositoryCode.DIGEST, message, url, expected=wanted[:64], actual=actual)
