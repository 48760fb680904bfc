"""One HTTP exchange with an API server: bytes in, bytes out, in bounded time and space.

Built on the kubernetes client's own connection pool. Its request layer is left
out: it retries by itself, has no total time-out, and serialises slowly.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import urllib3
from kubernetes.client.configuration import Configuration
from kubernetes.client.rest import RESTClientObject
from urllib3 import exceptions as wire
from urllib3.connection import HTTPSConnection

from fleet.connection import Connection
from fleet.kube.breaker import breaker_of
from fleet.kube.deadline import deadline, remaining_seconds
from fleet.kube.tls import ssl_context
from fleet.kube_errors import KubeError, TimedOut, TlsError, TooLarge, Unreachable

RESPONSE_LIMIT_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_POOL_SIZE = 4  # idle sockets kept per connection; more calls at once open more


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds a call may take: to connect (TLS included), between bytes, and in total."""

    connect: float = 3.0
    read: float = 10.0
    total: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response. `headers` has lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes


class Transport:
    """A pool of TLS connections to one server with one identity; safe to share by threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pool = _pool(connection)
        self._base_path = connection.base_path
        self._headers = _fixed_headers(connection)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        budget: Budget,
        limit_bytes: int = RESPONSE_LIMIT_BYTES,
    ) -> Answer:
        """Send and receive. Raises Unreachable, TimedOut, TlsError, TooLarge; on no status.

        CircuitOpen, which is Unreachable too, says that the server was not asked.
        """
        breaker = breaker_of(self._connection.host, self._connection.port)
        breaker.enter()
        try:
            with deadline(budget.total, budget.read):
                response = self._open(method, path, _merged(self._headers, headers), body, budget)
                answer = _read(response, limit_bytes)
        except (wire.HTTPError, OSError) as error:
            failure = _failure(error, self._connection)
            if isinstance(failure, TimedOut):
                breaker.unanswered()
            else:
                breaker.answered()
            raise failure from error
        breaker.answered()
        return answer

    def _open(
        self,
        method: str,
        path: str,
        headers: urllib3.HTTPHeaderDict,
        body: bytes | None,
        budget: Budget,
    ) -> urllib3.BaseHTTPResponse:
        return self._pool.urlopen(
            method,
            self._base_path + path,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=urllib3.Timeout(connect=min(budget.connect, budget.total), read=budget.read),
            preload_content=False,
            decode_content=False,  # nothing compressed was asked for; a bomb stays small
        )


def _read(response: urllib3.BaseHTTPResponse, limit_bytes: int) -> Answer:
    """The whole body, or an error: half an answer never gets out of here."""
    complete = False
    try:
        body = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            remaining_seconds()
            body += chunk
            if len(body) > limit_bytes:
                raise TooLarge(
                    f"The answer is larger than {limit_bytes} bytes.", status=response.status
                )
        complete = True
    finally:
        if not complete:
            response.close()  # the socket is in the middle of something: not for the next call
        response.release_conn()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, headers, bytes(body))


def _merged(fixed: dict[str, str], extra: Iterable[tuple[str, str]]) -> urllib3.HTTPHeaderDict:
    merged = urllib3.HTTPHeaderDict(fixed)
    for name, value in extra:
        merged.add(name, value)
    return merged


def _fixed_headers(connection: Connection) -> dict[str, str]:
    headers = {"Host": _host_header(connection), "Accept-Encoding": "identity"}
    if connection.token:
        headers["Authorization"] = f"Bearer {connection.token}"
    return headers


def _host_header(connection: Connection) -> str:
    host = bracketed(connection.host)
    return host if connection.port == 443 else f"{host}:{connection.port}"


def bracketed(host: str) -> str:
    """An IPv6 address as URLs have it."""
    return f"[{host}]" if ":" in host else host


def _pool(connection: Connection) -> urllib3.HTTPSConnectionPool:
    """The client's pool, pinned to the checked address while TLS verifies the host's name."""
    settings = Configuration(
        host=connection.server,
        retries=False,
        connection_pool_maxsize=_POOL_SIZE,
        tls_server_name=connection.verified_name,
        verify_ssl=not connection.insecure,
    )
    settings.proxy = None  # never from the environment
    manager = RESTClientObject(settings).pool_manager
    manager.connection_pool_kw["ssl_context"] = ssl_context(connection)
    target = (
        str(ipaddress.ip_address(connection.address)) if connection.address else connection.host
    )
    pool = manager.connection_from_host(target, connection.port, scheme="https")
    if not isinstance(pool, urllib3.HTTPSConnectionPool):
        raise TlsError("An API server is reached over TLS only.")
    if connection.insecure:
        pool.ConnectionCls = _KnowinglyUnverified
    return pool


class _KnowinglyUnverified(HTTPSConnection):
    """The missing check is the platform's decision and shown on every page: no warning per call."""

    def connect(self) -> None:
        super().connect()
        self.is_verified = True


@lru_cache(maxsize=512)
def transport_for(connection: Connection) -> Transport:
    """One pool per connection and process. A changed credential is another connection."""
    return Transport(connection)


os.register_at_fork(after_in_child=transport_for.cache_clear)  # sockets are not shared by processes


# --- what went wrong -------------------------------------------------------------------------

_BEFORE_SENT = (wire.NewConnectionError, wire.ConnectTimeoutError, wire.NameResolutionError)


def _failure(error: Exception, connection: Connection) -> KubeError:
    """Our error for one of urllib3's or the socket's. The text names the host, nothing else."""
    where = f"{connection.host}:{connection.port}"
    chain = list(_causes(error))
    sent = not any(isinstance(item, _BEFORE_SENT) for item in chain)
    if any(map(_is_late, chain)):
        return TimedOut(f"{where} did not answer in time.", sent=sent)
    return _tls_failure(chain, where) or Unreachable(
        f"{where} cannot be reached: {type(chain[-1]).__name__}.", sent=sent
    )


def _is_late(error: BaseException) -> bool:
    """urllib3 derives a refused connection from its time-out: that one was answered at once."""
    late = isinstance(error, wire.TimeoutError | TimeoutError)
    return late and not isinstance(error, wire.NewConnectionError)


def _tls_failure(chain: list[BaseException], where: str) -> TlsError | None:
    for item in chain:
        if isinstance(item, ssl.SSLCertVerificationError):
            code = (
                "kube_tls_name" if item.verify_code == 62 else "kube_tls_untrusted"
            )  # X509_V_ERR_HOSTNAME_MISMATCH
            return TlsError(f"{where}: {item.verify_message}.", code=code)
        if isinstance(item, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return None
        if isinstance(item, ssl.SSLError):
            return TlsError(f"{where}: TLS failed ({item.reason or 'no reason given'}).")
    return None


def _causes(error: BaseException) -> Iterable[BaseException]:
    """The error and what it wraps (urllib3 keeps some as arguments, some as context)."""
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        item = queue.pop(0)
        if not isinstance(item, BaseException) or item in seen:
            continue
        seen.append(item)
        queue += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    return seen
