"""Starting a program that listens: wait until it answers, and survive a lost port."""

import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tools.controlplane.child import Child
from tools.controlplane.errors import PortTakenError
from tools.controlplane.ports import LOOPBACK, Port


def start_server(
    name: str,
    command: Callable[[], list[str]],
    *,
    ports: Sequence[Port],
    movable: bool,
    ready: Callable[[], bool],
    seconds: float,
    log: Path,
) -> Child:
    """Start `command` and return once `ready`; raises ControlPlaneError after `seconds`.

    Between the release of a reserved port and its use by the program, another program can
    take it. Then new ports are chosen once and `command` is asked again, unless clients
    know the port already (`movable` false).
    """
    start = partial(_start, name, command, ports=ports, ready=ready, seconds=seconds, log=log)
    try:
        return start()
    except PortTakenError:
        if not movable:
            raise
        for port in ports:
            port.change()
        return start()


def wait_until(done: Callable[[], bool], *, seconds: float, child: Child, missed: str) -> None:
    """Poll `done`; raises ControlPlaneError if `child` ends before or `seconds` pass."""
    deadline = time.monotonic() + seconds
    while not done():
        child.check()
        if time.monotonic() > deadline:
            raise child.failure(f"{missed} within {seconds:.0f} s")
        time.sleep(0.05)


def _start(
    name: str,
    command: Callable[[], list[str]],
    *,
    ports: Sequence[Port],
    ready: Callable[[], bool],
    seconds: float,
    log: Path,
) -> Child:
    arguments = command()
    for port in ports:
        port.release()
    child = Child(name, arguments, log=log, cwd=log.parent)
    try:
        wait_until(ready, seconds=seconds, child=child, missed="was not ready")
        child.check()  # or the program that took its port has answered
    except BaseException:
        child.terminate()
        child.wait()
        raise
    return child


def answers(port: Port) -> bool:
    """Does anything accept connections on `port`?"""
    try:
        socket.create_connection((LOOPBACK, port.number), timeout=1).close()
    except OSError:
        return False
    return True
