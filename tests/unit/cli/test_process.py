"""Real processes: pipes, signals, terminals, imports, start-up."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.cli.portal import TOKEN, Portal, Reply, document

COMMAND = [sys.executable, "-m", "kubecarrier.cli"]
ROOT = Path(__file__).parents[3]


def environment(portal: Portal, home: Path) -> dict[str, str]:
    more = {"HOME": str(home), "KUBECARRIER_URL": portal.url, "KUBECARRIER_TOKEN": TOKEN}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more}


def start(portal: Portal, home: Path, *args: str, **more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment(portal, home), **more},
    )


@pytest.mark.parametrize("args", [["nodes"], ["nodes", "-o", "json"], ["nodes", "-o", "name"]])
def test_a_broken_pipe_is_quiet(portal: Portal, home: Path, args: list[str]) -> None:
    portal.add("nodes", *(document("Node", f"{i:05}-{'x' * 60}") for i in range(2000)))
    with start(portal, home, "get", *args) as process:
        assert process.stdout and process.stderr
        process.stdout.read(10)
        process.stdout.close()
        stderr = process.stderr.read()
        assert (process.wait(30), stderr) == (141, b"")


def test_a_small_output_into_a_closed_pipe_is_quiet(portal: Portal, home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [*COMMAND, "whoami"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment(portal, home),
        check=False,
    )
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, b"")


def test_ctrl_c_is_quiet(portal: Portal, home: Path) -> None:
    process = start(portal, home, "get", "clusters", "--watch")
    deadline = time.monotonic() + 30
    while not portal.requests("GET", "/clusters") and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout, stderr) == (130, b"", b"")


def test_without_a_terminal_there_is_an_error_not_a_prompt(portal: Portal, home: Path) -> None:
    process = start(portal, home, "login", portal.url, "-u", "ana")
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 2
    assert b"There is no terminal" in stderr


@pytest.mark.parametrize(("no_colour", "coloured"), [("", True), ("1", False)])
def test_colour_on_a_terminal_unless_no_color(
    portal: Portal, home: Path, no_colour: str, coloured: bool
) -> None:
    groups = [{"clusters": ["a"], "diff": "-old\n+new", "summary": {}}]
    portal.on("POST /applications/web/preview", Reply(body={"groups": groups}))
    master, slave = pty.openpty()
    variables = {**environment(portal, home), "TERM": "xterm", "NO_COLOR": no_colour}
    code = subprocess.run(
        [*COMMAND, "app", "diff", "web"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=variables,
        check=False,
    ).returncode
    os.close(slave)
    text = os.read(master, 65536)
    os.close(master)
    assert code == 1
    assert b"+new" in text
    assert (b"\x1b[" in text) == coloured


def test_nothing_of_the_portal_is_imported(portal: Portal, home: Path) -> None:
    code = """
import runpy, sys
sys.argv = ["kubecarrier", "get", "clusters"]
try:
    runpy.run_module("kubecarrier.cli", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
strangers = {"django", "kubernetes", "fleet", "apps", "accounts", "monitoring", "rich"}
bad = [m for m in sys.modules if m.split(".")[0] in strangers]
bad += [m for m in sys.modules if m.startswith("kubecarrier.") and ".cli" not in m]
assert not bad, bad
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(portal, home),
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()


def test_version_loads_nothing_heavy(home: Path) -> None:
    code = """
import sys
from kubecarrier.cli.main import main
sys.argv = ["kubecarrier", "version"]
main()
bad = {"typer", "pydantic", "httpx2", "rich", "yaml"} & set(sys.modules)
assert not bad, bad
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout.startswith(b"kubecarrier ")


def test_completion_knows_the_servers_names_and_never_complains(portal: Portal, home: Path) -> None:
    portal.add("clusters", document("Cluster", "eu-1"), document("Cluster", "us-1"))
    variables = {
        **environment(portal, home),
        "_KUBECARRIER_COMPLETE": "complete_bash",
        "COMP_WORDS": "kubecarrier cluster describe e",
        "COMP_CWORD": "3",
    }
    found = subprocess.run(COMMAND, env=variables, capture_output=True, check=False)
    assert (found.stdout.split(), found.stderr) == ([b"eu-1"], b"")
    variables["KUBECARRIER_URL"] = "http://127.0.0.1:1"
    silent = subprocess.run(COMMAND, env=variables, capture_output=True, check=False)
    assert (silent.stdout.split(), silent.stderr) == ([], b"")
