"""What the demo does in the portal: charts, an application, a config item, and a change to decide on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final

from tools.controlplane import ControlPlane
from tools.demo import charts
from tools.demo.errors import DemoError
from tools.demo.rest import Json, Rest

REPOSITORY: Final = "demo"
APPLICATION: Final = "shop"
NAMESPACE: Final = "shop"
CONFIG: Final = "shop-settings"
_CONFIG_SECONDS: Final = 60.0
_OTHER: Final = {"data": {"currency": "NOK"}}
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


def configure(portal: Rest, clusters: list[str], planes: list[ControlPlane]) -> None:
    """The shop's settings on these clusters; on one of the demo's own, somebody changes them.

    That change waits in the inbox. Left alone when the settings are there already.
    """
    if portal.find(f"configitems/{CONFIG}") is not None:
        return
    spec = {
        "namespaces": [NAMESPACE],
        "data": {"currency": "EUR", "banner": "Free delivery this week"},
        "placement": {"clusters": clusters, "overrides": {clusters[-1]: _OTHER}},
        "propagation": "inbox",
        "description": "Kept the same on every cluster; a change made there is asked about",
    }
    portal.send("PUT", f"configitems/{CONFIG}", {"spec": spec})
    _await(lambda: _healthy(portal.get(f"configitems/{CONFIG}")), "the config item is not in place")
    if not planes:
        return
    patch = json.dumps({"data": {"banner": "Closed for stocktaking"}})
    planes[0].kubectl("patch", "configmap", CONFIG, "-n", NAMESPACE, "--type=merge", "-p", patch)
    found = f"configconflicts?item={CONFIG}"
    _await(lambda: bool(portal.get(found)["items"]), "the change was not noticed")


def _await(seen: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _CONFIG_SECONDS
    while not seen():
        if time.monotonic() > deadline:
            raise DemoError(f"{otherwise} within {_CONFIG_SECONDS:.0f} s")
        time.sleep(0.3)


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
