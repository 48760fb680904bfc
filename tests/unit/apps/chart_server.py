"""A real HTTP server on loopback that can misbehave as a test wants."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each path by the function that the test put there."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            self.reply(404, b"no such page")
        else:
            answer(self)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A complete answer; `_` in a header's name stands for `-`."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


type Answer = Callable[[Handler], None]


class Server(http.server.ThreadingHTTPServer):
    """`seen` are (path, headers) of every request; `stop` ends endless answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.stop = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running() -> Iterator[Server]:
    """A server until the end of the block."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def fixed(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Always the same answer."""
    return lambda handler: handler.reply(status, body, **headers)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in pieces without a length: `pieces` of `data`, `pause` seconds apart."""

    data: bytes = b"x" * 65536
    pieces: int = 10**9
    pause: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, handler: Handler) -> None:
        handler.send_response(200)
        for name, value in {**self.headers, "Connection": "close"}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.close_connection = True
        for _ in range(self.pieces):
            if handler.server.stop.is_set():
                return
            handler.wfile.write(self.data)
            time.sleep(self.pause)


def hang(handler: Handler) -> None:
    """Takes the request and never answers."""
    handler.close_connection = True
    handler.server.stop.wait(20)


def drip_headers(handler: Handler) -> None:
    """A status line, then one header byte at a time."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.stop.wait(0.02):
        handler.wfile.write(b"x")


def cut(handler: Handler) -> None:
    """Announces more than it sends."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")


def reset(handler: Handler) -> None:
    """Closes without a word."""
    handler.close_connection = True


def junk(handler: Handler) -> None:
    """Something that is not HTTP."""
    handler.close_connection = True
    handler.wfile.write(b"\x00\x01garbage\r\n\r\n")
