"""The watches of one cluster: which streams run, and how their events reach the watchers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from fleet import addresses
from fleet.connection import Connection
from fleet.kube import Kube
from fleet.kube_errors import KubeError
from fleet.watch import Session, Stream
from kubecarrier.controller.database import Threads
from kubecarrier.controller.running import cancelled
from kubecarrier.lib.backoff import delay_seconds
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.watching import (
    HEARD_SECONDS,
    Event,
    StateWatcher,
    StreamState,
    Watcher,
    WatchSpec,
)

log = structlog.get_logger(__name__)
_ASK_SECONDS = 5.0
_ASK_SOON_SECONDS = 1.0
_BATCH_SECONDS = 0.05
_BATCH_LIMIT = 1000
_QUEUE_LIMIT = 2000  # beyond, streams wait: the server keeps the rest
_RETRY_CAP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster, and the threads for its blocking calls: to the database, to the network."""

    cluster_id: uuid.UUID
    name: str
    database: Threads
    network: Threads


async def watch_cluster(place: Place, connection: Connection, watchers: Sequence[Watcher]) -> None:
    """Until cancelled; an address or certificate that is refused is tried again later."""
    failures = 0
    while True:
        try:
            guarded = await place.network.call(
                lambda: addresses.guarded(connection, addresses.policy())
            )
            async with Session(guarded) as session, asyncio.TaskGroup() as group:
                kube = Kube(guarded)
                for watcher in watchers:
                    group.create_task(Subscription(place, watcher, session, kube).run())
        except KubeCarrierError as error:
            log.warning("not watched", cluster=place.name, code=error.code)
        failures += 1
        await asyncio.sleep(delay_seconds(failures, cap_seconds=_RETRY_CAP_SECONDS))


class Subscription:
    """What one watcher hears of the cluster."""

    def __init__(self, place: Place, watcher: Watcher, session: Session, kube: Kube) -> None:
        self._place = place
        self._watcher = watcher
        self._session = session
        self._kube = kube
        self._events: asyncio.Queue[Event] = asyncio.Queue(_QUEUE_LIMIT)
        self._streams: dict[WatchSpec, asyncio.Task[None]] = {}
        self._states: dict[WatchSpec, _Followed] = {}
        self._told = asyncio.Event()

    async def run(self) -> None:
        telling = [asyncio.create_task(self._tell())]
        if isinstance(self._watcher, StateWatcher):
            telling.append(asyncio.create_task(self._say_how(self._watcher)))
        try:
            while True:
                await self._ask()
                await self._rest()
        finally:
            await cancelled([*telling, *self._streams.values()])

    async def _rest(self) -> None:
        """A few seconds, or less after a batch: it may have changed what is wanted."""
        await asyncio.sleep(_ASK_SOON_SECONDS)
        self._told.clear()
        try:
            async with asyncio.timeout(_ASK_SECONDS - _ASK_SOON_SECONDS):
                await self._told.wait()
        except TimeoutError:
            return

    async def _ask(self) -> None:
        """Start and stop streams so that they are those that are wanted."""
        try:
            listed = await self._place.database.call(self._watcher.specs, self._place.cluster_id)
        except Exception:
            log.exception("what to watch is not known", cluster=self._place.name)
            return
        wanted = set(listed)
        dropped = self._streams.keys() - wanted
        await cancelled([self._streams.pop(spec) for spec in dropped])
        for spec in dropped:
            self._states.pop(spec, None)
        for spec in listed:  # in the watcher's order: it may know what matters first
            if spec not in self._streams:
                self._states[spec] = _Followed(Trouble(self._log(spec)))
                self._streams[spec] = asyncio.create_task(self._stream(spec))

    async def _stream(self, spec: WatchSpec) -> None:
        """One stream; a kind that is not served (yet) is asked for again later."""
        failures, followed = 0, self._states[spec]
        while True:
            try:
                resource = await self._place.network.call(
                    self._kube.resource_for, spec.api_version, spec.kind
                )
                stream = Stream(self._session, resource, spec, self._events.put, followed.trouble)
                followed.stream = stream
                await stream.run()
            except KubeError as error:
                failures += 1
                followed.trouble(error)
            except Exception:
                failures += 1
                log.exception("stream failed", cluster=self._place.name, kind=spec.kind)
            await asyncio.sleep(delay_seconds(failures, cap_seconds=_RETRY_CAP_SECONDS))

    def _log(self, spec: WatchSpec) -> structlog.stdlib.BoundLogger:
        bound: structlog.stdlib.BoundLogger = log.bind(cluster=self._place.name, kind=spec.kind)
        return bound

    async def _say_how(self, watcher: StateWatcher) -> None:
        """How the streams are, now and then; a time that is missed is made up by the next."""
        while True:
            await asyncio.sleep(HEARD_SECONDS)
            states = {spec: followed.state() for spec, followed in self._states.items()}
            try:
                await self._place.database.call(watcher.heard, self._place.cluster_id, states)
            except Exception:
                log.exception("states not taken", cluster=self._place.name)

    async def _tell(self) -> None:
        """Batches in order; one that failed is told again until it is taken."""
        while True:
            batch = [await self._events.get()]
            if self._events.qsize() < _BATCH_LIMIT:
                await asyncio.sleep(_BATCH_SECONDS)
            while len(batch) < _BATCH_LIMIT and not self._events.empty():
                batch.append(self._events.get_nowait())
            await self._told_batch(batch)
            self._told.set()

    async def _told_batch(self, batch: list[Event]) -> None:
        failures = 0
        while True:
            try:
                await self._place.database.call(
                    self._watcher.changed, self._place.cluster_id, batch
                )
                return
            except Exception:
                log.exception("events not taken", cluster=self._place.name)
            failures += 1
            await asyncio.sleep(delay_seconds(failures, cap_seconds=_RETRY_CAP_SECONDS))


class Trouble:
    """Logs when a stream starts failing in another way, and when it works again."""

    def __init__(self, bound: structlog.stdlib.BoundLogger) -> None:
        self._log = bound
        self._code = ""
        self.error: KubeError | None = None

    def __call__(self, error: KubeError | None) -> None:
        self.error = error
        code = error.code if error else ""
        if code == self._code:
            return
        self._code = code
        if error:
            self._log.warning("watch broken", code=code, message=error.message)
        else:
            self._log.info("watch works again")


@dataclass(slots=True)
class _Followed:
    """One stream and its trouble."""

    trouble: Trouble
    stream: Stream | None = None

    def state(self) -> StreamState:
        silent = self.stream.silent_seconds if self.stream else None
        error = self.trouble.error
        return StreamState(silent, *((error.code, error.message) if error else ()))
