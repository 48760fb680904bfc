"""A pass over releases and config copies of which nothing changed.

One release is really deployed and seen ready; the others are copies of its rows
(bench/inside/idle.py). Witnesses: a program in front of Helm that counts its
starts, and the API server's audit log for writes.
"""

from __future__ import annotations

from pathlib import Path

from bench.frame import Bench, Found, Options, median, per_thousand
from bench.planes import Witness, cluster, helm_chart, is_write, make_namespace
from bench.portal import Home, Portal
from bench.waiting import wait
from tools.controlplane import ControlPlane, binaries, ensure_binaries

_NAMESPACE = "idle"
_APPLICATION = "idle"


def run(options: Options) -> Found:
    """Each round is one pass in a process of its own."""
    ensure_binaries(options.say)
    counted = _Counted(options.directory)
    home = Home(options.directory, helm=counted.program)
    with cluster(options, pods=1) as plane:
        with Portal(home) as portal:
            _deploy(portal, plane, helm_chart(options.directory))
        home.inside("idle", "copy", str(options.scale))
        home.inside("idle", "copy", str(options.scale), "configs")
        counted.forget()
        witness = Witness(plane)
        passes = [home.inside("idle", "pass") for _ in range(options.rounds)]
        configs = [home.inside("idle", "pass", "configs") for _ in range(options.rounds)]
        writes = sum(is_write(event) for event in witness.events())
    costs, config_costs = (
        [per_thousand(one["cpu_seconds"], one["due"]) for one in found]
        for found in (passes, configs)
    )
    return Found(
        {},
        {
            "cpu_seconds_per_1000": median(costs),
            "config_cpu_seconds_per_1000": median(config_costs),
            "helm_processes": counted.starts() / options.rounds,
            "cluster_writes": writes / options.rounds,
            "wall_seconds": median([one["wall_seconds"] for one in passes]),
            "still_due": max(one["left"] for one in [*passes, *configs]),
        },
    )


def _deploy(portal: Portal, plane: ControlPlane, chart: Path) -> None:
    portal.import_cluster(plane)
    portal.upload(chart)
    make_namespace(plane, _NAMESPACE)
    spec = {
        "chart": "local/sample",
        "namespace": _NAMESPACE,
        "placement": {"clusters": [plane.name]},
    }
    portal.call("PUT", f"applications/{_APPLICATION}", {"spec": spec})
    path = f"releases/{_APPLICATION}.{plane.name}"
    wait(lambda: portal.call("GET", path)["status"]["ready"] == "True", what=path, every=0.2)
    item = {"namespaces": [_NAMESPACE], "data": {"a": "b"}, "placement": {"selector": "*"}}
    portal.call("PUT", "configitems/idle", {"spec": item})
    path = f"configcopies/idle.{plane.name}.{_NAMESPACE}"
    wait(lambda: portal.call("GET", path)["status"]["ready"] == "True", what=path, every=0.2)


class _Counted:
    """Helm behind a script that notes each start."""

    def __init__(self, directory: Path) -> None:
        self.program = directory / "counted-helm"
        self._log = directory / "helm-starts"
        self.program.write_text(
            f'#!/bin/sh\necho started >> "{self._log}"\nexec "{binaries().helm}" "$@"\n'
        )
        self.program.chmod(0o755)

    def forget(self) -> None:
        self._log.write_text("")

    def starts(self) -> int:
        return len(self._log.read_text().splitlines())


BENCH = Bench(
    name="idle",
    work="a full pass over releases and config copies of which nothing changed",
    unit="releases",
    scale=1000,
    rounds=5,
    run=run,
)
