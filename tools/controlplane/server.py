"""Starting a program that listens: wait until it answers, and survive a lost port."""

import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.controlplane.child import Child
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
    child = _attempt(name, command, ports, log)
    try:
        if not _wait(child, ready, seconds) and movable:
            for port in ports:
                port.change()
            child = _attempt(name, command, ports, log)
            _wait(child, ready, seconds)
        child.check()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    return child


def wait_until(done: Callable[[], bool], *, seconds: float, child: Child, what: str) -> None:
    """Poll `done`; raises ControlPlaneError if `child` ends before or `seconds` pass."""
    deadline = time.monotonic() + seconds
    while not done():
        child.check()
        if time.monotonic() > deadline:
            raise child.failure(f"{what} not within {seconds:.0f} s")
        time.sleep(0.05)


def _attempt(
    name: str, command: Callable[[], list[str]], ports: Sequence[Port], log: Path
) -> Child:
    arguments = command()
    for port in ports:
        port.release()
    return Child(name, arguments, log=log, cwd=log.parent)


def _wait(child: Child, ready: Callable[[], bool], seconds: float) -> bool:
    """False if the program has ended because a port was taken."""

    def settled() -> bool:
        # A dead child first: the program that took its port may well answer.
        return child.port_taken() or (child.running and ready())

    wait_until(settled, seconds=seconds, child=child, what="was ready")
    return child.running


def answers(port: Port) -> bool:
    """Does anything accept connections on `port`?"""
    try:
        socket.create_connection((LOOPBACK, port.number), timeout=1).close()
    except OSError:
        return False
    return True
