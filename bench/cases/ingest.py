"""A cluster's pods into the inventory, against a raw list of them with nothing but parsing."""

from __future__ import annotations

from bench.frame import Bench, Found, Options, median, ratio
from bench.planes import cluster
from bench.portal import Home


def run(options: Options) -> Found:
    """Both sides in one process, in turns, against one API server."""
    home = Home(options.directory)
    with cluster(options) as plane:
        filled = home.inside("ingest", "fill", str(plane.kubeconfig), str(options.scale))
        options.say(f"{filled['pods']:.0f} pods are there")
        found = home.inside("ingest", "measure", str(options.rounds))
    for ours, raw in zip(found["ours"], found["raw"], strict=True):
        options.say(f"ours {ours:.2f} s, raw {raw:.2f} s")
    return Found(
        {"raw": ratio(found["ours"], found["raw"])},
        {
            "objects_per_second": median([found["objects"] / one for one in found["ours"]]),
            "mib_per_cluster": median(found["mib"]),
            "mib_at_most": max(found["peak_mib"]),
            "ours_seconds": median(found["ours"]),
            "raw_seconds": median(found["raw"]),
            "changes_write_seconds": found["write_seconds"],
            "changes_lag_seconds": found["lag_seconds"],
            "objects": found["objects"],
        },
    )


BENCH = Bench(
    name="ingest",
    work="the first list of a cluster's pods into the inventory, then 1000 changes",
    unit="pods",
    scale=10_000,
    rounds=3,
    run=run,
)
