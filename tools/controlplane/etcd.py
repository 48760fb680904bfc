"""One etcd for all clusters of a run: each control plane keeps to its own key prefix."""

import http.client
from pathlib import Path
from typing import Final, Self

from tools.controlplane.binaries import binaries
from tools.controlplane.child import Child
from tools.controlplane.ports import LOOPBACK, Port
from tools.controlplane.server import start_server

READY_SECONDS: Final = 30.0


class Etcd:
    """An etcd on the loopback address, its data in `directory`/etcd.

    Without TLS and without waiting for the disk: for throw-away clusters only. A stop and
    a start keep the data and the port.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = Path(directory).absolute() / "etcd"
        self._port = Port()
        self._peer_port = Port()
        self._child: Child | None = None
        self._started_before = False

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port.number}"

    def start(self) -> None:
        """Start and wait until it is healthy; raises ControlPlaneError."""
        if self._child is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        self._child = start_server(
            "etcd",
            self._command,
            ports=(self._port, self._peer_port),
            movable=not self._started_before,
            ready=self._healthy,
            seconds=READY_SECONDS,
            log=self._directory / "etcd.log",
        )
        self._started_before = True

    def freeze(self) -> None:
        """Stop it from running: whoever asks waits."""
        if self._child is not None:
            self._child.freeze()

    def thaw(self) -> None:
        if self._child is not None:
            self._child.thaw()

    def stop(self) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.wait()
            self._child = None
        self._port.hold()
        self._peer_port.hold()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> list[str]:
        peer = f"http://{LOOPBACK}:{self._peer_port.number}"
        return [
            str(binaries().etcd),
            f"--data-dir={self._directory / 'data'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port.number, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
