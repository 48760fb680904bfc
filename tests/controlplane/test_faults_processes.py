"""Workers and databases that are killed while config items spread: written once, and to the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from kubecarrier.lib import keyfile
from tests.controlplane.config_items import data, save
from tests.controlplane.faults import behind_proxy, import_through, wait
from tests.controlplane.invariants import CONVERGED_SECONDS, Witness, invariants
from tests.controlplane.test_up_life import Client, client_of
from tests.db.test_up import START_SECONDS
from tests.db.test_up import Portal as Running
from tests.db.test_up import wait as wait_for
from tests.faultproxy import FaultProxy, Mode
from tests.portal import Portal, eventually
from tools import postgres
from tools.controlplane import ControlPlane, binaries

Json = dict[str, Any]
ITEMS = [f"settings-{number}" for number in range(6)]
_WORK = """
import django
django.setup()
from fleet.reconcilers.configcopy import ConfigCopyReconciler
from fleet.tasks import reconcile_config_copies
ConfigCopyReconciler.lease_seconds = 6.0
reconcile_config_copies()
"""


def worker() -> subprocess.Popen[bytes]:
    """Another process that reconciles config items on this test's database, with a short lease."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "kubecarrier.settings.test",
        "KUBECARRIER_DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
    }
    return subprocess.Popen([sys.executable, "-c", _WORK], env=environment)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_of_a_fan_out(
    portal: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """What it wrote and did not record is known as ours; the rest is done by the next one."""
    with behind_proxy(cluster_one) as proxy, invariants(cluster_one) as (witness,):
        import_through(portal, cluster_one, proxy)
        for name in ITEMS:
            save(portal, name, namespace, propagation="two-way", placement={"clusters": ["one"]})
        names = [f"configitems/{name}" for name in ITEMS]
        eventually(lambda: all(map(portal.ready, names)))
        made = witness.writes()["patch"]
        for name in names:
            portal.call("post", f"{name}/set", {"data": {"size": "2"}})
        proxy.behave(Mode.LATENCY, delay=0.4)
        child = worker()
        wait(lambda: witness.writes()["patch"] > made)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        done = witness.writes()["patch"] - made
        assert 0 < done < len(ITEMS), "in the middle"
        proxy.behave(Mode.FORWARD)
        eventually(lambda: all(map(portal.ready, names)), seconds=CONVERGED_SECONDS)
        for name in ITEMS:
            assert data(kubectl, cluster_one, namespace, name)["size"] == "2"
            assert witness.writes(name=name)["patch"] <= 3, "made, changed, at most once more"
            found = portal.call("get", f"configitems/{name}/revisions")["items"]
            assert len(found) == 2, "what it wrote came back as nobody's change"


@pytest.mark.django_db(transaction=True)
def test_a_worker_stopped_in_the_middle_of_a_fan_out(
    portal: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """Its lease is over while it stands still: when it goes on, its writes and records are refused."""
    with behind_proxy(cluster_one) as proxy, invariants(cluster_one) as (witness,):
        import_through(portal, cluster_one, proxy)
        for name in ITEMS:
            save(portal, name, namespace, propagation="two-way", placement={"clusters": ["one"]})
        names = [f"configitems/{name}" for name in ITEMS]
        eventually(lambda: all(map(portal.ready, names)))
        made = witness.writes()["patch"]
        for name in names:
            portal.call("post", f"{name}/set", {"data": {"size": "2"}})
        proxy.behave(Mode.LATENCY, delay=0.4)
        child = worker()
        try:
            wait(lambda: witness.writes()["patch"] > made)
            child.send_signal(signal.SIGSTOP)
            proxy.behave(Mode.FORWARD)
            eventually(lambda: all(map(portal.ready, names)), seconds=CONVERGED_SECONDS)
            for name in names:
                portal.call("post", f"{name}/set", {"data": {"size": "3"}})
            eventually(lambda: all(map(portal.ready, names)))
            child.send_signal(signal.SIGCONT)
            assert child.wait(60) == 0, "it went on to its end"
        finally:
            child.kill()
            child.wait()
        eventually(lambda: all(map(portal.ready, names)))
        for name in ITEMS:
            assert data(kubectl, cluster_one, namespace, name)["size"] == "3"
            found = portal.call("get", f"configitems/{name}/revisions")["items"]
            assert len(found) == 3


@pytest.fixture
def database() -> Iterator[postgres.Server]:
    try:
        with postgres.Server() as running:
            yield running
    except postgres.PostgresError as error:
        if os.environ.get("KUBECARRIER_REQUIRE_POSTGRES") == "1":
            raise
        pytest.skip(f"no PostgreSQL: {error}")


@pytest.fixture
def running(tmp_path: Path, database: postgres.Server, _binaries: None) -> Iterator[Running]:
    """`manage.py up` on PostgreSQL."""
    keyfile.create(tmp_path)
    settings = tmp_path / "secrets.env"
    more = (
        "KUBECARRIER_ALLOW_LOOPBACK=true\n"
        f"KUBECARRIER_HELM={binaries().helm}\n"
        f"KUBECARRIER_DATABASE_URL={database.url}\n"
    )
    settings.write_text(settings.read_text() + more)
    portal = Running(tmp_path)
    try:
        wait_for(lambda: portal.status("/readyz") == 200, START_SECONDS, lambda: portal.said)
        yield portal
    finally:
        portal.stop()


@dataclass(frozen=True, slots=True)
class Spread:
    """Config items on one cluster behind a proxy, whose change is in the middle of its fan-out."""

    client: Client
    proxy: FaultProxy
    witness: Witness

    def finished(self, url: str) -> bool:
        if answer(self.client, url)[0] != 200:
            return False
        return all(self.client.ready(f"configitems/{name}") for name in ITEMS)


@pytest.fixture
def spread(running: Running, cluster_one: ControlPlane, namespace: str) -> Iterator[Spread]:
    client = client_of(running)
    with behind_proxy(cluster_one) as proxy, invariants(cluster_one) as (witness,):
        text = cluster_one.kubeconfig.read_text().replace(cluster_one.server, proxy.url)
        client.send("POST", "clusters/import", {"kubeconfig": text, "name": "one"})
        for name in ITEMS:
            spec = {
                "namespaces": [namespace],
                "data": {"size": "1"},
                "propagation": "two-way",
                "placement": {"clusters": ["one"]},
            }
            client.send("PUT", f"configitems/{name}", {"spec": spec})
        made = Spread(client, proxy, witness)
        wait_for(lambda: made.finished(running.url), 120, lambda: running.said)
        before = witness.writes()["patch"]
        proxy.behave(Mode.LATENCY, delay=0.4)
        for name in ITEMS:
            client.send("POST", f"configitems/{name}/set", {"data": {"size": "2"}})
        wait(lambda: witness.writes()["patch"] > before)
        yield made


def written_once(spread: Spread, kubectl: Any, plane: ControlPlane, namespace: str) -> None:
    for name in ITEMS:
        assert data(kubectl, plane, namespace, name) == {"size": "2"}
        assert spread.witness.writes(name=name)["patch"] <= 3
        found = spread.client.send("GET", f"configitems/{name}/revisions")["items"]
        assert len(found) == 2, "what was written came back as nobody's change"


@pytest.mark.slow
def test_the_database_is_killed_in_the_middle_of_a_fan_out(
    running: Running,
    database: postgres.Server,
    spread: Spread,
    cluster_one: ControlPlane,
    namespace: str,
    kubectl: Any,
) -> None:
    """Away for 20 s: 503 with a time and never 500; then everything is finished unaided."""
    database.kill()
    spread.proxy.behave(Mode.FORWARD)
    answers = []
    ends_at = time.monotonic() + 20
    while time.monotonic() < ends_at:
        answers.append(answer(spread.client, running.url))
        time.sleep(0.5)
    assert {status for status, _ in answers} == {503}, answers
    assert all(after.isdigit() for _, after in answers), "and when to come again"
    database.start()
    wait_for(lambda: spread.finished(running.url), CONVERGED_SECONDS, lambda: running.said)
    written_once(spread, kubectl, cluster_one, namespace)


@pytest.mark.slow
def test_every_connection_to_the_database_is_cut_in_the_middle_of_a_fan_out(
    running: Running,
    database: postgres.Server,
    spread: Spread,
    cluster_one: ControlPlane,
    namespace: str,
    kubectl: Any,
) -> None:
    """The backends of whoever holds a lease too: what they had begun is finished by the next."""
    with psycopg.connect(database.url, autocommit=True) as other:
        cut = other.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert cut is not None
    assert cut[0] > 0
    spread.proxy.behave(Mode.FORWARD)
    assert answer(spread.client, running.url)[0] in {200, 503}
    wait_for(lambda: spread.finished(running.url), CONVERGED_SECONDS, lambda: running.said)
    written_once(spread, kubectl, cluster_one, namespace)


def answer(client: Client, url: str) -> tuple[int, str]:
    """Status and `Retry-After` of a list."""
    request = urllib.request.Request(  # noqa: S310
        f"{url}/api/v1/configitems", headers={"Authorization": f"Token {client.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as found:  # noqa: S310
            return int(found.status), ""
    except urllib.error.HTTPError as error:
        with error:
            json.loads(error.read())  # the one form of errors
            return error.code, str(error.headers.get("Retry-After", ""))
