"""The measured portal: `manage.py up` with a home of its own, SQLite and loopback addresses."""

from __future__ import annotations

import http.client
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from bench.waiting import wait
from kubecarrier.lib import keyfile
from tools.controlplane import ControlPlane, ControlPlaneError, binaries

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
_START_SECONDS = 60.0
_STOP_SECONDS = 45.0
_DROPPED = ("KUBECARRIER_", "Q_CL", "PYTHON")  # of the caller's environment
_KEPT_SECONDS = 2.0  # the server closes idle connections after 5 s


class Home:
    """A portal's folder and the environment of whatever runs in it."""

    def __init__(self, directory: Path, *, helm: Path | None = None) -> None:
        self.path = directory / "home"
        keyfile.create(self.path)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED)}
        own = {key: value for key, value in os.environ.items() if key in _PASSED_ON}
        self.environment = {
            **kept,
            **own,
            "DJANGO_SETTINGS_MODULE": "kubecarrier.settings.portal",
            "KUBECARRIER_HOME": str(self.path),
            "KUBECARRIER_ALLOW_LOOPBACK": "true",
            "KUBECARRIER_HELM": str(helm or binaries().helm),
        }

    @property
    def database(self) -> Path:
        return self.path / "kubecarrier.sqlite3"

    def query(self, sql: str, *parameters: object) -> list[Any]:
        """A look at the database that costs the portal nothing."""
        database = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)
        try:
            return database.execute(sql, parameters).fetchall()
        finally:
            database.close()

    def inside(self, program: str, *arguments: str) -> Json:
        """Run a program of `bench.inside` to its end; what it printed last, as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", f"bench.inside.{program}", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ControlPlaneError(f"bench.inside.{program}: {done.stderr[-2000:]}")
        answer: Json = json.loads(done.stdout.splitlines()[-1])
        return answer


# Settings of the portal that may be tried out in a measurement.
_PASSED_ON = frozenset(
    {
        "KUBECARRIER_HELM_SLOTS",
        "KUBECARRIER_CALLS_PER_CLUSTER",
        "KUBECARRIER_WORKERS",
        "KUBECARRIER_VERIFY_SECONDS",
    }
)


class Portal:
    """A running portal, ready for requests with an administrator's token."""

    def __init__(self, home: Home, *, token: str = "") -> None:
        self.home = home
        self.token = token
        self._log = home.path / "up.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def __enter__(self) -> Self:
        self.token = self.token or str(self.home.inside("token")["token"])
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ControlPlaneError("the portal does not run")
        return self._process.pid

    def start(self) -> None:
        """Until the API answers 200."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", "--port", "0"],
                cwd=ROOT,
                env=self.home.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        wait(self._answers, what="manage.py up", seconds=_START_SECONDS, every=0.01)

    def stop(self) -> None:
        """As an administrator would: SIGTERM."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def call(self, method: str, path: str, body: object = None, *, content: bytes = b"") -> Json:
        """One request over a kept connection; raises ControlPlaneError for anything but 2xx."""
        status, text = self._send(method, path, body, content)
        if not 200 <= status < 300:
            raise ControlPlaneError(f"{method} {path}: {status} {text[:500].decode()}")
        answer: Json = json.loads(text) if text else {}
        return answer

    def gone(self, path: str) -> bool:
        return self._send("GET", path, None, b"")[0] == http.HTTPStatus.NOT_FOUND

    def import_cluster(self, plane: ControlPlane) -> None:
        """And wait until it is ready."""
        body = {"kubeconfig": plane.kubeconfig.read_text(), "name": plane.name}
        item = self.call("POST", "clusters/import", body)["items"][0]
        if item["result"] != "created":
            raise ControlPlaneError(f"import of {plane.name}: {item}")
        path = f"clusters/{plane.name}"
        wait(lambda: self.call("GET", path)["status"]["ready"] == "True", what=path)

    def upload(self, archive: Path) -> None:
        """Into the local repository `local`."""
        self.call("PUT", "repositories/local", {"spec": {"type": "local"}})
        self.call("POST", "repositories/local/charts", content=archive.read_bytes())

    def _answers(self) -> bool:
        found = re.search(r"listening on http://(\S+)", self._log.read_text())
        if found is None:
            return False
        if self._connection is None:
            self._connection = http.client.HTTPConnection(found[1], timeout=30)
        try:
            return self._send("GET", "clusters?limit=1", None, b"")[0] == http.HTTPStatus.OK
        except OSError:
            self._connection.close()
            return False

    def _send(self, method: str, path: str, body: object, content: bytes) -> tuple[int, bytes]:
        if self._connection is None:
            raise ControlPlaneError("the portal does not run")
        if time.monotonic() - self._used_at > _KEPT_SECONDS:
            self._connection.close()
        payload = content or (json.dumps(body).encode() if body is not None else None)
        kind = "application/gzip" if content else "application/json"
        headers = {"Authorization": f"Token {self.token}", "Content-Type": kind}
        self._connection.request(method, f"/api/v1/{path}", payload, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        self._used_at = time.monotonic()
        return answer.status, text
