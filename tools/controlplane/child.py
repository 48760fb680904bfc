"""One server process: starts in a session of its own, logs to a file, dies with us."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tools.controlplane.errors import ControlPlaneError, PortTakenError

#: Seconds a server has to end by itself before it is killed.
STOP_SECONDS: Final = 8.0
_TAIL_LINES: Final = 8
_LAUNCHER: Final = Path(__file__).with_name("launch.py")
# The kernel's parent-death signal goes off when the *thread* that started the child ends.
# So all children come from one thread, which lives as long as this process.
_SPAWNER: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="controlplane-spawner")


class Child:
    """A running program; `name` is for messages, `log` receives both of its streams."""

    def __init__(self, name: str, command: list[str], *, log: Path, cwd: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = log.stat().st_size if log.exists() else 0
        self._process = _SPAWNER.submit(_spawn, command, log, cwd).result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def check(self) -> None:
        """Raise if the program has ended: PortTakenError or another ControlPlaneError."""
        if self.running:
            return
        error = self.failure(f"ended with code {self._process.returncode}")
        if "address already in use" in self._own_log():
            raise PortTakenError(str(error))
        raise error

    def failure(self, what: str) -> ControlPlaneError:
        """An error that names the log and quotes its last lines."""
        return ControlPlaneError(f"{self.name} {what}; log: {self.log}\n{self.tail()}")

    def tail(self) -> str:
        return "\n".join(self._own_log().splitlines()[-_TAIL_LINES:])

    def freeze(self) -> None:
        """Stop it from running at all: its sockets stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> None:
        """Ask it to end; `wait` then makes sure."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)

    def wait(self, seconds: float = STOP_SECONDS) -> None:
        """Wait for its end, killing it after `seconds`."""
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.running:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        # Its whole process group, which is ours alone; it may just have ended by itself.
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _own_log(self) -> str:
        with self.log.open("rb") as handle:
            handle.seek(self._log_start)
            return handle.read().decode(errors="replace")


def _spawn(command: list[str], log: Path, cwd: Path) -> "subprocess.Popen[bytes]":
    # A launcher program instead of preexec_fn, which is unsafe with threads.
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*launcher, *command],
            cwd=cwd,
            env=clean_env(cwd),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def clean_env(home: Path) -> dict[str, str]:
    """Nothing of the caller's environment: no proxies, kubeconfigs or tool settings."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}
