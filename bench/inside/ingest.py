"""A cluster with many pods, its inventory, and the raw list beside it, in one process.

`fill KUBECONFIG COUNT`: pods that are bound to a node that does not exist, so that nobody works
on them; the cluster as a row. `measure ROUNDS`: in turns the raw list (pages of 500, parsed) and
the inventory's own way: the controller's watch of one cluster from its start to the complete list
in the database. Then 1000 changes while it watches.
"""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import resource
import ssl
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from fleet import addresses
from fleet.inventory.watching import InventoryWatcher
from fleet.kube import Kube, ObjectRef
from fleet.kube.tls import ssl_context
from fleet.kubeconfig import choose_context
from fleet.models import (
    Catalogue,
    Cluster,
    InventoryKind,
    InventoryObject,
    ResourceType,
    ServedResource,
)
from fleet.queries import connection_of
from fleet.services.clusters import cluster_create
from kubecarrier.controller.cluster import Place, watch_cluster
from kubecarrier.controller.database import Threads

Json = dict[str, Any]
_NAMESPACE = "many"
_WRITERS = 16
_CHANGES = 1000
_PATIENCE_SECONDS = 300.0
_MIB = 1024 * 1024
# As the controller has them: for all of its clusters, with their connections' caches.
_DATABASE, _NETWORK = Threads("watch", 2), Threads("network", 8)


def fill(kubeconfig: str, count: int) -> Json:
    """The pods, and the cluster's row with a catalogue that knows pods alone."""
    call_command("migrate", interactive=False, verbosity=0)
    given = choose_context(Path(kubeconfig).read_text()).connection
    row = cluster_create(name="one", connection=given, labels={}, fields={})
    catalogue = Catalogue.objects.create(cluster=row)
    Catalogue.objects.filter(pk=catalogue.pk).status_update(read_at=timezone.now())
    type_ = ResourceType.objects.create(name="pods", plural="pods", kind="Pod", namespaced=True)
    verbs = [{"name": "v1", "verbs": ["list", "watch"]}]
    ServedResource.objects.create(cluster=row, type=type_, versions=verbs, seen_at=timezone.now())
    kube = Kube(addresses.guarded(given, addresses.policy()))
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}})
    account = {"name": "default", "namespace": _NAMESPACE}
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    with ThreadPoolExecutor(_WRITERS) as pool:
        made = sum(1 for _ in pool.map(lambda n: kube.create(_pod(n)), range(count)))
    return {"pods": made}


def measure(rounds: int) -> Json:
    """Seconds of each side, memory of ours, and how long changes take."""
    row = Cluster.objects.get()
    raw, ours, grown, peaks = [], [], [], []
    _ingested(row)  # what is loaded and compiled once belongs to no cluster
    for number in range(rounds):
        for side in ("raw", "ours") if number % 2 else ("ours", "raw"):
            if side == "raw":
                raw.append(_raw(row))
                continue
            seconds, mib, peak = _ingested(row)
            ours.append(seconds)
            grown.append(mib)
            peaks.append(peak)
    count = InventoryObject.objects.count()
    return {
        "raw": raw, "ours": ours, "mib": grown, "peak_mib": peaks, "objects": count,
        **_changes(row),
    }  # fmt: skip


# --- the two sides -------------------------------------------------------------------------------


def _raw(row: Cluster) -> float:
    """One kept connection, pages of 500, each parsed; nothing else."""
    to = addresses.guarded(connection_of(row), addresses.policy())
    context: ssl.SSLContext = ssl_context(to)
    client = http.client.HTTPSConnection(to.host, to.port, context=context)
    begun, token, seen = time.perf_counter(), "", 0
    while True:
        client.request("GET", f"/api/v1/pods?limit=500&continue={quote(token)}")
        page = orjson.loads(client.getresponse().read())
        seen += len(page["items"])
        token = page["metadata"].get("continue") or ""
        if not token:
            break
    client.close()
    return time.perf_counter() - begun


def _ingested(row: Cluster) -> tuple[float, float, float]:
    """Seconds to the complete list in the database; MiB kept, and MiB at the worst moment."""
    InventoryObject.objects.all().delete()
    InventoryKind.objects.all().delete()
    _forget_text()
    gc.collect()
    before, sampled = _resident(), _Sampled()
    with sampled, _watching(row) as begun:
        _wait(lambda: InventoryKind.objects.filter(listed_at__isnull=False).exists())
        seconds = time.perf_counter() - begun
        gc.collect()
        kept = _resident() - before
    return seconds, kept / _MIB, (sampled.most - before) / _MIB


def _changes(row: Cluster) -> Json:
    """1000 pods get a label while the cluster is watched; until every row shows it."""
    mark = uuid.uuid4().hex[:8]
    kube = Kube(addresses.guarded(connection_of(row), addresses.policy()))
    pods = InventoryObject.objects.values_list("name", flat=True).order_by("name")[:_CHANGES]
    names = list(pods)
    patch = {"metadata": {"labels": {"changed": mark}}}

    def change(name: str) -> None:
        kube.patch(ObjectRef("v1", "Pod", _NAMESPACE, name), patch)

    listed_at = InventoryKind.objects.get().listed_at
    with _watching(row):
        # Its first list finds everything as it was.
        _wait(lambda: InventoryKind.objects.get().listed_at != listed_at)
        begun = time.perf_counter()
        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(change, names))
        written = time.perf_counter()
        changed = InventoryObject.objects.filter(text__contains=f"\nchanged={mark}\n")
        _wait(lambda: changed.count() == len(names))
        seen = time.perf_counter()
    return {"write_seconds": written - begun, "lag_seconds": seen - written}


@contextmanager
def _watching(row: Cluster) -> Iterator[float]:
    """The controller's own watch of one cluster, on a loop in a thread; gives its start."""
    loop = asyncio.new_event_loop()
    place = Place(row.pk, row.name, _DATABASE, _NETWORK)
    watch = watch_cluster(place, connection_of(row), [InventoryWatcher()])
    task = loop.create_task(watch)
    thread = threading.Thread(target=loop.run_forever)
    begun = time.perf_counter()
    thread.start()
    try:
        yield begun
    finally:
        asyncio.run_coroutine_threadsafe(_cancelled(task), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _forget_text() -> None:
    """A text index that never held the rows: a first list is not preceded by a deletion."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO fleet_inventory_text(fleet_inventory_text) VALUES ('rebuild')"
            )


# --- small things --------------------------------------------------------------------------------


class _Sampled:
    """The most memory that was seen, looked at every 10 ms."""

    def __init__(self) -> None:
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            self.most = max(self.most, _resident())


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _wait(found: Any) -> None:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while not found():
        if time.monotonic() > ends_at:
            raise TimeoutError("the inventory is not complete")
        time.sleep(0.02)


def _pod(number: int) -> Json:
    """As a deployment would make it: some four kilobytes when it is read."""
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    environment = [{"name": f"SETTING_{n}", "value": f"value of setting {n}"} for n in range(8)]
    labels = {"app": f"app-{number % 100}", "pod-template-hash": f"{number % 100:08x}"}
    owner = {
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"app-{number % 100}",
        "uid": str(uuid.UUID(int=number % 100)), "controller": True,
    }  # fmt: skip
    container = {
        "name": "main", "image": "registry.example.org/team/app:1.4.2", "env": environment,
        "ports": [{"containerPort": 8080, "name": "http"}], "readinessProbe": probe,
        "livenessProbe": probe, "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"app-{number % 100}-{number:05d}",
            "namespace": _NAMESPACE,
            "labels": labels,
            "annotations": {"example.org/checksum": "0" * 64},
            "ownerReferences": [owner],
        },
        "spec": {"nodeName": "nowhere", "containers": [container]},
    }


if __name__ == "__main__":
    done = (
        fill(sys.argv[2], int(sys.argv[3])) if sys.argv[1] == "fill" else measure(int(sys.argv[2]))
    )
    for threads in (_DATABASE, _NETWORK):
        threads.close()
    print(json.dumps(done))
