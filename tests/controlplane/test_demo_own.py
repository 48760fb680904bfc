"""`make demo KUBECONFIG=...` on a terminal: it asks before it deploys into a person's clusters."""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.controlplane.test_demo import command, folder, processes
from tools.controlplane import ControlPlane, binaries

__all__ = ["folder"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_binaries")]

_CHECKOUT: Final = Path(__file__).parents[2]
_SECONDS: Final = 180.0
_QUESTION: Final = "Deploy the demo's application into namespace shop of one? [y/N]"
#: A session leader that opens a terminal gets it as its own: Ctrl-C arrives as in a shell.
_ON_TERMINAL: Final = 'exec "$@" <"$0" >"$0" 2>&1'


class Terminal:
    """A program on a terminal of its own, and a person who reads and types."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._person, program = pty.openpty()
        shell = ["/bin/sh", "-c", _ON_TERMINAL, os.ttyname(program), *arguments]
        self._process = subprocess.Popen(
            shell, cwd=_CHECKOUT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._program = program
        self.said = ""

    def until(self, text: str) -> None:
        """Reads until `text` was said."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.said:
            assert time.monotonic() < deadline, self.said
            assert self._process.poll() is None or self._read(), self.said
            self._read()

    def types(self, keys: str) -> None:
        os.write(self._person, keys.encode())

    def ends(self) -> int:
        """The exit code, with everything read that was said meanwhile."""
        deadline = time.monotonic() + _SECONDS
        while self._process.poll() is None:
            assert time.monotonic() < deadline, self.said
            self._read()
        while self._read():
            pass
        return int(self._process.returncode)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._person)
        os.close(self._program)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._person], [], [], 0.2)
        if ready:
            self.said += os.read(self._person, 65536).decode(errors="replace").replace("\r", "")
        return bool(ready)


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache without a single binary: what is built would be in it."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def terminal(folder: Path, cache: Path, cluster_one: ControlPlane) -> Iterator[Terminal]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = ["run", "--kubeconfig", str(cluster_one.kubeconfig), "--port", str(port)]
    path = f"{binaries().helm.parent}:{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"HOME": str(folder), "PATH": path, "TERM": "xterm", "XDG_CACHE_HOME": str(cache)}
    opened = Terminal(command(folder, *own), environment)
    try:
        yield opened
    finally:
        opened.close()
        cluster_one.kubectl("delete", "namespace", "shop", "--ignore-not-found", "--wait=false")


def deployed(plane: ControlPlane) -> str:
    return plane.kubectl("get", "deployments", "-n", "shop", "-o", "name")


def test_yes_then_ctrl_c(
    terminal: Terminal,
    folder: Path,
    cache: Path,
    cluster_one: ControlPlane,
) -> None:
    terminal.until(_QUESTION)
    assert deployed(cluster_one) == "", "nothing before the answer"
    terminal.types("y\n")
    terminal.until("Ctrl-C stops everything")
    assert "deployment.apps/shop" in deployed(cluster_one)
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert "stopped; `make demo` goes on where it was" in terminal.said
    assert "Traceback" not in terminal.said
    assert processes(folder) == []
    assert "deployment.apps/shop" in deployed(cluster_one), "what was deployed stays"
    assert list(cache.iterdir()) == [], "nothing was built"


@pytest.mark.parametrize("keys", ["n\n", "\x04"], ids=["n", "Ctrl-D"])
def test_no(terminal: Terminal, cluster_one: ControlPlane, keys: str) -> None:
    terminal.until(_QUESTION)
    terminal.types(keys)
    terminal.until("Ctrl-C stops everything")
    assert "with 1 cluster: one" in terminal.said
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert "Traceback" not in terminal.said
    assert cluster_one.kubectl("get", "namespace", "shop", "--ignore-not-found") == ""


def test_ctrl_c_at_the_question(
    terminal: Terminal,
    folder: Path,
    cluster_one: ControlPlane,
) -> None:
    terminal.until(_QUESTION)
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert "Traceback" not in terminal.said
    assert processes(folder) == []
    assert cluster_one.kubectl("get", "namespace", "shop", "--ignore-not-found") == ""
