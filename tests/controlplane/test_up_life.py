"""The whole portal as processes on a real cluster: deploys, comes to rest, hears of changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubecarrier.lib import keyfile
from tests.db.test_up import ROOT, START_SECONDS, Portal, environment, wait
from tests.portal import web_chart
from tools.controlplane import ControlPlane, binaries

Json = dict[str, Any]
_TOKEN = """
from accounts.services import tokens
from accounts.models import User
user = User.objects.create_user("ann", is_staff=True, is_superuser=True)
print(tokens.token_create(user=user, name="test")[1])
"""


class Client:
    """The REST API over HTTP with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self.token = url, token

    def send(self, method: str, path: str, body: Any = None) -> Json:
        packed = isinstance(body, bytes)
        request = urllib.request.Request(  # noqa: S310
            f"{self._url}/api/v1/{path}",
            data=body if packed or body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Token {self.token}",
                "Content-Type": "application/gzip" if packed else "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            text = answer.read()
        return dict(json.loads(text)) if text else {}

    def ready(self, path: str) -> bool:
        found = self.send("GET", path)
        current = found["status"]["observedGeneration"] >= found["metadata"]["generation"]
        return bool(found["status"]["ready"] == "True" and current)


@pytest.fixture
def portal(tmp_path: Path, _binaries: None) -> Iterator[Portal]:
    keyfile.create(tmp_path)
    settings = tmp_path / "secrets.env"
    more = f"KUBECARRIER_ALLOW_LOOPBACK=true\nKUBECARRIER_HELM={binaries().helm}\n"
    settings.write_text(settings.read_text() + more)
    running = Portal(tmp_path)
    try:
        wait(lambda: running.status("/readyz") == 200, START_SECONDS, lambda: running.said)
        yield running
    finally:
        running.stop()


def client_of(portal: Portal) -> Client:
    made = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", _TOKEN],
        env=environment(portal.home),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return Client(portal.url, made.stdout.strip())


def alarm(portal: Portal) -> tuple[int, int]:
    """What was raised, and what a pass took note of."""
    (row,) = portal.ask("SELECT alarm, alarm_seen FROM apps_release")
    return int(str(row[0])), int(str(row[1]))


def at_rest(portal: Portal) -> tuple[int, int]:
    """The alarms once none came for some seconds; fails when they never end."""
    for _ in range(6):
        before = alarm(portal)
        time.sleep(5)
        if alarm(portal) == before and before[0] == before[1]:
            return before
    raise AssertionError(f"no rest: {alarm(portal)}\n{portal.said}")


def test_deploys_rests_and_hears(portal: Portal, cluster_one: ControlPlane, namespace: str) -> None:
    said = lambda: portal.said  # noqa: E731
    client = client_of(portal)
    document = {"kubeconfig": cluster_one.kubeconfig.read_text(), "name": "one"}
    client.send("POST", "clusters/import", document)
    client.send("PUT", "repositories/local", {"spec": {"type": "local"}})
    client.send("POST", "repositories/local/charts", web_chart())
    spec = {
        "chart": "local/web",
        "version": "0.1.0",
        "namespace": namespace,
        "placement": {"clusters": ["one"]},
        "configMaps": [{"name": "beside", "data": {"a": "1"}}],
        "driftPolicy": "detect",
    }
    client.send("PUT", "applications/shop", {"spec": spec})
    wait(lambda: client.ready("applications/shop"), 180, said)
    quiet = at_rest(portal)

    # A controller that comes back lists again, and finds nothing new.
    os.kill(portal.pids()["controller"], signal.SIGTERM)
    wait(lambda: portal.said.count('"watching"') == 2, 120, said)
    assert at_rest(portal) == quiet

    cluster_one.kubectl("-n", namespace, "scale", "deployment/shop", "--replicas=2")
    wait(lambda: alarm(portal)[0] > quiet[0], 180, said)
    wait(lambda: alarm(portal)[0] == alarm(portal)[1], 60, said)
    quiet = at_rest(portal)

    cluster_one.kubectl("-n", namespace, "delete", "service/shop")
    wait(lambda: alarm(portal)[0] > quiet[0], 180, said)
    wait(lambda: not client.ready("applications/shop"), 120, said)
    at_rest(portal)
