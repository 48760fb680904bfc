"""The views of health and figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from accounts.services import tokens
from fleet.models import Cluster
from kubecarrier import health, heartbeats, metric_families
from kubecarrier.lib.audit import unaudited
from kubecarrier.lib.tasks import enqueue
from kubecarrier.models import Heartbeat
from tests.db.rights import bind

pytestmark = pytest.mark.django_db


@pytest.fixture
def everyone_beats() -> None:
    for name in (heartbeats.CONTROLLER, "worker:default@here", "worker:helm@here"):
        heartbeats.beat(name)


@pytest.fixture
def person() -> User:
    return User.objects.create_user("ann", password="a long password", is_staff=True)


def fall_silent(name: str) -> None:
    silent = Heartbeat.objects.get(name=name)
    silent.beat_at = silent.beat_at - timedelta(seconds=30)
    silent.save()


def test_live_looks_at_nothing(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/livez")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert client.post("/livez").status_code == 405


@pytest.mark.usefixtures("everyone_beats")
def test_ready(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": dict.fromkeys(health.CHECKS, True)}


@pytest.mark.usefixtures("everyone_beats")
def test_a_silent_group_is_not_ready_and_details_are_for_operators(
    client: Client, person: User
) -> None:
    fall_silent("worker:helm@here")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["worker helm"] is False
    assert "detail" not in answer.json()
    client.force_login(person)
    assert "detail" not in client.get("/readyz").json()
    bind(person, "editor")
    assert client.get("/readyz").json()["detail"] == {"worker helm": "no heartbeat within 20 s"}


def test_without_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise DatabaseError("secret address")

    monkeypatch.setitem(health.CHECKS, "database", broken)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert b"secret" not in answer.content


def figures(client: Client, **headers: str) -> dict[str, dict[tuple[str, ...], float]]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return {
        family.name: {tuple(s.labels.values()): s.value for s in family.samples}
        for family in text_string_to_metric_families(answer.content.decode())
    }


def test_figures(client: Client) -> None:
    Cluster(name="one", server="https://example.org").save()
    with unaudited("test"):
        Cluster.objects.update(ready="True")
    enqueue("fleet.tasks.probe_clusters")
    heartbeats.beat("worker:default@here")
    found = figures(client)
    assert found["kubecarrier_rows"]["Cluster", "True"] == 1
    assert found["kubecarrier_rows"]["Release", "False"] == 0
    assert found["kubecarrier_due_rows"][("Cluster",)] == 1
    assert found["kubecarrier_due_oldest_seconds"][("Cluster",)] < 60
    assert found["kubecarrier_queue_tasks"]["default", "waiting"] == 1
    assert found["kubecarrier_queue_tasks"]["helm", "waiting"] == 0
    assert found["kubecarrier_heartbeat_age_seconds"][("worker:default@here",)] < 60
    assert found["kubecarrier_release_series_truncated"][()] == 0


def test_figures_cost_a_bounded_number_of_queries(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    beside = 3  # the queue, the heartbeats, the releases
    with django_assert_max_num_queries(2 * len(metric_families.kinds()) + beside):
        figures(client)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_figures_are_not_for_strangers(client: Client, header: str) -> None:
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 404
    assert client.get("/metrics", headers={header: "10.0.0.9"}).status_code == 404
    wrong = {"Authorization": "Token kc_nonsense", header: "10.0.0.9"}
    assert client.get("/metrics", headers=wrong).status_code == 404


def test_figures_for_whoever_may_and_his_tokens(client: Client, person: User) -> None:
    bind(person, "editor")
    _, secret = tokens.token_create(user=person, name="prometheus")
    token = {"Authorization": f"Token {secret}"}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers=token).status_code == 200
    client.force_login(person)
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 200
    person.bindings.get().delete()
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers=token).status_code == 404
