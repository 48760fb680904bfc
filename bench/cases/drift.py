"""Somebody edits an object of ours with kubectl: how long until it is put back.

Two sorts: config maps of a config item, and Deployments of Helm releases whose
drift is to be corrected. From the edit to the correction, both as the API
server's audit log has them. No object is edited more often than it is
corrected: nobody is corrected for ever.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bench.frame import Bench, Found, Options, median, percentile
from bench.planes import (
    Witness,
    cluster,
    helm_chart,
    is_write,
    make_namespace,
    object_written,
)
from bench.portal import Home, Portal
from bench.waiting import wait
from tools.controlplane import ControlPlane

_ITEM = "settings"
_NAMESPACE = "shop"
_WARM_UP = 4


@dataclass(frozen=True, slots=True)
class Edit:
    """One object, and what somebody does to it."""

    resource: str
    namespace: str
    name: str
    patch: object

    def healed(self, plane: ControlPlane) -> float:
        """Seconds from the edit to the correction."""
        witness = Witness(plane)
        words = ("patch", self.resource, self.name, "--type=merge", "-p", json.dumps(self.patch))
        plane.kubectl("-n", self.namespace, *words)
        seen: list[float] = []

        def corrected() -> bool:
            for event in filter(is_write, witness.events()):
                found = object_written(event, self.name, resource=self.resource)
                if found is not None and found[0] == self.namespace:
                    seen.append(found[2])
            return len(seen) >= 2

        wait(corrected, what=f"{self.namespace}/{self.name}", seconds=30.0, every=0.02)
        return seen[1] - seen[0]


def run(options: Options) -> Found:
    """Each round edits every object once: first those of config items, then those of releases."""
    times: dict[str, list[float]] = {"config": [], "release": []}
    with (
        cluster(options, pods=options.scale * 4) as plane,
        Portal(Home(options.directory)) as portal,
    ):
        portal.import_cluster(plane)
        spare, *releases = _releases(options, plane, portal)
        _warm(plane, spare)
        for round_ in range(options.rounds):
            maps = _config_maps(options, portal, round_)
            _warm(plane, maps[0])
            for sort, edits in (("config", maps), ("release", releases)):
                found = [edit.healed(plane) for edit in edits]
                options.say(
                    f"  round {round_} {sort:<7} median {median(found):.3f} s, worst {max(found):.3f} s"
                )
                times[sort] += found
    return Found({}, _figures(times))


def _figures(times: dict[str, list[float]]) -> dict[str, float]:
    """`p50_seconds` and `p99_seconds` are those of the slower sort."""
    figures = {
        f"{sort}_p{share}_seconds": percentile(found, share)
        for sort, found in times.items()
        for share in (50, 99)
    }
    worst = {
        f"p{share}_seconds": max(figures[f"{sort}_p{share}_seconds"] for sort in times)
        for share in (50, 99)
    }
    return {**worst, **figures, "edits": float(sum(map(len, times.values())))}


def _warm(plane: ControlPlane, edit: Edit) -> None:
    """The watch begins some seconds after the first object came."""
    for _ in range(_WARM_UP):
        edit.healed(plane)


def _config_maps(options: Options, portal: Portal, round_: int) -> Sequence[Edit]:
    """The copies of an item of this round."""
    name = f"{_ITEM}-{round_}"
    namespaces = [f"n{number}" for number in range(options.scale)]
    spec = {"namespaces": namespaces, "data": {"color": "blue"}, "placement": {"selector": "*"}}
    portal.call("PUT", f"configitems/{name}", {"spec": spec})
    wanted = options.scale * (round_ + 1)
    wait(lambda: _ready(portal, "fleet_configcopy") == wanted, what="copies", every=0.2)
    return [Edit("configmaps", one, name, {"data": {"color": "red"}}) for one in namespaces]


def _releases(options: Options, plane: ControlPlane, portal: Portal) -> Sequence[Edit]:
    """Releases of the chart that `helm create` makes, one more than is measured: it warms up."""
    make_namespace(plane, _NAMESPACE)
    portal.upload(helm_chart(options.directory))
    names = [f"sample-{number}" for number in range(options.scale + 1)]
    for name in names:
        spec = {
            "chart": "local/sample",
            "namespace": _NAMESPACE,
            "placement": {"selector": "*"},
            "driftPolicy": "correct",
        }
        portal.call("PUT", f"applications/{name}", {"spec": spec})
    wait(
        lambda: _ready(portal, "apps_release") == len(names),
        what="releases",
        seconds=300.0,
        every=0.2,
    )
    return [Edit("deployments", _NAMESPACE, name, {"spec": {"replicas": 2}}) for name in names]


def _ready(portal: Portal, table: str) -> int:
    found = portal.home.query(f"SELECT count(*) FROM {table} WHERE ready = 'True'")
    return int(found[0][0])


BENCH = Bench(
    name="drift",
    work="an object of a config item, or of a release, edited with kubectl → put back",
    unit="objects",
    scale=30,
    rounds=2,
    run=run,
)
