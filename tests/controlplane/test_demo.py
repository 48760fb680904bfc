"""`make demo` as a newcomer runs it: from nothing, once more, and stopped in the middle."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_binaries")]

_CHECKOUT: Final = Path(__file__).parents[2]
_FIRST_SECONDS: Final = 240.0
_SECOND_SECONDS: Final = 60.0


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert processes(tmp_path) == []


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tools.demo", "--dir", str(folder), *arguments]


def run(folder: Path, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *arguments),
        cwd=_CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def processes(folder: Path) -> list[str]:
    """Programs that were started for the demo in `folder` (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in said and int(entry.name) != os.getpid():
            found.append(f"{entry.name} {said[:200]!r}")
    return found


def test_twice(folder: Path, port: int) -> None:
    first = run(folder, "run", "--exit", "--port", str(port), seconds=_FIRST_SECONDS)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"http://127.0.0.1:{port}/admin/" in first.stdout
    password = re.search(r"password (\S+)  \(shown this once\)", first.stdout)
    assert password is not None
    assert processes(folder) == []

    second = run(folder, "run", "--exit", "--port", str(port), seconds=_SECOND_SECONDS)
    assert second.returncode == 0, second.stdout + second.stderr
    assert password[1] not in second.stdout
    assert processes(folder) == []

    for file in folder.rglob("*"):  # it was shown once and is kept nowhere
        if file.is_file() and file.suffix != ".sock":
            assert password[1].encode() not in file.read_bytes(), file

    cleaned = run(folder, "clean", seconds=30)
    assert cleaned.returncode == 0, cleaned.stderr
    assert not folder.exists()
    folder.mkdir()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_the_middle_leaves_nothing(
    folder: Path, port: int, number: signal.Signals
) -> None:
    with subprocess.Popen(
        command(folder, "run", "--port", str(port)),
        cwd=_CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("[3/7]"):  # the clusters run, the portal is starting
                break
        time.sleep(1)
        demo.send_signal(number)
        rest = demo.stdout.read()
        assert demo.wait(60) == 130
    assert "stopped" in rest
    assert processes(folder) == []
