"""From a commit to the start of the reconcile that it asked for, through the running portal."""

from __future__ import annotations

from bench.frame import Bench, Found, Options, median, percentile
from bench.planes import cluster, helm_chart
from bench.portal import Home, Portal


def run(options: Options) -> Found:
    """The commits come from a process of their own, as a web process makes them."""
    with cluster(options) as plane, Portal(Home(options.directory)) as portal:
        portal.import_cluster(plane)
        portal.upload(helm_chart(options.directory))
        portal.call("POST", f"clusters/{plane.name}/suspend")
        spec = {"chart": "local/sample", "namespace": "x", "placement": {"clusters": [plane.name]}}
        portal.call("PUT", "applications/queue", {"spec": spec})
        waits = portal.home.inside("commits", str(options.scale))["milliseconds"]
    figures = {
        "p50_ms": median(waits),
        "p90_ms": percentile(waits, 90),
        "p99_ms": percentile(waits, 99),
        "max_ms": max(waits),
    }
    return Found({}, figures)


BENCH = Bench(
    name="queue",
    work="from a commit to the claim of its release by a worker",
    unit="commits",
    scale=200,
    rounds=1,
    run=run,
)
