"""What stops the demo before it begins says so in one line that a person can act on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

_CHECKOUT: Final = Path(__file__).parents[3]
_NOBODY: Final = "http://127.0.0.1:1"


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The demo as on a machine where nothing was built and `folder` is the home."""
    given = {"HOME": str(folder), "PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(
        [sys.executable, "-m", "tools.demo", "--dir", str(folder / "demo"), "run", *arguments],
        cwd=_CHECKOUT,
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        line = only_line(demo(tmp_path, "--port", str(number)))
    assert f"port {number} is in use" in line
    assert f"make demo DEMO_PORT={number + 1}" in line


def test_go_is_missing(tmp_path: Path, port: str) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    line = only_line(demo(tmp_path, "--port", port, PATH=str(empty)))
    assert line.startswith("error: Go is not installed")
    assert "Install Go 1.26 or newer" in line


def test_no_network(tmp_path: Path, port: str) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed")
    path = f"{Path(go).parent}:/usr/bin:/bin"
    cache = {"GOMODCACHE": str(tmp_path / "mod"), "GOPROXY": _NOBODY, "GOTOOLCHAIN": "local"}
    line = only_line(demo(tmp_path, "--port", port, PATH=path, **cache))
    assert line.startswith("error: building helm failed (no network?)")


def test_a_kubeconfig_that_is_not_there(tmp_path: Path, port: str) -> None:
    line = only_line(demo(tmp_path, "--port", port, "--kubeconfig", str(tmp_path / "none")))
    assert line.endswith("none: this kubeconfig cannot be read")


def test_own_clusters_without_helm(tmp_path: Path, port: str) -> None:
    file = tmp_path / "config"
    file.touch()
    line = only_line(demo(tmp_path, "--port", port, "--kubeconfig", str(file), PATH="/nowhere"))
    assert line.startswith("error: helm is neither built nor on the PATH")


@pytest.mark.slow
def test_setup_without_network(tmp_path: Path) -> None:
    """The first step of all: the packages."""
    for name in ("tools", "pyproject.toml", "requirements.txt", "requirements-dev.txt"):
        source = _CHECKOUT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    done = subprocess.run(
        [str(tmp_path / "tools" / "setup")],
        cwd=tmp_path,
        env={
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "PYTHON": sys.base_prefix + "/bin/python3",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": _NOBODY,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: the packages could not be installed (no network?")
    assert not (tmp_path / ".venv" / ".complete").exists()
