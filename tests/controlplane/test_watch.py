"""The door to watches against a real API server, directly and through a broken network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from fleet import watch
from fleet.connection import Connection
from fleet.kube import Kube, ObjectRef, Resource
from fleet.kube_errors import KubeError
from fleet.kubeconfig import choose_context
from fleet.watch import Session, Stream
from kubecarrier.lib.watching import Event, EventType, WatchSpec
from tests.faultproxy import FaultProxy, Mode
from tools.controlplane import ControlPlane

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", namespaced=True)
SELECTOR = "watched=yes"
SPEC = WatchSpec("v1", "ConfigMap", SELECTOR)

Json = dict[str, Any]


class Seen:
    """The events of one stream, without those of other namespaces."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.events: list[Event] = []
        self.lists = 0
        self.troubles: list[str] = []

    async def emit(self, event: Event) -> None:
        if event.type is EventType.LISTED:
            self.lists += 1
        elif event.obj["metadata"]["namespace"] == self.namespace:
            self.events.append(event)

    def trouble(self, error: KubeError | None) -> None:
        self.troubles.append(error.code if error else "")

    def names(self, kind: EventType) -> list[str]:
        return [e.obj["metadata"]["name"] for e in self.events if e.type is kind]


@asynccontextmanager
async def streaming(
    connection: Connection,
    seen: Seen,
    prepare: Callable[[Stream], None] = lambda stream: None,
    spec: WatchSpec = SPEC,
) -> AsyncIterator[Stream]:
    async with Session(connection) as session:
        stream = Stream(session, CONFIG_MAPS, spec, seen.emit, seen.trouble)
        prepare(stream)
        task = asyncio.create_task(stream.run())
        try:
            yield stream
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(found: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def config_map(namespace: str, name: str, **data: str) -> Json:
    metadata = {"name": name, "namespace": namespace, "labels": {"watched": "yes"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def ref(namespace: str, name: str) -> ObjectRef:
    return ObjectRef("v1", "ConfigMap", namespace, name)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@pytest.fixture
def connection(cluster_one: ControlPlane) -> Connection:
    found = choose_context(cluster_one.kubeconfig.read_text()).connection
    return replace(found, address="127.0.0.1")


@pytest.fixture
def kube(connection: Connection) -> Kube:
    return Kube(connection)


@pytest.fixture
def proxy(connection: Connection) -> Iterator[FaultProxy]:
    with FaultProxy((connection.host, connection.port)) as running:
        yield running


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds instead of three quarters of a minute."""
    monkeypatch.setattr(watch, "_WATCH_SECONDS", (2, 2))
    monkeypatch.setattr(watch, "_LATE_SECONDS", 1.0)


def test_silence_is_noticed_within_a_minute() -> None:
    assert watch._WATCH_SECONDS[1] + watch._LATE_SECONDS < 60


def test_lists_watches_and_tells_deletions(
    connection: Connection, kube: Kube, namespace: str
) -> None:
    async def work() -> None:
        kube.create(config_map(namespace, "old", key="value"))
        seen = Seen(namespace)
        async with streaming(connection, seen):
            await until(lambda: seen.lists)
            assert seen.names(EventType.ADDED) == ["old"]
            assert seen.events[0].initial
            kube.create(config_map(namespace, "new"))
            kube.patch(ref(namespace, "old"), {"data": {"key": "other"}})
            kube.delete(ref(namespace, "new"))
            await until(lambda: seen.names(EventType.DELETED))
        assert seen.names(EventType.ADDED) == ["old", "new"]
        assert seen.names(EventType.MODIFIED) == ["old"]
        assert seen.names(EventType.DELETED) == ["new"]
        assert not seen.events[-1].initial
        for event in seen.events:  # metadata only, and the bulky part of it left out
            assert "data" not in event.obj
            assert "managedFields" not in event.obj["metadata"]

    run(work())


def test_long_lists_come_in_pages(connection: Connection, kube: Kube, namespace: str) -> None:
    async def work() -> None:
        for number in range(7):
            kube.create(config_map(namespace, f"item-{number}"))
        small = replace(SPEC, page_limit=2)
        seen = Seen(namespace)
        async with streaming(connection, seen, spec=small):
            await until(lambda: seen.lists)
        assert sorted(seen.names(EventType.ADDED)) == [f"item-{number}" for number in range(7)]

    run(work())


def test_a_version_that_is_too_old_means_listing_again(
    connection: Connection, kube: Kube, namespace: str, cluster_one: ControlPlane
) -> None:
    """What is known and not in the new list was deleted while nobody watched.

    The server remembers no event from before its own start: an early version is a real 410.
    """
    cluster_one.crash()
    cluster_one.start()
    phantom = {"metadata": {"uid": "gone", "namespace": namespace, "name": "phantom"}}

    def outdated(stream: Stream) -> None:
        stream._version, stream._complete = "1", True
        stream._known["gone"] = "1", orjson.dumps(phantom)

    async def work() -> None:
        kube.create(config_map(namespace, "here"))
        seen = Seen(namespace)
        async with streaming(connection, seen, outdated):
            await until(lambda: seen.lists)
            assert seen.names(EventType.DELETED) == ["phantom"]
            assert seen.names(EventType.ADDED) == ["here"]
            kube.create(config_map(namespace, "later"))
            await until(lambda: "later" in seen.names(EventType.ADDED))
        assert seen.lists == 1
        assert seen.troubles == []  # an ordinary thing

    run(work())


def test_an_orderly_end_goes_on_where_it_was(
    connection: Connection, kube: Kube, namespace: str, quick: None
) -> None:
    async def work() -> None:
        seen = Seen(namespace)
        async with streaming(connection, seen):
            await until(lambda: seen.lists)
            await asyncio.sleep(5)  # two watches have ended
            kube.create(config_map(namespace, "after"))
            await until(lambda: seen.names(EventType.ADDED))
        assert seen.lists == 1
        assert seen.troubles == []

    run(work())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("mode", [Mode.HANG, Mode.REFUSE, Mode.BLACK_HOLE])
def test_a_broken_network_is_noticed_and_outlived(
    connection: Connection,
    kube: Kube,
    namespace: str,
    proxy: FaultProxy,
    mode: Mode,
) -> None:
    through = replace(connection, server=proxy.url)

    async def work() -> None:
        seen = Seen(namespace)
        async with streaming(through, seen):
            await until(lambda: seen.lists)
            before = proxy.connections
            await asyncio.to_thread(proxy.behave, mode)
            kube.create(config_map(namespace, "meanwhile"))
            await until(lambda: seen.troubles)
            assert not seen.events
            assert mode is Mode.REFUSE or proxy.bytes_down  # it had been open
            await asyncio.to_thread(proxy.behave, Mode.FORWARD)
            await asyncio.to_thread(proxy.drop)
            await until(lambda: seen.names(EventType.ADDED), 40)
        assert proxy.connections > before
        assert seen.troubles[-1] == ""

    run(work())


def test_a_dying_api_server_is_outlived(
    connection: Connection, kube: Kube, namespace: str, cluster_one: ControlPlane
) -> None:
    async def work() -> None:
        seen = Seen(namespace)
        async with streaming(connection, seen):
            await until(lambda: seen.lists)
            await asyncio.to_thread(cluster_one.crash)
            await until(lambda: seen.troubles)
            await asyncio.to_thread(cluster_one.start)
            await asyncio.to_thread(kube.create, config_map(namespace, "back"))
            await until(lambda: seen.names(EventType.ADDED), 60)

    run(work())


def test_a_refused_credential_waits_and_says_why(connection: Connection, namespace: str) -> None:
    stranger = replace(connection, client_cert_pem=None, client_key_pem=None, token="nobody")

    async def work() -> None:
        seen = Seen(namespace)
        async with streaming(stranger, seen):
            await until(lambda: seen.troubles)
            await asyncio.sleep(1)
        assert seen.troubles == ["kube_unauthorized"]  # once: it waits before the next try

    run(work())


def test_the_certificate_must_name_the_server(connection: Connection, namespace: str) -> None:
    async def work() -> None:
        seen = Seen(namespace)
        async with streaming(replace(connection, tls_server_name="example.org"), seen):
            await until(lambda: seen.troubles)
        assert seen.troubles == ["kube_tls"]

    run(work())
