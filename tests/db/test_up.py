"""`manage.py up` for real: a home of its own, SQLite, real processes, real signals."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kubecarrier.lib import keyfile

ROOT = Path(__file__).parents[2]
START_SECONDS = 180  # a limit, not a measure: the machine may be busy
HEAL_SECONDS = 45.0


def environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KUBECARRIER_", "Q_CLUSTER"))}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    return kept | {"KUBECARRIER_HOME": str(home)}


class Portal:
    """A running `manage.py up` and what it says."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log = home / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", "--port", "0"],
                env=environment(home),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                process_group=0,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def url(self) -> str:
        found = re.search(r"listening on (\S+)", self.said)
        return found[1] if found else ""

    def status(self, path: str) -> int:
        """HTTP status, 0 when nobody answers."""
        if not self.url:
            return 0
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def pids(self) -> dict[str, int]:
        """The leaders by name, as the last lines said."""
        return {
            name: int(pid)
            for name, pid in re.findall(r"^([\w ]+): started, process (\d+)$", self.said, re.M)
        }

    def ask(self, query: str, *values: str) -> list[tuple[object, ...]]:
        """Rows of the portal's database."""
        file = self.home / "kubecarrier.sqlite3"
        with closing(sqlite3.connect(file, timeout=10)) as database:
            return database.execute(query, values).fetchall()

    def beat(self, name: str) -> str:
        """When that heartbeat was written."""
        query = "SELECT beat_at FROM kubecarrier_heartbeat WHERE name LIKE ?"
        rows = self.ask(query, f"{name}%")
        return str(rows[0][0]) if rows else ""

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(120)


def wait(found: Callable[[], object], seconds: float, what: Callable[[], str]) -> float:
    """Seconds until `found`; `what` tells the story when it never is."""
    begun = time.monotonic()
    while not found():
        assert time.monotonic() - begun < seconds, what()
        time.sleep(0.1)
    return time.monotonic() - begun


def processes() -> dict[int, tuple[int, int, str]]:
    """Every process that lives: id → (parent, group, command line)."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            found[int(folder.name)] = int(parent), int(group), command
    return found


def groups_of(portal: Portal) -> set[int]:
    return {portal.process.pid, *portal.pids().values()}


def members(groups: set[int]) -> dict[int, str]:
    return {pid: command for pid, (_, group, command) in processes().items() if group in groups}


def workers_of(leader: int) -> list[int]:
    """The task workers of a group: of the sentinel's four children the first ones."""
    listed = processes()
    sentinels = [pid for pid, (parent, _, _) in listed.items() if parent == leader]
    children = sorted(pid for pid, (parent, _, _) in listed.items() if parent in sentinels)
    return children[: len(children) - 2]  # monitor and pusher come last


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keyfile.create(tmp_path)
    return tmp_path


@pytest.fixture
def portal(home: Path) -> Iterator[Portal]:
    running = Portal(home)
    try:
        yield running
    finally:
        running.stop()


def test_it_serves_heals_and_leaves_nothing(portal: Portal) -> None:
    """One test for all of it: a start takes seconds."""
    said = lambda: portal.said  # noqa: E731
    wait(lambda: portal.status("/livez") == 200, START_SECONDS, said)
    wait(lambda: portal.status("/readyz") == 200, START_SECONDS, said)

    # A worker that waits for work holds the group's lock: killed, nobody gets any.
    leader = portal.pids()["worker helm"]
    (worker,) = workers_of(leader)
    before = portal.beat("worker:helm@")
    os.kill(worker, signal.SIGKILL)
    wait(lambda: portal.pids()["worker helm"] != leader, HEAL_SECONDS, said)
    healed = wait(lambda: portal.beat("worker:helm@") > before, HEAL_SECONDS, said)
    assert healed < HEAL_SECONDS
    assert "worker helm: silent, killed" in portal.said
    assert not members({leader})

    # A leader that dies takes its group with it, and the web comes back on the same socket.
    web, default = portal.pids()["web"], portal.pids()["worker default"]
    children = set(members({default})) - {default}
    assert children
    os.kill(default, signal.SIGKILL)
    os.kill(web, signal.SIGKILL)
    wait(lambda: portal.pids()["worker default"] != default, 60, said)
    wait(lambda: not children & set(processes()), 60, said)
    wait(lambda: portal.status("/readyz") == 200, START_SECONDS, said)

    groups = groups_of(portal)
    wait(lambda: len(members(groups)) > 10, START_SECONDS, said)
    begun = time.monotonic()
    portal.process.terminate()
    assert portal.process.wait(120) == 0, portal.said
    assert time.monotonic() - begun < 30
    assert not members(groups)
    stops = re.findall(r"^(web|controller|worker \w+): ended", portal.said, re.M)[-4:]
    assert stops[:2] == ["web", "controller"]
    assert "Traceback" not in portal.said


def test_a_killed_supervisor_leaves_nothing(portal: Portal) -> None:
    wait(lambda: portal.status("/readyz") == 200, START_SECONDS, lambda: portal.said)
    groups = groups_of(portal)
    portal.process.kill()
    portal.process.wait()
    wait(lambda: not members(groups), 60, lambda: str(members(groups)))


def up(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "up", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_in_use_is_one_line(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = up(home, "--port", str(port))
    assert done.returncode == 1
    assert done.stdout == ""
    expected = f"CommandError: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert done.stderr == expected


def test_missing_keys_are_named(tmp_path: Path) -> None:
    done = up(tmp_path)
    assert done.returncode == 1
    assert "run `manage.py init`" in done.stderr.splitlines()[-1]
