"""Real controller processes on a real cluster: events arrive, and a killed one is replaced."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kubecarrier.lib import keyfile
from tools.controlplane import ControlPlane

ROOT = Path(__file__).parents[2]
TAKEOVER_SECONDS = 30.0

_SETUP = """
import json, sys
from apps.models import Application, ApplicationRevision, Release
from fleet.kubeconfig import choose_context
from fleet.models import Cluster
from fleet.services.clusters import _set_connection
from django.utils import timezone
from datetime import timedelta

given = json.loads(sys.argv[1])
row = Cluster(name="one")
_set_connection(row, choose_context(open(given["kubeconfig"]).read()).connection)
row.save()
application = Application(name="web", chart="local/web", namespace=given["namespace"])
application.save()
revision = ApplicationRevision(application=application, number=1, spec={})
revision.save()
release = Release(application=application, cluster=row, name="web.one", release_name="web",
                  namespace=given["namespace"], revision=revision, wanted_version="1",
                  desired_digest="d")
release.save()
later = timezone.now() + timedelta(days=1)
Release.objects.filter(pk=release.pk).status_update(
    objects_seen=given["objects"], next_reconcile_at=later)
"""


class Home:
    """A portal's home with one release on one cluster, and its controllers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.controllers: list[subprocess.Popen[bytes]] = []
        keyfile.create(folder)

    def manage(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("KUBECARRIER_")}
        kept.pop("DJANGO_SETTINGS_MODULE", None)
        own = {"KUBECARRIER_HOME": str(self.folder), "KUBECARRIER_ALLOW_LOOPBACK": "true"}
        return kept | own

    def prepare(self, plane: ControlPlane, namespace: str, objects: list[dict[str, str]]) -> None:
        subprocess.run(self.manage("migrate", "-v0"), env=self.environment, check=True, timeout=60)
        given = {"kubeconfig": str(plane.kubeconfig), "namespace": namespace, "objects": objects}
        self.shell(f"import sys; sys.argv = ['', {json.dumps(json.dumps(given))}]\n{_SETUP}")

    def shell(self, code: str) -> None:
        """Run something in the portal's own Python."""
        words = self.manage("shell", "--no-imports", "-c", code)
        subprocess.run(words, env=self.environment, check=True, timeout=60)

    def start(self) -> subprocess.Popen[bytes]:
        started = subprocess.Popen(self.manage("controller"), env=self.environment)
        self.controllers.append(started)
        return started

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "kubecarrier.sqlite3", timeout=10)) as database:
            return database.execute(query).fetchall()

    @property
    def holder(self) -> str:
        """Process id of the holder; "" while nobody holds the cluster."""
        rows = self.ask("SELECT holder FROM fleet_watchlease")
        return str(rows[0][0]).rpartition("-")[2] if rows else ""

    @property
    def alarm(self) -> int:
        return int(str(self.ask("SELECT alarm FROM apps_release")[0][0]))

    def stop(self) -> None:
        for one in self.controllers:
            if one.poll() is None:
                one.terminate()
        for one in self.controllers:
            one.wait(20)

    def inventory(self, name: str) -> bool:
        """Whether the inventory shows an object of that name."""
        rows = self.ask(f"SELECT 1 FROM fleet_inventoryobject WHERE name = '{name}'")  # noqa: S608
        return bool(rows)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def until(found: Callable[[], object], seconds: float) -> float:
    begun = time.monotonic()
    while not found():
        assert time.monotonic() - begun < seconds
        time.sleep(0.1)
    return time.monotonic() - begun


def config_map(plane: ControlPlane, namespace: str) -> dict[str, str]:
    """An object as Helm would have made it, and its entry on the release's row."""
    metadata = {
        "name": f"settings-{uuid.uuid4().hex[:6]}",
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {
            "meta.helm.sh/release-name": "web",
            "meta.helm.sh/release-namespace": namespace,
        },
    }
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    made = plane.api.post(path, {"metadata": metadata, "data": {"key": "value"}})["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "namespace": namespace,
        "name": made["name"],
        "uid": made["uid"],
        "generation": f"rv:{made['resourceVersion']}",
    }


def test_changes_raise_alarms_and_a_killed_controller_is_replaced(
    home: Home, cluster_one: ControlPlane, namespace: str
) -> None:
    first, second = config_map(cluster_one, namespace), config_map(cluster_one, namespace)
    home.prepare(cluster_one, namespace, [first, second])
    holder = home.start()
    until(lambda: home.holder == str(holder.pid), 30)
    other = home.start()
    time.sleep(8)  # both have looked at the leases; the first list told nothing new
    assert home.alarm == 0

    cluster_one.kubectl("-n", namespace, "delete", "configmap", first["name"])
    heard = until(lambda: home.alarm == 1, 5)
    assert heard < 3

    holder.send_signal(signal.SIGKILL)
    holder.wait()
    # Nobody is watching now: the next holder's first list must find it out.
    cluster_one.kubectl("-n", namespace, "delete", "configmap", second["name"])
    until(lambda: home.holder == str(other.pid), TAKEOVER_SECONDS)
    until(lambda: home.alarm > 1, 10)

    other.terminate()  # a clean stop frees the cluster and leaves no heartbeat
    assert other.wait(15) == 0
    assert home.holder == ""
    names = [str(name) for (name,) in home.ask("SELECT name FROM kubecarrier_heartbeat")]
    assert not [name for name in names if name.endswith(f"-{other.pid}")]


_CATALOGUE = (
    "from fleet.tasks import probe_clusters, read_catalogues; probe_clusters(); read_catalogues()"
)


def test_another_controller_takes_the_inventory_over(
    home: Home, cluster_one: ControlPlane, namespace: str
) -> None:
    """What came while nobody watched is shown once it watches: within half a minute of the kill."""

    def create(name: str) -> None:
        cluster_one.kubectl("-n", namespace, "create", "configmap", name)

    home.prepare(cluster_one, namespace, [])
    home.shell(_CATALOGUE)
    first, second, third = (f"seen-{uuid.uuid4().hex[:8]}" for _ in range(3))
    create(first)
    holder = home.start()
    until(lambda: home.holder == str(holder.pid), 30)
    until(lambda: home.inventory(first), 30)
    other = home.start()
    time.sleep(8)  # both have looked at the leases
    holder.send_signal(signal.SIGKILL)
    assert holder.wait() == -signal.SIGKILL
    create(second)
    assert not home.inventory(second)
    until(lambda: home.inventory(second), TAKEOVER_SECONDS)
    assert home.holder == str(other.pid)
    create(third)
    until(lambda: home.inventory(third), 10)
