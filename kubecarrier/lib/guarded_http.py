"""HTTP to addresses that a person gave: connects to what `netguard` judged, in bounded time.

`GuardedTransport` connects to a checked address itself: between check and
connect no second look-up happens that could answer differently. TLS still
verifies the name, and the Host header stays what it was.

Redirects are followed by our own code, one request at a time, so each hop
passes the guard again.
"""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

from kubecarrier.lib.netguard import (
    RESOLVE_SECONDS,
    AddressCode,
    AddressError,
    Policy,
    check_host,
    parse_url,
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock after which an operation has failed."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.at - time.monotonic())

    def cap(self, timeout: float | None) -> float:
        """The smaller of a time-out and what is left."""
        left = self.remaining()
        return left if timeout is None else min(timeout, left)


@dataclass(slots=True)
class _Stream(httpcore2.NetworkStream):
    """A stream in which no read or write outlives the deadline."""

    inner: httpcore2.NetworkStream
    deadline: Deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, self._left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, self._left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, left), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)

    def _left(self, timeout: float | None, error: type[Exception]) -> float:
        left = self.deadline.cap(timeout)
        if left <= 0:
            raise error("the total time for this operation is over")
        return left


@dataclass(slots=True)
class _Backend(httpcore2.NetworkBackend):
    """Opens connections only to addresses that just passed the guard."""

    policy: Policy
    deadline: Deadline
    inner: httpcore2.NetworkBackend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = check_host(host, port, self.policy, self.deadline.cap(RESOLVE_SECONDS))
        failure: Exception | None = None
        for address in addresses:
            try:
                return self._connect(str(address), port, timeout, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as exc:
                failure = exc
        raise failure or httpcore2.ConnectError("no address")

    def _connect(
        self, address: str, port: int, timeout: float | None, options: Iterable[Any] | None
    ) -> httpcore2.NetworkStream:
        left = self.deadline.cap(timeout)
        if left <= 0:
            raise httpcore2.ConnectTimeout("the total time for this operation is over")
        stream = self.inner.connect_tcp(address, port, left, None, options)
        return _Stream(stream, self.deadline)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        raise httpcore2.ConnectError("unix sockets are closed")


@dataclass(slots=True)
class _ResponseStream(httpx2.SyncByteStream):
    inner: Any

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.inner
        except httpcore2.TimeoutException as exc:
            raise httpx2.ReadTimeout(str(exc)) from exc
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as exc:
            raise httpx2.ReadError(str(exc)) from exc

    def close(self) -> None:
        self.inner.close()


class GuardedTransport(httpx2.BaseTransport):
    """An httpx2 transport for one operation: one policy, one total deadline.

    No proxy and no environment variable is read. Raises `AddressError` and
    `UnresolvableError` besides httpx2's own errors.
    """

    def __init__(
        self,
        policy: Policy,
        deadline: Deadline,
        *,
        ca_pem: str | None = None,
        schemes: Sequence[str] = ("https", "http"),
    ) -> None:
        self._schemes = tuple(schemes)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls_context(ca_pem),
            max_connections=2,
            network_backend=_Backend(policy, deadline, httpcore2.SyncBackend()),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        parse_url(str(request.url), self._schemes)
        try:
            response = self._pool.handle_request(_core_request(request))
        except httpcore2.TimeoutException as exc:
            raise httpx2.ConnectTimeout(str(exc), request=request) from exc
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as exc:
            raise httpx2.ConnectError(str(exc), request=request) from exc
        return httpx2.Response(
            response.status, headers=response.headers, stream=_ResponseStream(response.stream)
        )

    def close(self) -> None:
        self._pool.close()


def _core_request(request: httpx2.Request) -> httpcore2.Request:
    url = request.url
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        ),
        headers=request.headers.raw,
        content=request.stream if isinstance(request.stream, httpx2.SyncByteStream) else None,
        extensions=request.extensions,
    )


@functools.lru_cache(maxsize=32)
def tls_context(ca_pem: str | None) -> ssl.SSLContext:
    """Verifying always; a CA given by the user replaces the system's ones.

    Raises `AddressError` (`address_invalid`) if the PEM cannot be read.
    """
    try:
        return ssl.create_default_context(cadata=ca_pem)
    except (ssl.SSLError, ValueError):
        raise AddressError(
            AddressCode.INVALID,
            "The address is not accepted: The CA certificate is not readable PEM.",
            host=None,
        ) from None
