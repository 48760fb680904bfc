"""One bounded HTTP exchange with a chart source, shared by repositories and registries.

A source may be slow, endless, wrong or hostile. Each operation has one total
deadline, a size limit counted while streaming, at most five redirects that
each pass the address guard, and credentials that leave for no other origin
than the one they were given for.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urljoin

import httpx2

from kubecarrier.lib.errors import KubeCarrierError, TerminalError, TransientError
from kubecarrier.lib.guarded_http import Deadline, GuardedTransport
from kubecarrier.lib.netguard import Policy, parse_url

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset([301, 302, 303, 307, 308])
_PIECE: Final = 64 * 1024
_USER_AGENT: Final = "kubecarrier"


class RepositoryCode(StrEnum):
    """What went wrong with a chart source."""

    UNREACHABLE = "repository_unreachable"
    TIMEOUT = "repository_timeout"
    SERVER_ERROR = "repository_server_error"
    RATE_LIMITED = "repository_rate_limited"
    UNAUTHORIZED = "repository_unauthorized"
    FORBIDDEN = "repository_forbidden"
    NOT_FOUND = "repository_not_found"
    STATUS = "repository_status"
    TOO_LARGE = "repository_too_large"
    HTML = "repository_html"
    CONTENT = "repository_content_invalid"
    DIGEST = "repository_digest_mismatch"
    TOO_MANY_REDIRECTS = "repository_too_many_redirects"
    REDIRECT = "repository_redirect_refused"


class RepositoryError(KubeCarrierError):
    """Any failure of a chart source; `data` has `host` and, where known, `status`."""


class RepositoryTransientError(RepositoryError, TransientError):
    """A later try may cure it; `data["retry_after"]` is in seconds, or None."""

    http_status = TransientError.http_status


class RepositoryTerminalError(RepositoryError, TerminalError):
    """Refused or wrong for good: only a person can help."""

    http_status = TerminalError.http_status


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bytes and seconds for one operation."""

    index_bytes: int = 50 * 1024 * 1024
    archive_bytes: int = 20 * 1024 * 1024
    small_bytes: int = 1024 * 1024
    total_seconds: float = 60.0
    connect_seconds: float = 5.0
    read_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password; never shown by repr."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def header(self) -> str | None:
        """The value of a Basic Authorization header, or None without credentials."""
        if not self.username and not self.password:
            return None
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer: status below 400, or one that the caller asked to see."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Request:
    """What to GET. `authorization` is sent only to the origin of `home`.

    `accept_gzip` lets the body come gzip-encoded (inflated within the limit);
    `passed` are statuses from 400 on that come back as a `Reply`.
    """

    url: str
    home: str
    max_bytes: int
    authorization: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    schemes: tuple[str, ...] = ("https", "http")
    accept_gzip: bool = False
    passed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Session:
    """Requests of one operation: one client, one deadline."""

    client: httpx2.Client
    limits: FetchLimits

    def get(self, request: Request) -> Reply:
        """Follow redirects to an answer.

        Raises `RepositoryError`, `AddressError` (also for a redirect to a
        forbidden address) and `UnresolvableError`.
        """
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            reply = self._once(url, request)
            if reply.status not in _REDIRECTS:
                return _judged(reply, request.passed)
            url = _redirect(url, reply)
        raise terminal(RepositoryCode.TOO_MANY_REDIRECTS, "Too many redirects.", url)

    def _once(self, url: str, request: Request) -> Reply:
        parse_url(url, request.schemes)
        headers = dict(request.headers)
        headers["Accept-Encoding"] = "gzip" if request.accept_gzip else "identity"
        if request.authorization and same_origin(url, request.home):
            headers["Authorization"] = request.authorization
        with _translated(url), self.client.stream("GET", url, headers=headers) as response:
            body = b""
            if response.status_code not in _REDIRECTS and response.status_code < 500:
                body = _body(response, request, url)
            return Reply(response.status_code, _lower(response.headers), body, url)


def _lower(headers: httpx2.Headers) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


@contextmanager
def session(policy: Policy, ca_pem: str | None, limits: FetchLimits) -> Iterator[Session]:
    """A session whose total time starts now."""
    deadline = Deadline.after(limits.total_seconds)
    timeout = httpx2.Timeout(limits.read_seconds, connect=limits.connect_seconds)
    transport = GuardedTransport(policy, deadline, ca_pem=ca_pem)
    headers = {"User-Agent": _USER_AGENT}
    with httpx2.Client(
        transport=transport, timeout=timeout, headers=headers, trust_env=False
    ) as client:
        client.cookies.jar.set_policy(_NoCookies())
        yield Session(client, limits)


class _NoCookies(DefaultCookiePolicy):
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def same_origin(url: str, home: str) -> bool:
    """Same scheme, host and port."""
    return parse_url(url) == parse_url(home)


def _redirect(url: str, reply: Reply) -> str:
    """The next address; from https never to http, where anyone could change it."""
    location = reply.headers.get("location", "")
    target = urljoin(url, location).partition("#")[0]
    if not location or (url.startswith("https:") and not target.startswith("https:")):
        raise terminal(RepositoryCode.REDIRECT, "A redirect leads to an unsafe address.", url)
    return target


# -- bodies ------------------------------------------------------------------------


def _body(response: httpx2.Response, request: Request, url: str) -> bytes:
    """The body, counted while it comes. An error's body is cut at 64 KiB and not shown."""
    limit = request.max_bytes if response.status_code < 400 else _PIECE
    decode = _decoder(response, request, url)
    body = bytearray()
    for raw in response.iter_raw(_PIECE):
        for piece in decode(raw):
            body += piece
            if len(body) > limit:
                if response.status_code >= 400:
                    return bytes(body[:limit])
                message = f"The answer is over {limit} bytes."
                raise terminal(RepositoryCode.TOO_LARGE, message, url)
    return bytes(body)


def _decoder(
    response: httpx2.Response, request: Request, url: str
) -> Callable[[bytes], Iterator[bytes]]:
    """Inflates in pieces: httpx would inflate a whole network read at once."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", "") or not request.accept_gzip:
        return lambda raw: iter((raw,))
    if encoding != "gzip":
        raise terminal(RepositoryCode.CONTENT, "An encoding that nobody asked for.", url)
    inflater = zlib.decompressobj(wbits=31)

    def inflate(raw: bytes) -> Iterator[bytes]:
        while raw and not inflater.eof:
            yield inflater.decompress(raw, _PIECE)
            raw = inflater.unconsumed_tail

    return inflate


def refuse_html(reply: Reply) -> None:
    """A login or error page answered with 200 is no chart content."""
    kind = reply.headers.get("content-type", "").lower()
    start = reply.body[:256].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<" or (kind.startswith("text/html") and start != b"\x1f"):
        message = "The server answered a web page instead of chart content."
        raise terminal(RepositoryCode.HTML, message, reply.url)


# -- errors ------------------------------------------------------------------------


def _host(url: str) -> str:
    return parse_url(url, ("https", "http", "oci")).host


def terminal(code: RepositoryCode, message: str, url: str, **data: Any) -> RepositoryTerminalError:
    """A terminal error that names the host, never the whole URL (it may hold tokens)."""
    return RepositoryTerminalError(code, message, host=_host(url), **data)


def transient(
    code: RepositoryCode, message: str, url: str, **data: Any
) -> RepositoryTransientError:
    """A transient error that names the host."""
    return RepositoryTransientError(code, message, host=_host(url), **data)


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException as exc:
        message = "The server did not answer in time."
        raise transient(RepositoryCode.TIMEOUT, message, url) from exc
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        message = "The server could not be reached, or broke off."
        raise transient(RepositoryCode.UNREACHABLE, message, url, kind=type(exc).__name__) from exc
    except zlib.error as exc:
        raise terminal(RepositoryCode.CONTENT, "The answer is damaged.", url) from exc


_REFUSALS: Final[dict[int, tuple[RepositoryCode, str]]] = {
    401: (RepositoryCode.UNAUTHORIZED, "The server wants other credentials."),
    403: (RepositoryCode.FORBIDDEN, "The server refused access."),
    404: (RepositoryCode.NOT_FOUND, "The server has nothing at this address."),
    410: (RepositoryCode.NOT_FOUND, "The server has nothing at this address."),
}


def _judged(reply: Reply, passed: frozenset[int]) -> Reply:
    status = reply.status
    if status in (200, 304) or status in passed:
        return reply
    if status == 429:
        message = "The server asks for fewer requests."
        wait = retry_after(reply.headers.get("retry-after"))
        raise transient(
            RepositoryCode.RATE_LIMITED, message, reply.url, status=status, retry_after=wait
        )
    if status >= 500 or status == 408:
        message = f"The server failed ({status})."
        wait = retry_after(reply.headers.get("retry-after"))
        raise transient(
            RepositoryCode.SERVER_ERROR, message, reply.url, status=status, retry_after=wait
        )
    code, message = _REFUSALS.get(status, (RepositoryCode.STATUS, f"The server answered {status}."))
    raise terminal(code, message, reply.url, status=status)


def retry_after(value: str | None) -> int | None:
    """Seconds from a Retry-After header, at most an hour; dates are not read."""
    if value is None or not (value.isascii() and value.isdigit()) or len(value) > 9:
        return None
    return min(int(value), 3600)
