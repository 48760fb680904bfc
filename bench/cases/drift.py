"""Somebody edits an object of ours with kubectl: how long until it is put back.

From the edit to the correction, both as the API server's audit log has them.
Every edit is of another object, for nobody is corrected for ever.
"""

from __future__ import annotations

import json

from bench.frame import Bench, Found, Options, median, percentile
from bench.planes import Witness, api_servers, object_written
from bench.portal import Home, Portal
from bench.waiting import wait
from tools.controlplane import ControlPlane

_ITEM = "settings"


def run(options: Options) -> Found:
    """Each round edits every object once."""
    times: list[float] = []
    with api_servers(options, 1) as [plane], Portal(Home(options.directory)) as portal:
        portal.import_cluster(plane)
        for round_ in range(options.rounds):
            name = f"{_ITEM}-{round_}"
            namespaces = [f"n{number}" for number in range(options.scale)]
            spec = {
                "namespaces": namespaces,
                "data": {"color": "blue"},
                "placement": {"selector": "*"},
            }
            portal.call("PUT", f"configitems/{name}", {"spec": spec})
            wait(lambda: _ready(portal) == options.scale * (round_ + 1), what="copies", every=0.2)  # noqa: B023
            _warm(plane, name, namespaces)
            found = [_healed(plane, name, namespace) for namespace in namespaces]
            options.say(f"  round {round_} median {median(found):.3f} s, worst {max(found):.3f} s")
            times += found
    return Found(
        {},
        {
            "p50_seconds": percentile(times, 50),
            "p99_seconds": percentile(times, 99),
            "edits": float(len(times)),
        },
    )


def _ready(portal: Portal) -> int:
    return int(
        portal.home.query("SELECT count(*) FROM fleet_configcopy WHERE ready = 'True'")[0][0]
    )


def _warm(plane: ControlPlane, name: str, namespaces: list[str]) -> None:
    """The watch begins some seconds after the first copy came."""
    for _ in range(4):
        _healed(plane, name, namespaces[0])


def _healed(plane: ControlPlane, name: str, namespace: str) -> float:
    """Seconds from the edit to the correction of one object."""
    witness = Witness(plane)
    patch = json.dumps({"data": {"color": "red"}})
    plane.kubectl("-n", namespace, "patch", "cm", name, "--type=merge", "-p", patch)
    seen: list[float] = []

    def corrected() -> bool:
        for event in witness.events():
            found = object_written(event, name)
            if found is not None and found[0] == namespace:
                seen.append(found[2])
        return len(seen) >= 2

    wait(corrected, what=f"{namespace}/{name}", seconds=30.0, every=0.02)
    return seen[1] - seen[0]


BENCH = Bench(
    name="drift",
    work="an object of a config item edited with kubectl → put back",
    unit="objects",
    scale=30,
    rounds=2,
    run=run,
)
