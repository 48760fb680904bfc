"""One config item changed on many targets, beside a raw PATCH loop and kubectl.

All sides end on the same clock: the last write to their objects in the API
servers' audit logs. The raw loop uses the portal's own door with connections
kept, so that the difference is what the portal does beside the requests.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

from bench import machine
from bench.frame import Bench, Found, Options, median, ratio
from bench.planes import Witness, api_servers, object_written
from bench.portal import Home, Portal
from bench.waiting import wait
from fleet.kube import Kube
from fleet.kubeconfig import choose_context
from tools.controlplane import ControlPlane, ControlPlaneError, binaries

Json = dict[str, Any]
Target = tuple[int, str]  # which API server, which namespace

_SERVERS = 10
_THREADS = 20
_PARALLEL = 4
_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds from the start to the last object changed; writes for each target."""

    wall: float
    writes: float
    saved: float = 0.0


@dataclass(frozen=True, slots=True)
class Field:
    """Where all sides compete."""

    planes: list[ControlPlane]
    doors: list[Kube]
    targets: list[Target]
    portal: Portal
    options: Options


Side = Callable[[Field, str], Measured]


def run(options: Options) -> Found:
    """Every round runs all sides, beginning with another one each time."""
    namespaces = [f"n{number}" for number in range(-(-options.scale // _SERVERS))]
    with (
        api_servers(options, _SERVERS) as planes,
        Portal(Home(options.directory)) as portal,
    ):
        doors = [Kube(choose_context(p.kubeconfig.read_text()).connection) for p in planes]
        targets = list(product(range(len(planes)), namespaces))
        field = Field(planes, doors, targets, portal, options)
        _prepare(field, namespaces)
        sides: dict[str, Side] = {"ours": ours, "raw": raw, "kubectl": kubectl}
        for side in sides.values():
            side(field, "warm")
        measured = _rounds(field, sides)
        return _found(measured, _idle_writes(field))


def _prepare(field: Field, namespaces: list[str]) -> None:
    for plane in field.planes:
        field.portal.import_cluster(plane)
        for name in namespaces:
            plane.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    spec = {"namespaces": namespaces, "placement": {"selector": "*"}, "data": _data("start")}
    field.portal.call("PUT", "configitems/ours", {"spec": spec})
    wait(lambda: _ready(field), what="the config item", every=0.2)


def _ready(field: Field) -> bool:
    sql = "SELECT count(*) FROM fleet_configcopy WHERE ready = 'True' AND generation = observed_generation"
    return bool(field.portal.home.query(sql)[0][0] == len(field.targets))


def _rounds(field: Field, sides: dict[str, Side]) -> dict[str, list[Measured]]:
    measured: dict[str, list[Measured]] = {name: [] for name in sides}
    for number in range(field.options.rounds):
        order = list(sides)[number % len(sides) :] + list(sides)[: number % len(sides)]
        for name in order:
            found = sides[name](field, f"round {number}")
            measured[name].append(found)
            field.options.say(
                f"  round {number} {name:<8} {found.wall:6.3f} s, saved {found.saved:.3f},"
                f" {found.writes:.2f} writes a target, load {machine.load_average():.2f}"
            )
    return measured


def _found(measured: dict[str, list[Measured]], idle_writes: int) -> Found:
    walls = {name: [one.wall for one in found] for name, found in measured.items()}
    figures = {f"{name}_seconds": median(found) for name, found in walls.items()}
    figures |= {
        "writes_per_target": max(one.writes for one in measured["ours"]),
        "save_seconds": median([one.saved for one in measured["ours"]]),
        "idle_writes": float(idle_writes),
    }
    return Found({name: ratio(walls["ours"], walls[name]) for name in ("raw", "kubectl")}, figures)


def ours(field: Field, said: str) -> Measured:
    """One request to the portal."""
    written = _Written(field, "ours")
    begun = time.time()
    field.portal.call("POST", "configitems/ours/set", {"data": _data(said)})
    saved = time.time()
    last = written.wait()
    wait(lambda: _ready(field), what="the copies", every=0.05)
    time.sleep(1.0)  # what comes late would count as a second write
    return Measured(last - begun, written.count() / len(field.targets), saved - begun)


def raw(field: Field, said: str) -> Measured:
    """The same requests from threads, and nothing else."""
    written = _Written(field, "raw")
    body = [_object("raw", namespace, said) for _, namespace in field.targets]

    def send(target: Target, obj: Json) -> None:
        field.doors[target[0]].apply(obj, field_manager="raw", force=True)

    begun = time.time()
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(send, field.targets, body))
    return Measured(written.wait() - begun, 1.0)


def kubectl(field: Field, said: str) -> Measured:
    """`kubectl apply --server-side`, four at a time."""
    written = _Written(field, "kubectl")
    folder = field.options.directory / "manifests"
    folder.mkdir(exist_ok=True)
    for namespace in {namespace for _, namespace in field.targets}:
        (folder / namespace).write_text(json.dumps(_object("kubectl", namespace, said)))

    def send(target: Target) -> None:
        done = subprocess.run(
            [
                str(binaries().path("kubectl")),
                "apply",
                "--server-side",
                "-f",
                str(folder / target[1]),
            ],
            env={"HOME": str(folder), "KUBECONFIG": str(field.planes[target[0]].kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ControlPlaneError(f"kubectl apply: {done.stderr[-300:]}")

    begun = time.time()
    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(send, field.targets))
    return Measured(written.wait() - begun, 1.0)


class _Written:
    """Writes to the objects of one side, in every API server's audit log."""

    def __init__(self, field: Field, name: str) -> None:
        self._witnesses = [Witness(plane) for plane in field.planes]
        self._name = name
        self._field = field
        self._seen: list[tuple[Target, float]] = []

    def wait(self) -> float:
        """When the last target was written for the first time."""
        wait(self._all, what=f"every object of {self._name}", seconds=60.0, every=0.02)
        first: dict[Target, float] = {}
        for target, when in self._seen:
            first.setdefault(target, when)
        return max(first.values())

    def count(self) -> int:
        """All writes so far."""
        self._look()
        return len(self._seen)

    def _all(self) -> bool:
        self._look()
        return len({target for target, _ in self._seen}) == len(self._field.targets)

    def _look(self) -> None:
        for number, witness in enumerate(self._witnesses):
            for event in witness.events():
                found = object_written(event, self._name)
                if found is not None:
                    self._seen.append(((number, found[0]), found[2]))


def _idle_writes(field: Field) -> int:
    """Writes of a full pass in which nothing changed."""
    written = _Written(field, "ours")
    field.portal.home.inside("idle", "pass", "configs")
    return written.count()


def _data(said: str) -> dict[str, str]:
    return {"settings": f"{said}\n{'x' * _BYTES}"[:_BYTES]}


def _object(name: str, namespace: str, said: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": _data(said),
    }


BENCH = Bench(
    name="fanout",
    work="one config item of 2 KiB changed on targets over 10 API servers, beside raw PATCH and kubectl",
    unit="targets",
    scale=100,
    rounds=5,
    run=run,
)
