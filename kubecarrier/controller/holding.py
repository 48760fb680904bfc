"""The clusters this controller holds, each with its running watch."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import structlog

from kubecarrier.controller import sharing
from kubecarrier.controller.cluster import Place, watch_cluster
from kubecarrier.controller.database import Threads
from kubecarrier.controller.running import cancelled
from kubecarrier.controller.sharing import Held
from kubecarrier.lib.watching import Watcher

log = structlog.get_logger(__name__)
_NETWORK_THREADS = 8
_DATABASE_THREADS = 2


class Holding:
    """Brings the running watches to what the leases say."""

    def __init__(self, holder: str, watchers: Sequence[Watcher]) -> None:
        self._holder = holder
        self._watchers = watchers
        self._database = Threads("watch", _DATABASE_THREADS)
        self._network = Threads("network", _NETWORK_THREADS)
        self._running: dict[uuid.UUID, tuple[Held, asyncio.Task[None]]] = {}

    async def round(self) -> None:
        """One look at the leases. Without a database the watches go on: their events wait."""
        listed = await self._database.call(sharing.share, self._holder)
        held = {item.cluster_id: item for item in listed}
        over = [pk for pk, run in self._running.items() if _over(run, held.get(pk))]
        await cancelled([self._running.pop(pk)[1] for pk in over])
        for pk in held.keys() - self._running.keys():
            await self._start(held[pk])

    async def close(self) -> None:
        """Stop watching and give the leases back."""
        await cancelled([task for _, task in self._running.values()])
        self._running.clear()
        try:
            await self._database.call(sharing.release, self._holder)
        finally:
            self._database.close()
            self._network.close()

    async def _start(self, item: Held) -> None:
        connection = await self._database.call(sharing.connection_for, item.cluster_id)
        if connection is None:
            return
        place = Place(item.cluster_id, item.name, self._database, self._network)
        watch = watch_cluster(place, connection, self._watchers)
        log.info("watching", cluster=item.name)
        self._running[item.cluster_id] = item, asyncio.create_task(watch)


def _over(run: tuple[Held, asyncio.Task[None]], now: Held | None) -> bool:
    """Lost, changed, or broken by an error of ours (then it begins again)."""
    item, task = run
    if task.done() and not task.cancelled() and (error := task.exception()):
        log.error("watch crashed", cluster=item.name, exc_info=error)
    return item != now or task.done()
