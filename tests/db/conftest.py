"""The portal over its REST API, with clusters that are rows only: no network is touched.

The one thing replaced is the try of a connection (`connection_check`), which has its own tests
against real API servers in `tests/controlplane`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.core import cache as django_cache
from django.db import connection, transaction
from rest_framework.test import APIClient

from accounts.models import User
from apps import queries
from fleet.connection import Connection
from fleet.services import clusters
from fleet.services.clusters import Checked
from tests.authorization import servers as table_servers
from tests.authorization import world as world_builder
from tests.authorization.world import World
from tests.portal import Portal, chart, web_chart

Json = dict[str, Any]
# The same bytes each time: an archive holds the second in which it was packed.
web = cache(web_chart)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tables of models that ours replaced stay empty, refer to users, and forbid PostgreSQL a flush."""
    replaced = [m for m in django_apps.get_models(include_swapped=True) if m._meta.swapped]
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for model in replaced:
            cursor.execute(f"DROP TABLE IF EXISTS {model._meta.db_table}")


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    """Digests of test charts repeat from test to test, their rows do not."""
    yield
    queries._defaults.cache_clear()
    django_cache.cache.clear()


@dataclass
class Clusters:
    """Who answers at which server: an identity, an error, or None for nobody."""

    answers: dict[str, Any] = field(default_factory=dict)
    tried: list[Connection] = field(default_factory=list)

    def check(self, connection: Connection) -> Checked:
        self.tried.append(connection)
        answer = self.answers.get(connection.server, f"uid of {connection.server}")
        if isinstance(answer, Exception):
            raise answer
        return Checked(connection, answer)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Clusters:
    fake = Clusters()
    monkeypatch.setattr(clusters, "connection_check", fake.check)
    return fake


@pytest.fixture
def admin_user(db: None) -> User:
    return User.objects.create_superuser("admin", "admin@example.org", "a-long-password")


@pytest.fixture
def portal(admin_user: User, servers: Clusters) -> Portal:
    client = APIClient()
    client.force_authenticate(admin_user)
    return Portal(client)


def add_cluster(
    portal: Portal, name: str, *, labels: dict[str, str] | None = None, **spec: Any
) -> Json:
    """A cluster by its document, with a token that tests look for where it must not be."""
    wanted = {
        "server": f"https://{name}.example.org:6443",
        "credential": {"token": f"canary-token-of-{name}"},
        **spec,
    }
    return portal.call(
        "put", f"clusters/{name}", {"metadata": {"labels": labels or {}}, "spec": wanted}
    )


@pytest.fixture
def fleet(portal: Portal) -> Portal:
    """Two clusters and a local repository with two versions of the chart `web`."""
    add_cluster(portal, "one", labels={"env": "prod"})
    add_cluster(portal, "two", labels={"env": "test"})
    portal.local_repository(web("0.1.0"), web("0.2.0"))
    return portal


def application(**spec: Any) -> Json:
    """The spec of an application of the chart `web`, on both clusters unless told."""
    return {
        "chart": "local/web",
        "version": "0.1.0",
        "namespace": "shop",
        "placement": {"clusters": ["one", "two"]},
        **spec,
    }


def schema_chart() -> bytes:
    """A chart with a values schema."""
    schema = (
        """{"type": "object", "properties": {"replicaCount": {"type": "integer", "maximum": 3}}}"""
    )
    text = "replicaCount: 1\n"
    return chart("strict", "1.0.0", **{"values.schema.json": schema, "values.yaml": text})


def counts() -> dict[str, int]:
    """How many rows each table has: what a refused request must not change."""
    return {
        model._meta.label: model._base_manager.count()
        for model in django_apps.get_models()
        if model._meta.label not in {"accounts.AuditEntry", "sessions.Session"}
    }


def error(
    portal: Portal, method: str, path: str, body: Any = None, *, code: int, **headers: str
) -> Json:
    """The one error form of a refused request."""
    answer = portal.call(method, path, body, code=code, **headers)
    assert set(answer) == {"error"}, answer
    assert set(answer["error"]) == {"code", "message", "field", "hint", "requestId", "data"}
    return dict(answer["error"])


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The world of tests/authorization.yaml, made once per module and rolled back after it."""
    with (
        django_db_blocker.unblock(),
        pytest.MonkeyPatch.context() as patch,
        transaction.atomic(),
    ):
        patch.setattr(clusters, "connection_check", table_servers.answering)
        yield world_builder.build()
        transaction.set_rollback(True)
