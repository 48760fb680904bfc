"""Runs a command beside a PostgreSQL of its own: `python -m tools.postgres COMMAND …`.

The server lives in a temporary folder, listens on a Unix socket there and nowhere else, and
ends with the command. The command finds it in KUBECARRIER_DATABASE_URL. PostgreSQL refuses
to run as root, so root starts it as another user. Without PostgreSQL the command is not run;
with KUBECARRIER_REQUIRE_POSTGRES=1 (set in CI) that is an error.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0
#: The superuser of the throw-away server; tests make and drop databases.
_OWNER: Final = "kubecarrier"
#: Nothing in it has to survive a crash.
_SETTINGS: Final = ("fsync=off", "full_page_writes=off", "listen_addresses=")


class PostgresError(Exception):
    """There is no PostgreSQL here, or it did not start; the text says what to do."""


def main(command: list[str]) -> int:
    """The exit code of the command, 0 if it was left out, 1 if it was required."""
    try:
        with server() as url:
            return subprocess.run(
                command, env={**os.environ, "KUBECARRIER_DATABASE_URL": url}, check=False
            ).returncode
    except PostgresError as error:
        if os.environ.get("KUBECARRIER_REQUIRE_POSTGRES") == "1":
            print(f"error: PostgreSQL is required: {error}", file=sys.stderr)
            return 1
        print(f"skipped: not run on PostgreSQL: {error}", flush=True)
        return 0
    except KeyboardInterrupt:
        return 130


@contextmanager
def server() -> Iterator[str]:
    """The URL of a running server; it ends and its files go when the block is left."""
    with Server() as running:
        yield running.url


class Server:
    """A PostgreSQL in a temporary folder, for the time of a `with` block."""

    def __init__(self) -> None:
        initdb, self._program = _program("initdb"), _program("postgres")
        self._user = _unprivileged()
        self._temporary = tempfile.TemporaryDirectory(prefix="kubecarrier-pg-")
        self._folder = Path(self._temporary.name)
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        _initialise(initdb, self._folder, self._user)

    @property
    def url(self) -> str:
        return f"postgres://{_OWNER}@/postgres?host={self._folder}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGINT)  # PostgreSQL's fast shutdown
        self._temporary.cleanup()

    def start(self) -> None:
        """Until it is ready; what an earlier run left is recovered."""
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    "-D",
                    str(self._folder / "data"),
                    "-k",
                    str(self._folder),
                    *settings,
                ],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
                start_new_session=True,  # Ctrl-C ends the command first, then we end the server
            )
        _await(self._process, self._folder)

    def kill(self) -> None:
        """As a crash would: without its files being closed. Its children end by themselves."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _initialise(initdb: str, folder: Path, user: pwd.struct_passwd | None) -> None:
    result = subprocess.run(
        [initdb, "-D", str(folder / "data"), "-U", _OWNER, "-A", "trust", "-E", "UTF8",
         "--locale=C", "--no-sync"],
        capture_output=True,
        text=True,
        cwd=folder,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        check=False,
    )  # fmt: skip
    if result.returncode:
        raise PostgresError(f"initdb failed: {result.stderr.strip().splitlines()[-1]}")


def _await(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Until the server has written that it is ready; a killed one's word still stands there."""
    deadline = time.monotonic() + START_SECONDS
    while not (_status(folder).startswith(f"{process.pid}\n") and "ready" in _status(folder)):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = (folder / "log").read_text(errors="replace").strip().splitlines()[-1:]
            raise PostgresError(f"the server did not start: {''.join(tail)}")
        time.sleep(0.05)


def _status(folder: Path) -> str:
    try:
        return (folder / "data" / "postmaster.pid").read_text()
    except OSError:
        return ""


def _program(name: str) -> str:
    """On the PATH, or where Debian puts it."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or next(map(str, debian), None)
    if found is None:
        raise PostgresError("it is not installed (make packages)")
    return found


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom root runs the server as; None when we are not root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("root cannot run it, and there is no user postgres or nobody")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
