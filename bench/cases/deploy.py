"""Many applications onto one real cluster, beside the plain Helm loop.

Both ends of both sides are on the same clock: the start is the first save (or
the first Helm run), the end is the last Helm record that its API server's audit
log shows as updated, which is how Helm says `deployed`.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import machine
from bench.frame import Bench, Found, Options, median, ratio
from bench.planes import Witness, cluster, helm_chart, make_namespace, record_written
from bench.portal import Home, Portal
from bench.waiting import wait
from tools.controlplane import ControlPlane, ControlPlaneError, binaries

_PARALLEL = 4
_WARM_UP = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds from the first save to the last record, and to everything being ready."""

    wall: float
    ready: float
    saved: float
    cpu: float
    server_cpu: float


@dataclass(frozen=True, slots=True)
class Field:
    """Where all sides compete."""

    plane: ControlPlane
    portal: Portal
    chart: Path
    options: Options


Side = Callable[[Field, str, int], Measured]


def run(options: Options) -> Found:
    """Every round runs all sides, beginning with another one each time."""
    with (
        cluster(options, pods=options.scale * 2) as plane,
        Portal(Home(options.directory)) as portal,
    ):
        chart = helm_chart(options.directory)
        portal.import_cluster(plane)
        portal.upload(chart)
        field = Field(plane, portal, chart, options)
        sides: dict[str, Side] = {
            "ours": ours,
            "plain_loop": partial(loop, flags=()),
            "unvalidated_loop": partial(loop, flags=("--disable-openapi-validation",)),
        }
        for name, side in sides.items():
            side(field, f"warm-{name}".replace("_", "-"), _WARM_UP)
        return _found(_rounds(field, sides))


def _rounds(field: Field, sides: dict[str, Side]) -> dict[str, list[Measured]]:
    measured: dict[str, list[Measured]] = {name: [] for name in sides}
    for number in range(field.options.rounds):
        order = list(sides)[number % len(sides) :] + list(sides)[: number % len(sides)]
        for name in order:
            namespace = f"r{number}-{name}".replace("_", "-")
            found = sides[name](field, namespace, field.options.scale)
            measured[name].append(found)
            field.options.say(
                f"  round {number} {name:<17} {found.wall:6.2f} s, {found.cpu:6.2f} CPU-s, "
                f"ready {found.ready:.2f} s, load {machine.load_average():.2f}"
            )
    return measured


def _found(measured: dict[str, list[Measured]]) -> Found:
    walls = {name: [one.wall for one in found] for name, found in measured.items()}
    others = [name for name in measured if name != "ours"]
    figures = {"save_seconds": median([one.saved for one in measured["ours"]])}
    for name, found in measured.items():
        figures |= {
            f"{name}_seconds": median(walls[name]),
            f"{name}_ready_seconds": median([one.ready for one in found]),
            f"{name}_cpu_seconds": median([one.cpu for one in found]),
            f"{name}_server_cpu_seconds": median([one.server_cpu for one in found]),
        }
    return Found({name: ratio(walls["ours"], walls[name]) for name in others}, figures)


def ours(field: Field, namespace: str, count: int) -> Measured:
    """One save after the other over the API; the portal's processes do the rest."""
    make_namespace(field.plane, namespace)
    records = _Records(field.plane, namespace)
    names = [f"{namespace}-{number}" for number in range(count)]
    cpu, server = _cpu_of(field)
    begun = time.time()
    for name in names:
        spec = {
            "chart": "local/sample",
            "namespace": namespace,
            "placement": {"clusters": [field.plane.name]},
        }
        field.portal.call("PUT", f"applications/{name}", {"spec": spec})
    saved = time.time()
    last = records.wait(count)
    cpu_after, server_after = _cpu_of(field)
    wait(
        lambda: _ready(field.portal, namespace) == count, what=f"{count} ready releases", every=0.1
    )
    ready = time.time()
    _remove(field, namespace, names)
    return Measured(
        last - begun, ready - begun, saved - begun, cpu_after - cpu, server_after - server
    )


def loop(field: Field, namespace: str, count: int, *, flags: tuple[str, ...]) -> Measured:
    """`helm upgrade --install`, four at a time."""
    make_namespace(field.plane, namespace)
    records = _Records(field.plane, namespace)
    cpu, (_, server) = machine.waited_cpu_seconds(), _cpu_of(field)
    begun = time.time()
    with ThreadPoolExecutor(_PARALLEL) as pool:
        runs = [
            pool.submit(_helm, field, namespace, f"{namespace}-{number}", flags)
            for number in range(count)
        ]
    for one in runs:
        one.result()
    last = records.wait(count)
    cpu_after, (_, server_after) = machine.waited_cpu_seconds(), _cpu_of(field)
    wait(lambda: _available(field.plane, namespace) == count, what="deployments", every=0.1)
    ready = time.time()
    field.plane.kubectl("delete", "namespace", namespace)
    return Measured(last - begun, ready - begun, 0.0, cpu_after - cpu, server_after - server)


def _helm(field: Field, namespace: str, name: str, flags: tuple[str, ...]) -> None:
    folder = field.options.directory / "loop"
    folder.mkdir(exist_ok=True)
    command = [
        str(binaries().helm),
        "upgrade",
        "--install",
        name,
        str(field.chart),
        "-n",
        namespace,
    ]
    done = subprocess.run(
        [*command, *flags],
        env={"HOME": str(folder), "KUBECONFIG": str(field.plane.kubeconfig), "PATH": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ControlPlaneError(f"helm upgrade {name}: {done.stderr[-500:]}")


class _Records:
    """Helm's records of one namespace, as the audit log shows them."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._witness = Witness(plane)
        self._namespace = namespace
        self._written: dict[str, float] = {}

    def wait(self, count: int) -> float:
        """When the last of `count` records was written."""
        wait(lambda: self._look() >= count, what=f"{count} Helm records in {self._namespace}")
        return max(self._written.values())

    def _look(self) -> int:
        for event in self._witness.events():
            found = record_written(event)
            if found is not None and found[0] == self._namespace:
                self._written.setdefault(found[1], found[2])
        return len(self._written)


def _cpu_of(field: Field) -> tuple[float, float]:
    """The portal with its helm processes, and the API server."""
    server = field.plane.pids["kube-apiserver"]
    return machine.cpu_seconds([field.portal.pid]), machine.cpu_seconds([server])


def _ready(portal: Portal, namespace: str) -> int:
    sql = "SELECT count(*) FROM apps_release WHERE namespace = ? AND ready = 'True'"
    return int(portal.home.query(sql, namespace)[0][0])


def _available(plane: ControlPlane, namespace: str) -> int:
    found = plane.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
    return sum(1 for item in found if item["status"].get("availableReplicas"))


def _remove(field: Field, namespace: str, names: list[str]) -> None:
    """Each round begins with an empty portal and an empty cluster."""
    statuses = field.portal.home.query(
        "SELECT DISTINCT helm_status FROM apps_release WHERE namespace = ?", namespace
    )
    if statuses != [("deployed",)]:
        raise ControlPlaneError(f"releases in {namespace} are {statuses}")
    for name in names:
        field.portal.call("DELETE", f"applications/{name}")
    for name in names:
        wait(partial(field.portal.gone, f"applications/{name}"), what=f"{name} gone")
    field.plane.kubectl("delete", "namespace", namespace)


BENCH = Bench(
    name="deploy",
    work="applications of the chart of `helm create`, saved → deployed, beside the Helm loop",
    unit="applications",
    scale=50,
    rounds=3,
    run=run,
)
