"""The supervisor with small real programs: what ends is started again, what is silent is killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

import pytest

from kubecarrier.supervisor import Child, Program, pause_seconds, stop

# A leader with one child in its group; the child's id is its only line.
_FAMILY = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "open(sys.argv[1], 'w').write(str(child.pid))\n"
    "time.sleep(60)\n"
)


@pytest.fixture
def said() -> list[str]:
    return []


def program(code: str, *arguments: str, **more: object) -> Program:
    return Program("it", [sys.executable, "-c", code, *arguments], **more)  # type: ignore[arg-type]


def wait(found: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - one line
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def looked(child: Child) -> bool | None:
    """Whether it runs after one look; None: it does not."""
    child.look()
    return child.running or None


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0.5), (1, 1.0), (3, 4.0), (50, 30.0)])
def test_pauses_grow_to_a_limit(failures: int, seconds: float) -> None:
    assert pause_seconds(failures) == seconds


def test_what_ends_is_started_again_after_a_pause(said: list[str]) -> None:
    clock = [0.0]
    child = Child(program("pass"), said.append, lambda: clock[0])
    child.look()
    wait(lambda: looked(child) is None)
    assert said[-1] == "it: ended; starting again in 0.5 s"
    assert not looked(child)
    clock[0] += 0.6
    assert looked(child)
    child.wait(0.0)


def test_a_silent_group_is_killed_with_its_children(
    said: list[str], tmp_path: os.PathLike[str]
) -> None:
    note = os.path.join(tmp_path, "pid")  # noqa: PTH118
    clock, fresh = [0.0], list[bool | None]([True])
    silent = program(_FAMILY, note, alive=lambda: fresh[0], grace_seconds=0.0)
    child = Child(silent, said.append, lambda: clock[0])
    child.look()
    wait(lambda: os.path.exists(note) and os.path.getsize(note))  # noqa: PTH110, PTH202
    with open(note) as file:  # noqa: PTH123
        stray = int(file.read())
    fresh[0] = None  # the database is away: no reason to kill
    assert looked(child)
    for answer in (False, True, False):  # it beat again: its silence counts from anew
        clock[0] += 11.0
        fresh[0] = answer
        assert looked(child)
    clock[0] += 11.0
    assert looked(child)
    assert lives(stray)
    clock[0] += 2.0
    assert not looked(child)
    wait(lambda: not lives(stray))
    assert said[-1].startswith("it: silent, killed")


def test_a_stop_has_an_order_and_a_deadline(said: list[str]) -> None:
    deaf = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n"
    first = Child(
        Program("first", [sys.executable, "-c", "import time; time.sleep(60)"]), said.append
    )
    second = Child(
        Program("second", [sys.executable, "-c", deaf], stop_seconds=0.5, order=1), said.append
    )
    for child in (first, second):
        child.look()
    time.sleep(0.3)
    stop([second, first], said.append)
    assert said[-4:] == [
        "stopping",
        "first: ended by SIGTERM",
        "second: ended by SIGKILL",
        "stopped",
    ]


def test_children_die_with_a_killed_supervisor(tmp_path: os.PathLike[str]) -> None:
    note = os.path.join(tmp_path, "pid")  # noqa: PTH118
    code = (
        "import sys, time\n"
        "from kubecarrier.supervisor import Child, Program\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "child = Child(Program('it', sleep), print)\n"
        "child.look()\n"
        "open(sys.argv[1], 'w').write(str(child._process.pid))\n"
        "time.sleep(60)\n"
    )
    pid = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", code, note])  # noqa: S606
    wait(lambda: os.path.exists(note) and os.path.getsize(note))  # noqa: PTH110, PTH202
    with open(note) as file:  # noqa: PTH123
        child = int(file.read())
    assert lives(child)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    wait(lambda: not lives(child))
