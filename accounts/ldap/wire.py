"""The way to the directory: TCP, TLS and time are ours, libldap speaks through a pair of sockets.

libldap's own TLS handshake has no time limit with GnuTLS (2.5: it spins for ever
when the server says nothing), so that a hanging directory would take a web
worker for good. Here every step ends with the deadline, and so does whatever
libldap waits for.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

_CONNECT_SECONDS = 2.0
# RFC 4511, 4.14: an ExtendedRequest with the name 1.3.6.1.4.1.1466.20037, message 1.
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
_PORTS = {"ldap": 389, "ldaps": 636}


def connected(url: str, *, start_tls: bool, ca_file: str, until: float) -> int:
    """A descriptor that speaks LDAP in clear with the server; raises OSError (also for TLS)."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time left")
    outside: socket.socket = socket.create_connection((host, port), min(_CONNECT_SECONDS, left))
    try:
        outside.settimeout(max(0.01, until - time.monotonic()))
        if start_tls:
            _ask_for_tls(outside)
        if start_tls or parts.scheme == "ldaps":
            context = ssl.create_default_context(cafile=ca_file or None)
            outside = context.wrap_socket(outside, server_hostname=host)
        ours, theirs = socket.socketpair()
    except BaseException:
        outside.close()
        raise
    threading.Thread(
        target=_pump, args=(outside, ours, until), name="ldap-wire", daemon=True
    ).start()
    return theirs.detach()


def _ask_for_tls(outside: socket.socket) -> None:
    outside.sendall(_START_TLS)
    head = _exactly(outside, 2)
    size = head[1]
    if size & 0x80:
        size = int.from_bytes(_exactly(outside, size & 0x7F))
    if head[0] != 0x30 or not 0 < size < 10_000:
        raise OSError("no LDAP answer")
    answer = _exactly(outside, size)
    if answer[3:4] != b"\x78" or b"\x0a\x01\x00" not in answer[4:16]:
        raise OSError("the server refuses TLS")


def _exactly(outside: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = outside.recv(size - len(found))
        if not part:
            raise OSError("the server hung up")
        found += part
    return found


def _pump(outside: socket.socket, inside: socket.socket, until: float) -> None:
    """Carry bytes both ways until one side ends, or the time is over."""
    try:
        while (left := until - time.monotonic()) > 0:
            outside.settimeout(left)
            inside.settimeout(left)
            ready, _, _ = select.select([outside, inside], [], [], left)
            if not ready:
                return
            for source, target in ((outside, inside), (inside, outside)):
                if source in ready and not _carry(source, target):
                    return
    except (OSError, ValueError):
        return
    finally:
        outside.close()
        inside.close()


def _carry(source: socket.socket, target: socket.socket) -> bool:
    while True:
        part = source.recv(65536)
        if not part:
            return False
        target.sendall(part)
        if not (isinstance(source, ssl.SSLSocket) and source.pending()):
            return True
