"""The HTTP client of the REST API: headers, time limits, sizes, errors.

It follows no redirect (the token would follow too) and repeats no request.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from kubecarrier.cli import __version__
from kubecarrier.cli.answers import Answer, Document, bad_answer, error_of
from kubecarrier.cli.errors import CliError, unreachable, usage_error
from kubecarrier.cli.session import Connection, is_loopback

if TYPE_CHECKING:
    import httpx2

_CONNECT_SECONDS = 10.0
# A stream is silent for longer only when the connection is dead: the caller reconnects.
_STREAM_SECONDS = 120.0
_MAX_ANSWER_BYTES = 256 * 1024 * 1024
_PAGE = 500

Params = Mapping[str, str | int]


class Api:
    """One portal. Paths are relative to `/api/v1/`; names in them go through `path_of`."""

    def __init__(self, connection: Connection) -> None:
        import httpx2

        self.connection = connection
        self._http = httpx2.Client(
            base_url=f"{connection.url}/api/v1/",
            headers=_headers(connection),
            timeout=httpx2.Timeout(connection.timeout, connect=_CONNECT_SECONDS),
            verify=_tls(connection),
            # A proxy from the environment is never meant for this very machine.
            trust_env=not is_loopback(urlsplit(connection.url).hostname or ""),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        content: IO[bytes] | None = None,
    ) -> Answer:
        """One request. Raises CliError with the exit code of what went wrong."""
        with (
            self._translated(),
            self._http.stream(
                method, path, params=params, json=body, headers=headers, content=content
            ) as response,
        ):
            return self._checked(response)

    def get(self, path: str, params: Params | None = None) -> Document:
        """The JSON object at `path`."""
        return self.call("GET", path, params=params).body

    def post(self, path: str, body: object = None, params: Params | None = None) -> Document:
        """What the action at `path` answered."""
        return self.call("POST", path, params=params, body=body if body is not None else {}).body

    def items(self, path: str, params: Params | None = None, limit: int = 0) -> list[Document]:
        """All pages of a list, or its first `limit` items (0 = all)."""
        found: list[Document] = []
        query = dict(params or {})
        while True:
            query["limit"] = min(_PAGE, limit - len(found)) if limit else _PAGE
            page = self.get(path, query)
            found += items_of(page)
            token = (page.get("metadata") or {}).get("continue")
            if not token or (limit and len(found) >= limit):
                return found[:limit] if limit else found
            query["continue"] = str(token)

    @contextmanager
    def events(self, path: str, params: Params) -> Iterator[Iterator[Any]]:
        """The server-sent events at `path`, as httpx2's `ServerSentEvent`s."""
        import httpx2

        limits = httpx2.Timeout(_STREAM_SECONDS, connect=_CONNECT_SECONDS)
        query = {**params, "watch": 1}
        with self._translated(), self._http.sse(path, params=query, timeout=limits) as source:
            if source.response.status_code != httpx2.codes.OK:
                self._checked(source.response)
            yield iter(source)

    def _checked(self, response: httpx2.Response) -> Answer:
        answer = Answer(response.status_code, dict(response.headers), _read(response))
        if response.status_code >= 400:
            raise error_of(answer)
        if response.status_code >= 300:
            raise bad_answer(answer, f"The server redirects to {response.headers.get('location')}.")
        return answer

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import httpx2

        try:
            yield
        except httpx2.TimeoutException as error:
            raise unreachable(f"{self.connection.url} did not answer in time.") from error
        except httpx2.HTTPError as error:
            raise _unreachable(self.connection.url, error) from error
        except httpx2.InvalidURL as error:
            raise usage_error(f"This makes no valid URL: {error}") from error


def path_of(*segments: str) -> str:
    """A path from names; a name never becomes more than one segment of it."""
    for segment in segments:
        if segment in ("", ".", ".."):
            raise usage_error(f"“{segment}” is not a name.")
    return "/".join(quote(segment, safe="") for segment in segments)


def items_of(page: Document) -> list[Document]:
    """The `items` of a list answer; raises CliError `bad_answer` where there are none."""
    items = page.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise CliError("The server's list has no items.", code="bad_answer")
    return items


def _headers(connection: Connection) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "User-Agent": f"kubecarrier-cli/{__version__}",
        "X-KubeCarrier-Channel": "cli",
    }
    if connection.token:
        headers["Authorization"] = f"Token {connection.token}"
    if connection.reason:
        headers["X-KubeCarrier-Reason"] = connection.reason
    return headers


def _tls(connection: Connection) -> ssl.SSLContext | bool:
    if connection.url.startswith("http://"):
        # Reading the system's certificates takes longer than a local request.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not connection.ca_pem:
        return True
    try:
        return ssl.create_default_context(cadata=connection.ca_pem)
    except ssl.SSLError as error:
        raise CliError("The CA certificates cannot be read.", code="ca_invalid") from error


def _read(response: httpx2.Response) -> bytes:
    """The whole body, but never more than the limit."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _MAX_ANSWER_BYTES:
            raise CliError("The server's answer is too large.", code="bad_answer")
    return bytes(body)


def _unreachable(url: str, error: Exception) -> CliError:
    hint = None
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = "If the portal has its own CA: `kubecarrier login URL --ca-file FILE`."
    return unreachable(f"Cannot reach {url}: {error or type(error).__name__}.", hint=hint)
