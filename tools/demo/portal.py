"""The portal of the demo: its keys, its administrator, its programs under `manage.py up`."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.controlplane import binaries
from tools.controlplane.child import Child, clean_env
from tools.demo.errors import DemoError
from tools.demo.rest import Rest
from tools.demo.state import CHECKOUT, State, write_private

HOST: Final = "127.0.0.1"
ADMINISTRATOR: Final = "admin"
_READY_SECONDS: Final = 90.0
#: `manage.py up` gives its programs up to 31 seconds, one after the other.
_STOP_SECONDS: Final = 40.0
_COMMAND_SECONDS: Final = 120.0


def check_port(port: int) -> None:
    """Raises DemoError when something listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise DemoError(
                f"port {port} is in use; take another one: make demo DEMO_PORT={port + 1}"
            ) from error


def find_helm() -> Path:
    """The helm of the control-plane tools, or the one on the PATH; raises DemoError."""
    built = binaries().helm
    if os.access(built, os.X_OK):
        return built
    found = shutil.which("helm")
    if found is None:
        raise DemoError("helm is neither built nor on the PATH; install it or: make controlplane")
    return Path(found)


def prepare(state: State, helm: Path) -> None:
    """Keys, tables and the administrator; after the first time there is nothing to do."""
    if state.token.exists():
        return
    state.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _manage(state, helm, "init")
    _manage(state, helm, "migrate", "--no-input", "--verbosity=0")
    if not state.password.exists():
        password = secrets.token_urlsafe(15)
        name = f"--username={ADMINISTRATOR}"
        _manage(
            state, helm, "createsuperuser", "--no-input", name, "--email=admin@kubecarrier.example",
            DJANGO_SUPERUSER_PASSWORD=password,
        )  # fmt: skip
        write_private(state.password, password)


@dataclass(frozen=True, slots=True)
class Running:
    """A portal that works; `check` raises ControlPlaneError once it does not run any more."""

    url: str
    check: Callable[[], None]


@contextmanager
def running(
    state: State, helm: Path, port: int, starting: AbstractContextManager[None]
) -> Iterator[Running]:
    """Ready inside the block, ended after it; `starting` surrounds the start alone."""
    state.portal_log.unlink(missing_ok=True)
    settings = [f"{name}={value}" for name, value in _settings(state, helm).items()]
    up = [sys.executable, str(CHECKOUT / "manage.py"), "up", "--host", HOST, "--port", str(port)]
    url = f"http://{HOST}:{port}"
    child = Child(
        "portal", ["/usr/bin/env", *settings, *up], log=state.portal_log, cwd=state.folder
    )
    try:
        with starting:
            _await(child, Rest(url))
        yield Running(url, child.check)
    finally:
        child.terminate()
        child.wait(_STOP_SECONDS)


def login(state: State, url: str) -> Rest:
    """The API with the demo's token, which the first call asks for."""
    if not state.token.exists():
        given = {"username": ADMINISTRATOR, "password": state.password.read_text(), "name": "demo"}
        write_private(state.token, Rest(url).send("POST", "auth/login", given)["token"])
    return Rest(url, state.token.read_text())


def _await(child: Child, portal: Rest) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not portal.ready():
        child.check()
        if time.monotonic() > deadline:
            raise child.failure(f"was not ready within {_READY_SECONDS:.0f} s")
        time.sleep(0.1)


def _manage(state: State, helm: Path, *arguments: str, **environment: str) -> None:
    """Run a management command; raises DemoError with its last line."""
    result = subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), *arguments],
        env={**clean_env(state.folder), **_settings(state, helm), **environment},
        cwd=state.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    if result.returncode:
        said = (result.stderr.strip() or "no reason was given").splitlines()[-1]
        raise DemoError(f"manage.py {arguments[0]} failed: {said}")


def _settings(state: State, helm: Path) -> dict[str, str]:
    return {
        "KUBECARRIER_HOME": str(state.home),
        "KUBECARRIER_HELM": str(helm),
        "KUBECARRIER_ALLOW_LOOPBACK": "true",
    }
