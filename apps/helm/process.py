"""Runs one child process: bounded in time and output, killed with all its children."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import IO

OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024
_STDERR_LIMIT_BYTES = 1024 * 1024  # the tail is kept: the error is at the end
_GRACE_SECONDS = 5.0  # Helm marks its release failed when asked to stop
_LOOK_SECONDS = 0.5
_CHUNK_BYTES = 64 * 1024


class Ending(StrEnum):
    """Why the process is over."""

    EXITED = "exited"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    TOO_MUCH_OUTPUT = "too_much_output"


@dataclass(frozen=True, slots=True)
class Finished:
    """`code` is the exit status, negative for a signal."""

    ending: Ending
    code: int
    stdout: bytes
    stderr: str


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    descriptors: Sequence[int],
    timeout_seconds: float,
    cancelled: Callable[[], bool] = lambda: False,
    started: Callable[[int], None] = lambda pid: None,
) -> Finished:
    """Wait for the end of a process; `cancelled` is asked twice a second.

    The child leads its own process group, reads nothing from us, and dies with
    us where the system can promise it. `started` gets its process id.
    """
    child = subprocess.Popen(
        [*_dies_with_us(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        cwd=directory,
        pass_fds=tuple(descriptors),
        start_new_session=True,
    )
    with child:
        try:
            started(child.pid)
            return _followed(child, time.monotonic() + timeout_seconds, cancelled)
        finally:
            _kill_group(child, signal.SIGKILL)


@cache
def _dies_with_us() -> tuple[str, ...]:
    """Without it a killed worker leaves a Helm that goes on writing to a cluster."""
    program = shutil.which("setpriv")
    return (program, "--pdeathsig", "KILL", "--") if program else ()


class _Output:
    """What the child has said so far."""

    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()

    def take(self, name: str, chunk: bytes) -> None:
        if name == "stdout":
            self.stdout += chunk
            return
        self.stderr += chunk
        del self.stderr[:-_STDERR_LIMIT_BYTES]

    def finished(self, ending: Ending, code: int) -> Finished:
        return Finished(ending, code, bytes(self.stdout), self.stderr.decode("utf-8", "replace"))


def _followed(
    child: subprocess.Popen[bytes], end: float, cancelled: Callable[[], bool]
) -> Finished:
    output = _Output()
    with selectors.DefaultSelector() as selector:
        _watch(selector, child.stdout, "stdout")
        _watch(selector, child.stderr, "stderr")
        while selector.get_map():
            ending = _must_end(output, end, cancelled)
            if ending is not None:
                return output.finished(ending, _stopped(child))
            _read_some(selector, output, min(_LOOK_SECONDS, max(0.0, end - time.monotonic())))
    return output.finished(Ending.EXITED, _waited(child, end))


def _watch(selector: selectors.BaseSelector, stream: IO[bytes] | None, name: str) -> None:
    if stream is not None:
        os.set_blocking(stream.fileno(), False)
        selector.register(stream, selectors.EVENT_READ, name)


def _must_end(output: _Output, end: float, cancelled: Callable[[], bool]) -> Ending | None:
    if len(output.stdout) > OUTPUT_LIMIT_BYTES:
        return Ending.TOO_MUCH_OUTPUT
    if time.monotonic() >= end:
        return Ending.TIMED_OUT
    return Ending.CANCELLED if cancelled() else None


def _read_some(selector: selectors.BaseSelector, output: _Output, seconds: float) -> None:
    for key, _ in selector.select(seconds):
        chunk = os.read(key.fd, _CHUNK_BYTES)
        if chunk:
            output.take(key.data, chunk)
        else:
            selector.unregister(key.fileobj)


def _waited(child: subprocess.Popen[bytes], end: float) -> int:
    """The pipes are closed; the process may live on, but not beyond its time."""
    try:
        return child.wait(timeout=max(1.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return _stopped(child)


def _stopped(child: subprocess.Popen[bytes]) -> int:
    """Ask, wait a little, kill."""
    _kill_group(child, signal.SIGTERM)
    try:
        return child.wait(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _kill_group(child, signal.SIGKILL)
        return child.wait()


def _kill_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """The group's id is the child's own; once it is reaped only strays can still be in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
