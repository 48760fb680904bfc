"""The words in which tests of faults speak: clusters behind a proxy, and watches that are followed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections

from kubecarrier.controller.holding import Holding
from kubecarrier.lib.watching import Watcher
from tests.faultproxy import FaultProxy, Mode
from tests.portal import Portal
from tools.controlplane import ControlPlane


class Controller:
    """The controller's watches in a thread of their own, until the block is left."""

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers: Sequence[Watcher] = watchers
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._run()])

    def __enter__(self) -> Controller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._loop.close()

    async def _run(self) -> None:
        holding = Holding("controller:test", self._watchers)
        while not self._stop.is_set():
            await holding.round()
            await asyncio.sleep(0.3)
        await holding.close()


@contextmanager
def behind_proxy(plane: ControlPlane) -> Iterator[FaultProxy]:
    """A proxy in front of a control plane; its certificate names the proxy's address too."""
    host, port = plane.server.removeprefix("https://").split(":")
    with FaultProxy((host, int(port))) as proxy:
        yield proxy


def import_through(
    portal: Portal, plane: ControlPlane, proxy: FaultProxy, kubeconfig: str = "", **more: Any
) -> None:
    """Import the cluster at the proxy's address."""
    text = (kubeconfig or plane.kubeconfig.read_text()).replace(plane.server, proxy.url)
    body = {"kubeconfig": text, "name": plane.name, **more}
    item = portal.call("post", "clusters/import", body)["items"][0]
    assert item["result"] == "created", item


def heal(proxy: FaultProxy) -> None:
    """As before; what is still waiting for an answer is cut off."""
    proxy.behave(Mode.FORWARD)
    proxy.drop()


def in_thread(task: Callable[[], object]) -> Callable[[], None]:
    """The task as a worker runs it; its database connection ends with it."""

    def run() -> None:
        try:
            task()
        finally:
            connections.close_all()

    return run


def wait(found: Callable[[], object], seconds: float = 30.0) -> None:
    """Until `found`; nothing is worked on meanwhile."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)
