"""THE door to an API server's watches: lists and streams of raw JSON, on asyncio.

A `Session` is one cluster with one identity, a `Stream` one kind in it. A
stream lists in pages, watches from there, and begins again by itself whatever
breaks. It decides nothing about what it sees. Beside `fleet.kube` the only
module that speaks to API servers, and on the same rules: the checked address,
our own TLS context, no proxy, no redirect, a bound on every wait.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from fleet.connection import Connection
from fleet.kube.answers import error_of, object_of
from fleet.kube.client import IDENTITY_PATH
from fleet.kube.tls import ssl_context
from fleet.kube.transport import Answer, bracketed
from fleet.kube_errors import (
    AnotherCluster,
    Forbidden,
    Gone,
    KubeError,
    ServerError,
    TimedOut,
    TlsError,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from fleet.resource import Resource
from kubecarrier.lib.backoff import delay_seconds
from kubecarrier.lib.watching import Event, EventType, WatchSpec

Json = dict[str, Any]
Emit = Callable[[Event], Awaitable[None]]
Query = Mapping[str, str | int]
Responses = AsyncIterator[aiohttp.ClientResponse]

_CONNECT_SECONDS = 5.0
_PAGE_SECONDS = 30.0
_PAGE_LIMIT_BYTES = 64 * 1024 * 1024
_LINE_LIMIT_BYTES = 8 * 1024 * 1024
# The server ends every watch after this time, so that silence beyond it is death: noticed
# within 45 + 8 s, where bookmarks alone (one a minute) would tell later.
_WATCH_SECONDS = (35, 45)
_LATE_SECONDS = 8.0
_SHORT_SECONDS = 1.0  # a watch that ends sooner without an event counts as a failure
_BACKOFF_CAP_SECONDS = 30.0
_DENIED_CAP_SECONDS = 300.0
_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_OBJECT = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_CLOSING_SECONDS = 0.05
_SAME_SECONDS = 1.0  # the streams of a cluster ask together who answers
_BULKY_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"


class Session:
    """Connections to one API server for the streams of one cluster; an async context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._secrets = connection.secrets()
        host = bracketed(connection.host)
        self._base = f"https://{bracketed(connection.address or connection.host)}:{connection.port}"
        self._headers = {
            "Host": host if connection.port == 443 else f"{host}:{connection.port}",
            "User-Agent": "kubecarrier-watch",
            "Accept-Encoding": "identity",
        }
        if connection.token:
            self._headers["Authorization"] = f"Bearer {connection.token}"
        self._client: aiohttp.ClientSession | None = None
        self._asking = asyncio.Lock()
        self._same_at = float("-inf")

    async def __aenter__(self) -> Session:
        """Raises TlsError when the connection's certificates cannot be used."""
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=ssl_context(self._connection), limit=0),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()
            # aiohttp's documentation, "Graceful shutdown": TLS transports end in later turns of the loop.
            await asyncio.sleep(_CLOSING_SECONDS)

    async def verify(self) -> None:
        """Raises AnotherCluster unless the very cluster answers: what another shows is no news."""
        if not self._connection.cluster_uid:
            return
        async with self._asking:
            if time.monotonic() - self._same_at < _SAME_SECONDS:
                return
            async with self._get(IDENTITY_PATH, _OBJECT, _PAGE_SECONDS) as response:
                found = object_of(Answer(200, {}, await _body(response)), self._secrets)
            if _uid(found) != self._connection.cluster_uid:
                raise AnotherCluster("Another cluster answers at this address.")
            self._same_at = time.monotonic()

    def doubt(self) -> None:
        """A connection broke: who answers next is asked again."""
        self._same_at = float("-inf")

    async def page(self, resource: Resource, query: Query, *, metadata_only: bool) -> Json:
        """One page of a list as the server gave it; raises `fleet.kube_errors`."""
        accept = _LIST if metadata_only else "application/json"
        async with self._get(_path(resource, query), accept, _PAGE_SECONDS) as response:
            return object_of(Answer(200, {}, await _body(response)), self._secrets)

    async def lines(
        self, resource: Resource, query: Query, *, metadata_only: bool, seconds: float
    ) -> AsyncIterator[Json]:
        """The events of one watch until its orderly end; raises `fleet.kube_errors`."""
        accept = _OBJECT if metadata_only else "application/json"
        async with self._get(_path(resource, query), accept, seconds) as response:
            async for line in _lines(response):
                yield orjson.loads(line)

    @asynccontextmanager
    async def _get(self, path: str, accept: str, seconds: float) -> Responses:
        """An open answer with status 200; the block ends after `seconds` at the latest."""
        if self._client is None:
            raise RuntimeError("the session is not open")
        url = URL(f"{self._base}{self._connection.base_path}{path}", encoded=True)
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.get(
                    url,
                    headers={"Accept": accept},
                    allow_redirects=False,
                    server_hostname=self._connection.verified_name,
                ) as response,
            ):
                if response.status != 200:
                    raise await _refusal(response, self._secrets)
                try:
                    yield response
                except (
                    asyncio.CancelledError
                ):  # it fell silent, or we stop: no goodbye is waited for
                    if response.connection and response.connection.transport:
                        response.connection.transport.abort()
                    raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(error, self._connection) from error


class Stream:
    """One kind in one cluster. `run` never ends by itself; cancel it to stop.

    `known` holds what was seen, small: after a gap it tells what was deleted
    meanwhile, and what did not change is not told again. Of shaped objects it
    holds their names alone: ten thousand are 3 MB.
    """

    def __init__(
        self,
        session: Session,
        resource: Resource,
        spec: WatchSpec,
        emit: Emit,
        trouble: Callable[[KubeError | None], None] = lambda error: None,
    ) -> None:
        self._session = session
        self._resource = resource
        self._spec = spec
        self._emit = emit
        self._trouble = trouble  # told each failure, and None when it works again
        self._known: dict[str, tuple[str, bytes]] = {}  # uid → resourceVersion, packed object
        self._version = ""
        self._complete = False
        self._failures = 0
        self._troubled = False
        self._heard_at: float | None = None

    @property
    def silent_seconds(self) -> float | None:
        """Since the server last said something here, a bookmark or an accepted watch too."""
        return None if self._heard_at is None else time.monotonic() - self._heard_at

    async def run(self) -> None:
        """List, watch, and again."""
        while True:
            try:
                await self._once()
            except Gone as error:
                self._version = ""
                await self._pause(error)
            except KubeError as error:
                await self._pause(error)

    async def _once(self) -> None:
        await self._session.verify()
        if not self._version:
            await self._list()
        started, seen = time.monotonic(), await self._watch()
        if not seen and time.monotonic() - started < _SHORT_SECONDS:
            raise ServerError("The watch ended at once.")
        self._works()

    def _works(self) -> None:
        self._heard_at = time.monotonic()
        if self._troubled:
            self._trouble(None)
        self._failures, self._troubled = 0, False

    async def _pause(self, error: KubeError) -> None:
        """A first 410 is ordinary; everything else waits, and longer each time."""
        first_gone = isinstance(error, Gone) and self._failures == 0
        self._failures += 1
        if first_gone:
            return
        self._session.doubt()
        self._trouble(error)
        self._troubled = True
        denied = isinstance(error, Unauthorized | Forbidden | TlsError)
        cap = _DENIED_CAP_SECONDS if denied else _BACKOFF_CAP_SECONDS
        delay = delay_seconds(self._failures - 2, cap_seconds=cap)
        asked = getattr(error, "retry_after_seconds", None) or 0.0
        await asyncio.sleep(max(delay, asked))

    # --- list ----------------------------------------------------------------------------

    async def _list(self) -> None:
        """Tell what is new, what changed and what is gone since the last look."""
        token, seen, present = "", set[str](), set[tuple[str, str]]()
        while True:
            page = await self._session.page(
                self._resource, self._list_query(token), metadata_only=self._spec.metadata_only
            )
            for item in page.get("items") or ():
                seen.add(_uid(item))
                present.add(_place(item))
                await self._found(item)
            self._heard_at = time.monotonic()
            metadata = page.get("metadata") or {}
            token = str(metadata.get("continue") or "")
            if not token:
                break
        for uid in self._known.keys() - seen:
            await self._gone(uid)
        await self._emit(Event(EventType.LISTED, self._spec, present=frozenset(present)))
        self._complete = True
        self._version = str(metadata.get("resourceVersion") or "")

    def _list_query(self, token: str) -> Query:
        query = self._selectors() | {"limit": self._spec.page_limit}
        if token:
            query["continue"] = token
        return query

    def _selectors(self) -> dict[str, str | int]:
        spec = self._spec
        given = {"labelSelector": spec.label_selector, "fieldSelector": spec.field_selector}
        return {name: text for name, text in given.items() if text}

    async def _found(self, item: Json) -> None:
        """One object of a list or of an event: told unless this version was told before."""
        uid, version = _uid(item), _version(item)
        before = self._known.get(uid)
        if before is not None and before[0] == version:
            return
        obj = self._small(item)
        kind = EventType.ADDED if before is None else EventType.MODIFIED
        await self._emit(Event(kind, self._spec, obj, initial=not self._complete))
        self._known[uid] = version, orjson.dumps(_identity(item) if self._spec.shape else obj)

    def _small(self, item: Json) -> Json:
        return self._spec.shape(item) if self._spec.shape else _trimmed(item)

    async def _gone(self, uid: str, obj: Json | None = None) -> None:
        packed = self._known.get(uid)
        if packed is not None or obj is not None:
            last = obj if obj is not None else orjson.loads(packed[1] if packed else b"{}")
            await self._emit(Event(EventType.DELETED, self._spec, last))
        self._known.pop(uid, None)

    # --- watch ---------------------------------------------------------------------------

    async def _watch(self) -> int:
        """One watch to its end; how many events it brought."""
        limit = random.randint(*_WATCH_SECONDS)  # noqa: S311 - spreads the load, no secret
        query = self._selectors() | {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": limit,
        }
        count = 0
        async for event in self._session.lines(
            self._resource,
            query,
            metadata_only=self._spec.metadata_only,
            seconds=limit + _LATE_SECONDS,
        ):
            await self._take(event)
            count += 1
            self._works()
        return count

    async def _take(self, event: Json) -> None:
        kind, obj = str(event.get("type") or ""), event.get("object") or {}
        if kind == "ERROR":
            raise error_of(Answer(int(obj.get("code") or 500), {}, orjson.dumps(obj)), ())
        if kind == EventType.DELETED:
            await self._gone(_uid(obj), self._small(obj))
        elif kind != "BOOKMARK":
            await self._found(obj)
        # Only now: an event whose telling was interrupted comes again.
        self._version = _version(obj) or self._version


# --- small things --------------------------------------------------------------------------------


def _path(resource: Resource, query: Query) -> str:
    return f"{resource.path()}?{urlencode(query)}"


def _uid(obj: Json) -> str:
    return str((obj.get("metadata") or {}).get("uid") or "")


def _version(obj: Json) -> str:
    return str((obj.get("metadata") or {}).get("resourceVersion") or "")


def _place(obj: Json) -> tuple[str, str]:
    metadata = obj.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _identity(obj: Json) -> Json:
    namespace, name = _place(obj)
    return {"metadata": {"uid": _uid(obj), "namespace": namespace, "name": name}}


def _trimmed(obj: Json) -> Json:
    """Without the two parts that make metadata large."""
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    if _BULKY_ANNOTATION in (metadata.get("annotations") or {}):
        kept = {k: v for k, v in metadata["annotations"].items() if k != _BULKY_ANNOTATION}
        metadata["annotations"] = kept
    return {**obj, "metadata": metadata}


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _PAGE_LIMIT_BYTES:
            raise TooLarge(f"The answer is larger than {_PAGE_LIMIT_BYTES} bytes.")
    return bytes(body)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Lines as they come; aiohttp's own reader refuses long ones."""
    rest = b""
    async for chunk in response.content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in filter(None, whole):
            yield line
        if len(rest) > _LINE_LIMIT_BYTES:
            raise TooLarge(f"One event is larger than {_LINE_LIMIT_BYTES} bytes.")


async def _refusal(response: aiohttp.ClientResponse, secrets: tuple[str, ...]) -> KubeError:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return error_of(Answer(response.status, headers, await _body(response)), secrets)


def _failure(error: Exception, connection: Connection) -> KubeError:
    """Our error for the library's; the text names the host, nothing else."""
    where = f"{connection.host}:{connection.port}"
    if isinstance(error, TimeoutError):
        return TimedOut(f"{where} fell silent.", sent=True)
    if isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
        return ServerError("The answer is no JSON.")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return TlsError(f"{where}: TLS failed.")
    return Unreachable(f"{where} cannot be reached: {type(error).__name__}.", sent=True)
