"""Ports on the loopback address that stay ours while nothing listens on them.

A port is reserved by a socket that is bound but does not listen: clients are refused, as
by a server that is down, and the kernel gives the port to nobody else. That lets a
control plane be stopped and started again on the same port.
"""

import contextlib
import os
import socket
import weakref
from typing import Final

LOOPBACK: Final = "127.0.0.1"


class Port:
    """One reserved TCP port. `release` it just before the server starts, `hold` it after."""

    def __init__(self, wanted: int = 0) -> None:
        """Reserve `wanted`, or any free port if it is 0 or taken."""
        # A bare file descriptor: a reservation that is forgotten closes without a warning.
        self._held: list[int] = []
        weakref.finalize(self, _close, self._held)
        try:
            self.number = self._bind(wanted)
        except OSError:
            self.number = self._bind(0)

    def release(self) -> int:
        """Free the port for a server about to start; returns its number."""
        _close(self._held)
        return self.number

    def hold(self) -> None:
        """Reserve the same port again; does nothing if another program was faster."""
        if not self._held:
            with contextlib.suppress(OSError):
                self._bind(self.number)

    def change(self) -> None:
        """Take another port, because this one was lost between `release` and its use."""
        _close(self._held)
        self.number = self._bind(0)

    def _bind(self, number: int) -> int:
        with socket.socket() as reserved:
            # Connections of the server that just stopped linger in TIME_WAIT.
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.bind((LOOPBACK, number))
            bound: int = reserved.getsockname()[1]
            self._held.append(reserved.detach())
        return bound


def _close(held: list[int]) -> None:
    while held:
        os.close(held.pop())
