"""A TCP proxy on the loopback address that misbehaves on demand.

Faults are injected between a real client and a real server, so that what a test sees is
what the network would do. Mode and upstream can change while connections are open.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine
from enum import StrEnum
from functools import partial
from typing import Any, Final, Self

LOOPBACK: Final = "127.0.0.1"
_CHUNK: Final = 65536
#: How soon (seconds) a stalled connection notices that the mode has changed.
_TICK: Final = 0.02


class Mode(StrEnum):
    """What happens to connections, new ones and those already open."""

    FORWARD = "forward"
    REFUSE = "refuse"  # connecting fails at once; open connections are reset
    HANG = "hang"  # accepted, then silence; the upstream is never contacted
    # Both count, per connection, from when the mode was set: open connections as well as new ones.
    HANG_AFTER = "hang-after"  # silence after `limit` bytes of answers
    RESET_AFTER = "reset-after"  # a reset (RST) after `limit` bytes of answers
    STALL = "stall"  # open connections fall silent for ever; new ones work
    BLACK_HOLE = "black-hole"  # connecting itself gets no answer; open connections stall
    LATENCY = "latency"  # every piece of an answer comes `delay` seconds later
    DRIP = "drip"  # answers come at `rate` bytes per second


_SILENT: Final = frozenset({Mode.HANG, Mode.BLACK_HOLE})


def _close(client: socket.socket, _: object) -> None:
    client.close()


class FaultProxy:
    """Forwards to `upstream` (host, port); use as a context manager.

    Counters to assert that a fault happened: `connections` accepted, `bytes_up` and
    `bytes_down` forwarded, `faults`: how often each mode has struck, `most`: connections
    that were open at once (assign 0 to begin again). What happens inside the kernel
    (connecting under REFUSE or BLACK_HOLE) cannot be counted.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream  # assign to send new connections elsewhere
        self.connections = self.bytes_up = self.bytes_down = self.most = 0
        self.faults: Counter[Mode] = Counter()
        self.mode = Mode.FORWARD
        self._limit, self._delay, self._rate, self._changes = 0, 0.0, 1.0, 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")
        self._tasks: set[asyncio.Task[None]] = set()
        self._acceptor: asyncio.Task[None] | None = None
        self._sockets: list[socket.socket] = []
        self.port = 0  # any free one; the same for the whole life of the proxy

    @property
    def url(self) -> str:
        """For clients that speak TLS through it: API servers' certificates name 127.0.0.1."""
        return f"https://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self.behave(Mode.FORWARD)
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop_listening())
        self.drop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def behave(
        self,
        mode: Mode,
        *,
        limit: int = 0,
        delay: float = 0.0,
        rate: float = 1.0,
        drop: bool = False,
    ) -> None:
        """Change the behaviour: `limit` in bytes, `delay` in seconds, `rate` in bytes/second.

        `drop`: connections that are open are reset, so that all meet it from their beginning.
        """
        self._limit, self._delay, self._rate, self.mode = limit, delay, rate, mode
        self._changes += 1
        self._run(self._listen())
        if drop or mode is Mode.REFUSE:
            self.drop()

    def drop(self) -> None:
        """Reset every open connection, and wait until that has happened."""
        self._run(self._cancel(self._tasks.copy()))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _cancel(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stop_listening(self) -> None:
        if self._acceptor is not None:
            await self._cancel({self._acceptor})
            self._acceptor = None
        while self._sockets:
            self._sockets.pop().close()

    async def _listen(self) -> None:
        """A fresh listening socket if needed: the length of its queue is fixed once it listens."""
        closed = self.mode in (Mode.REFUSE, Mode.BLACK_HOLE)
        if self._acceptor is not None and not closed:
            return
        await self._stop_listening()
        listener = self._socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, self.port))
        self.port = listener.getsockname()[1]
        if self.mode is Mode.BLACK_HOLE:
            self._fill(listener)
        elif not closed:  # else bound without listening: the kernel refuses
            listener.listen()
            self._acceptor = self._loop.create_task(self._accept(listener))

    def _socket(self) -> socket.socket:
        self._sockets.append(made := socket.socket())
        made.setblocking(False)
        return made

    def _fill(self, listener: socket.socket) -> None:
        """Fill the shortest queue and never accept: the kernel then ignores newcomers."""
        listener.listen(0)
        for _ in range(2):
            with contextlib.suppress(BlockingIOError):
                self._socket().connect((LOOPBACK, self.port))

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            client, _ = await self._loop.sock_accept(listener)
            self.connections += 1
            task = self._loop.create_task(self._serve(client))
            self._tasks.add(task)
            self.most = max(self.most, len(self._tasks))
            task.add_done_callback(self._tasks.discard)
            # One that is cancelled before it began never gets to its `with`.
            task.add_done_callback(partial(_close, client))

    async def _serve(self, client: socket.socket) -> None:
        with client, socket.socket() as server:
            server.setblocking(False)
            try:
                await self._silence(self._changes)
                await self._loop.sock_connect(server, self.upstream)
                born = self._changes
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump_up(client, server, born))
                    both.create_task(self._pump_down(server, client, born))
            except (OSError, ExceptionGroup, asyncio.CancelledError):
                for one in (client, server):  # close() then sends a reset, no orderly end
                    linger = struct.pack("ii", 1, 0)
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def _pump_up(self, client: socket.socket, server: socket.socket, born: int) -> None:
        while data := await self._loop.sock_recv(client, _CHUNK):
            await self._silence(born)
            await self._loop.sock_sendall(server, data)
            self.bytes_up += len(data)
        server.shutdown(socket.SHUT_WR)

    async def _pump_down(self, server: socket.socket, client: socket.socket, born: int) -> None:
        sent, changes = 0, self._changes
        while data := await self._loop.sock_recv(server, _CHUNK):
            while data:
                await self._silence(born)
                if changes != self._changes:
                    sent, changes = 0, self._changes
                size = await self._allowed(sent, len(data))
                await self._loop.sock_sendall(client, data[:size])
                data = data[size:]
                sent += size
                self.bytes_down += size
        client.shutdown(socket.SHUT_WR)

    async def _silence(self, born: int) -> None:
        """Wait for the end of a silence that concerns a connection of that time."""

        def silent() -> bool:
            old = self.mode is Mode.STALL and born < self._changes
            return old or self.mode in _SILENT

        if silent():
            self.faults[self.mode] += 1
        while silent():
            await asyncio.sleep(_TICK)

    async def _allowed(self, sent: int, wanted: int) -> int:
        """How many bytes of an answer may go now: waits, stalls or resets as the mode says."""
        mode = self.mode
        match mode:
            case Mode.LATENCY:
                self.faults[mode] += 1
                await asyncio.sleep(self._delay)
            case Mode.DRIP:
                self.faults[mode] += 1
                await asyncio.sleep(max(1.0 / self._rate, _TICK))
                return min(wanted, max(1, int(self._rate * _TICK)))
            case Mode.HANG_AFTER | Mode.RESET_AFTER if sent < self._limit:
                return min(wanted, self._limit - sent)
            case Mode.HANG_AFTER | Mode.RESET_AFTER:
                self.faults[mode] += 1
                if mode is Mode.RESET_AFTER:
                    raise ConnectionResetError
                while self.mode is mode:
                    await asyncio.sleep(_TICK)
                return 0
        return wanted
