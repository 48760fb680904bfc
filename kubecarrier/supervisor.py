"""Keeps a few programs running on one machine: `manage.py up`.

Each program leads a process group of its own and dies with the supervisor.
One that ends is started again after a growing pause; a worker group whose
heartbeat fell silent is killed and started again: a dead lock inside it leaves
every process looking alive. Only what was started here is ever signalled.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from kubecarrier.lib import deathsig

_TICK_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0  # a program that lived so long starts with a short pause again
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `alive` says whether its heartbeat is fresh (None: cannot be told now).

    `grace_seconds`: how long after a start `alive` is not asked.
    `patience_seconds`: how long it must say no before the group is killed; it
    may say no to everyone just after the database was away or the machine
    slept, so a healthy group needs the time for its next beat. `stop_seconds`:
    from SIGTERM to SIGKILL. `order`: lower stops first, equal together.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    alive: Callable[[], bool | None] | None = None
    grace_seconds: float = 25.0
    patience_seconds: float = 12.0
    stop_seconds: float = 10.0
    order: int = 0


def pause_seconds(failures: int) -> float:
    """How long to wait before the next start after `failures` quick ends."""
    return min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 10))


class Child:
    """One program and its present process, if any."""

    def __init__(
        self, program: Program, say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.program = program
        self._say = say
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._started_at = 0.0
        self._start_at = 0.0
        self._silent_since: float | None = None

    @property
    def running(self) -> bool:
        return self._process is not None

    def look(self) -> None:
        """Notice an end, a silence, or that it is time to start."""
        now = self._clock()
        if self._process is None:
            if now >= self._start_at:
                self._start(now)
        elif (code := self._process.poll()) is not None:
            self._ended(now, _ending(code))
        elif self._silent(now):
            self.kill()
            self._ended(now, "silent, killed")

    def terminate(self) -> None:
        """Ask the leader alone: it knows what to do with its own children."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def wait(self, ends_at: float) -> None:
        """Until the leader is gone, or killed at `ends_at`; strays of its group go with it."""
        if self._process is None:
            return
        try:
            code = self._process.wait(max(0.0, ends_at - self._clock()))
        except subprocess.TimeoutExpired:
            self.kill()
            code = -signal.SIGKILL
        self._kill_group()
        self._process = None
        self._say(f"{self.program.name}: {_ending(code)}")

    def kill(self) -> None:
        """The whole group, at once."""
        self._kill_group()
        if self._process is not None:
            self._process.wait()

    def _start(self, now: float) -> None:
        self._process = subprocess.Popen(
            list(self.program.arguments),
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.program.environment},
            pass_fds=tuple(self.program.descriptors),
            process_group=0,
            preexec_fn=partial(deathsig.die_with, os.getpid()),  # noqa: PLW1509 - no threads here
        )
        self._started_at = now
        self._say(f"{self.program.name}: started, process {self._process.pid}")

    def _ended(self, now: float, how: str) -> None:
        self._kill_group()
        self._process = self._silent_since = None
        steady = now - self._started_at > _STEADY_SECONDS
        self._failures = 0 if steady else self._failures + 1
        pause = pause_seconds(max(0, self._failures - 1))
        self._start_at = now + pause
        self._say(f"{self.program.name}: {how}; starting again in {pause:g} s")

    def _silent(self, now: float) -> bool:
        if self.program.alive is None or now - self._started_at < self.program.grace_seconds:
            return False
        if self.program.alive() is not False:
            self._silent_since = None
            return False
        if self._silent_since is None:
            self._silent_since = now
        return now - self._silent_since >= self.program.patience_seconds

    def _kill_group(self) -> None:
        """The group's id is its leader's; the kernel keeps it while the group has members."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def supervise(programs: Sequence[Program], say: Say) -> None:
    """Run `programs` until SIGTERM, SIGINT or SIGHUP, then stop them in their order."""
    children = [Child(program, say) for program in programs]
    with _Signals() as signals:
        try:
            while not signals.stop:
                for child in children:
                    child.look()
                signals.wait(_TICK_SECONDS)
        finally:
            stop(children, say, signals.urgent)


def stop(children: Sequence[Child], say: Say, urgent: Callable[[], bool] = lambda: False) -> None:
    """Stop order by order; a second signal kills what is left."""
    say("stopping")
    for order in sorted({child.program.order for child in children}):
        group = [child for child in children if child.program.order == order and child.running]
        for child in group:
            child.terminate()
        begun = time.monotonic()
        for child in group:
            _wait(child, begun + child.program.stop_seconds, urgent)
    say("stopped")


def _wait(child: Child, ends_at: float, urgent: Callable[[], bool]) -> None:
    while child.running:
        if urgent() or time.monotonic() >= ends_at:
            child.wait(0.0)
        elif child._process is not None and child._process.poll() is not None:
            child.wait(ends_at)
        else:
            time.sleep(0.05)


def _ending(code: int) -> str:
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with {code}" if code else "ended"


class _Signals:
    """Wakes the loop when a child ends or a stop is asked for."""

    def __init__(self) -> None:
        self._asked = 0
        self._reader, self._writer = os.pipe()
        self._before: dict[signal.Signals, object] = {}

    @property
    def stop(self) -> bool:
        return self._asked > 0

    def urgent(self) -> bool:
        """Whether a stop was asked for twice."""
        return self._asked > 1

    def __enter__(self) -> _Signals:
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            self._before[number] = signal.signal(number, self._ask)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float) -> None:
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 4096)

    def _ask(self, *_: object) -> None:
        self._asked += 1
