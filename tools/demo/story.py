"""What the demo does in the portal: a repository, two charts, one application, healthy."""

from __future__ import annotations

import time
from typing import Final

from tools.demo import charts
from tools.demo.errors import DemoError
from tools.demo.rest import Json, Rest

REPOSITORY: Final = "demo"
APPLICATION: Final = "shop"
NAMESPACE: Final = "shop"
_HEALTHY_SECONDS: Final = 180.0


def add_charts(portal: Rest) -> None:
    """A local repository with the charts of charts/demo."""
    if portal.find(f"repositories/{REPOSITORY}") is None:
        spec = {"type": "local", "description": "Charts of the demo, kept in the portal itself"}
        portal.send("PUT", f"repositories/{REPOSITORY}", {"spec": spec})
    for archive in charts.archives():
        portal.upload(f"repositories/{REPOSITORY}/charts", archive)


def deploy(portal: Rest, clusters: list[str]) -> None:
    """The shop on these clusters, with one more pod on the first; left alone when it is there."""
    if portal.find(f"applications/{APPLICATION}") is not None:
        return
    more = {clusters[0]: {"values": {"replicaCount": 3}}}
    spec = {
        "chart": f"{REPOSITORY}/shop",
        "namespace": NAMESPACE,
        "values": "page:\n  title: The little shop\n",
        "placement": {"clusters": clusters, "overrides": more},
    }
    portal.send("PUT", f"applications/{APPLICATION}", {"spec": spec})


def await_healthy(portal: Rest) -> None:
    """Until the portal has seen the present revision healthy everywhere; raises DemoError."""
    deadline = time.monotonic() + _HEALTHY_SECONDS
    while not _healthy(found := portal.get(f"applications/{APPLICATION}")):
        if time.monotonic() > deadline:
            raise DemoError(f"the application is not healthy: {_why(found)}")
        time.sleep(0.3)


def _healthy(application: Json) -> bool:
    status = application["status"]
    seen = status["observedGeneration"] >= application["metadata"]["generation"]
    return bool(seen and status["ready"] == "True")


def _why(application: Json) -> str:
    conditions = application["status"]["conditions"]
    said = [str(one["message"]) for one in conditions if one["type"] == "Ready"]
    return (said or ["nothing was observed"])[0]
