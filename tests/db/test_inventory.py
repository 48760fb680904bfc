"""The inventory's rows, its search and its API, without a cluster."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from fleet.inventory import rows, search
from fleet.inventory.shapes import Shape
from fleet.inventory.watching import InventoryWatcher
from fleet.models import (
    Catalogue,
    Cluster,
    InventoryKind,
    InventoryObject,
    ResourceType,
    ServedResource,
)
from kubecarrier.lib import audit
from kubecarrier.lib.watching import Event, EventType, StreamState, WatchSpec

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]

PODS = WatchSpec("v1", "Pod", metadata_only=False, shape=Shape("v1", "Pod"))
SECRETS = WatchSpec("v1", "Secret", metadata_only=False, shape=Shape("v1", "Secret"))
DEPLOYMENTS = WatchSpec(
    "apps/v1", "Deployment", metadata_only=False, shape=Shape("apps/v1", "Deployment")
)


@pytest.fixture
def client() -> APIClient:
    found = APIClient()
    found.force_authenticate(
        User.objects.create_superuser("admin", "a@example.org", "a-long-password")
    )
    return found


@pytest.fixture
def one() -> Cluster:
    return cluster("one")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both ways of the search are walked: three rows are many."""
    monkeypatch.setattr(search, "_FEW", 3)
    yield


def cluster(name: str) -> Cluster:
    row = Cluster(name=name, server=f"https://{name}.example.org")
    row.save()
    return row


def told(
    spec: WatchSpec,
    name: str,
    *,
    kind: EventType = EventType.ADDED,
    version: str = "1",
    initial: bool = True,
    uid: str = "",
    labels: Json | None = None,
    owner: Json | None = None,
    **parts: Any,
) -> Event:
    metadata = {
        "uid": uid or f"uid-{spec.kind}-{name}",
        "name": name,
        "namespace": "shop",
        "resourceVersion": version,
        "labels": labels or {},
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "ownerReferences": [owner] if owner else [],
    }
    assert spec.shape
    return Event(kind, spec, spec.shape({"metadata": metadata, **parts}), initial=initial)


def listed(spec: WatchSpec, *names: str) -> Event:
    return Event(EventType.LISTED, spec, present=frozenset(("shop", name) for name in names))


def names(**filters: Any) -> list[str]:
    return sorted(InventoryObject.objects.filter(**filters).values_list("name", flat=True))


def get(client: APIClient, **query: Any) -> list[Json]:
    answer = client.get("/api/v1/inventory", query)
    assert answer.status_code == 200, answer.json()
    found: list[Json] = answer.json()["items"]
    return found


def found(client: APIClient, **query: Any) -> list[str]:
    return [item["metadata"]["name"] for item in get(client, **query)]


# --- rows ----------------------------------------------------------------------------------------


def test_a_batch_is_one_transaction_and_a_second_writes_nothing(
    one: Cluster, django_assert_max_num_queries: Any
) -> None:
    batch = [told(PODS, f"web-{number}") for number in range(40)]
    assert rows.take(one.pk, [*batch, listed(PODS, *(f"web-{n}" for n in range(40)))]) == {
        ("", "Pod")
    }
    assert len(names()) == 40
    watched = InventoryKind.objects.get()
    assert watched.listed_at
    assert not watched.is_stale
    with django_assert_max_num_queries(1):
        assert rows.take(one.pk, batch) == set()


def test_changes_and_deletions(one: Cluster) -> None:
    rows.take(one.pk, [told(PODS, "a"), told(PODS, "b")])
    pending = {"phase": "Pending"}
    rows.take(
        one.pk,
        [
            told(PODS, "a", version="2", initial=False, status=pending),
            told(PODS, "b", kind=EventType.DELETED, initial=False),
            told(PODS, "c", initial=False),
            told(PODS, "c", kind=EventType.DELETED, initial=False),
        ],
    )
    assert names() == ["a"]
    row = InventoryObject.objects.get()
    assert (row.health, row.columns["status"], row.resource_version) == (
        "Progressing",
        "Pending",
        "2",
    )


def test_a_complete_list_removes_what_it_does_not_show(one: Cluster) -> None:
    other = cluster("two")
    rows.take(one.pk, [told(PODS, "a"), told(PODS, "b"), told(DEPLOYMENTS, "a")])
    rows.take(other.pk, [told(PODS, "a")])
    rows.take(one.pk, [listed(PODS, "b")])
    assert names(cluster=one, kind="Pod") == ["b"]
    assert names(cluster=one, kind="Deployment") == ["a"]
    assert names(cluster=other) == ["a"]


def test_an_object_of_the_same_batch_survives_an_earlier_list(one: Cluster) -> None:
    rows.take(one.pk, [listed(PODS), told(PODS, "new", initial=False)])
    assert names() == ["new"]


def test_an_object_that_was_replaced_unseen_is_one_row(one: Cluster) -> None:
    rows.take(one.pk, [told(PODS, "db-0", uid="old")])
    rows.take(one.pk, [told(PODS, "db-0", uid="new"), listed(PODS, "db-0")])
    assert [row.uid for row in InventoryObject.objects.all()] == ["new"]


def test_what_a_stopped_controller_tells_late_is_dropped(one: Cluster) -> None:
    rows.take(one.pk, [told(PODS, "a", version="10")])
    assert rows.take(one.pk, [told(PODS, "a", version="9", initial=False)]) == set()
    # A list shows a cluster that was restored from a backup.
    assert rows.take(one.pk, [told(PODS, "a", version="9")]) == {("", "Pod")}


def test_no_value_of_a_secret_is_kept(one: Cluster) -> None:
    canary = "Y2FuYXJ5"
    last = {"kubectl.kubernetes.io/last-applied-configuration": canary}
    event = told(SECRETS, "login", data={"password": canary, "user": canary}, type="Opaque")
    assert canary not in str(event)
    rows.take(one.pk, [event])
    row = InventoryObject.objects.get()
    assert row.columns == {"type": "Opaque", "keys": ["password", "user"]}
    assert canary not in str(row.__dict__)
    assert canary not in str(PODS.shape({"metadata": {"annotations": last}}))  # type: ignore[misc]


def test_what_the_database_refuses_does_not_hold_up_the_rest(one: Cluster) -> None:
    """PostgreSQL stores no NUL; a hostile server may send one anywhere."""
    bad = told(PODS, "bad", labels={"a": "b\0c"}, status={"phase": "Fai\0led", "message": "\0"})
    rows.take(one.pk, [told(PODS, "a"), bad, told(PODS, "b")])
    assert {"a", "b"} <= set(names())


def test_kinds_that_are_not_watched_any_more_leave(one: Cluster) -> None:
    rows.take(one.pk, [told(PODS, "a"), told(DEPLOYMENTS, "b"), listed(PODS, "a")])
    rows.take(one.pk, [listed(DEPLOYMENTS, "b")])
    rows.forget(one.pk, {("apps", "Deployment")})
    assert names() == ["b"]
    assert [row.kind for row in InventoryKind.objects.all()] == ["Deployment"]


# --- what is watched -----------------------------------------------------------------------------


def serve(one: Cluster, name: str, kind: str, *, custom: bool = False, **version: Any) -> None:
    plural, _, group = name.partition(".")
    row, _ = ResourceType.objects.get_or_create(
        name=name, defaults={"group": group, "plural": plural, "kind": kind, "custom": custom}
    )
    listed = [{"name": "v1", "verbs": ["get", "list", "watch"], **version}]
    ServedResource(cluster=one, type=row, versions=listed, seen_at=timezone.now()).save()


def catalogued(one: Cluster) -> None:
    row, _ = Catalogue.objects.get_or_create(cluster=one)
    Catalogue.objects.filter(pk=row.pk).status_update(read_at=timezone.now())


def test_nothing_is_watched_or_forgotten_before_the_catalogue_was_read(one: Cluster) -> None:
    rows.take(one.pk, [told(PODS, "a"), listed(PODS, "a")])
    assert InventoryWatcher().specs(one.pk) == []
    assert names() == ["a"]


def test_rules_of_the_cluster_decide(one: Cluster, django_assert_num_queries: Any) -> None:
    watcher = InventoryWatcher()
    for name, kind in [
        ("pods", "Pod"),
        ("endpoints", "Endpoints"),
        ("customresourcedefinitions.apiextensions.k8s.io", "CustomResourceDefinition"),
        ("tokenreviews.authentication.k8s.io", "TokenReview"),
    ]:
        verbs = ["create"] if kind == "TokenReview" else ["list", "watch"]
        serve(one, name, kind, verbs=verbs)
    serve(one, "certificates.cert-manager.io", "Certificate", custom=True)
    catalogued(one)
    definition = "CustomResourceDefinition"
    assert {spec.kind for spec in watcher.specs(one.pk)} == {"Pod", "Certificate", definition}
    with django_assert_num_queries(1):
        watcher.specs(one.pk)
    wanted = watcher.specs(one.pk)
    pods = next(spec for spec in wanted if spec.kind == "Pod")
    watcher.changed(one.pk, [told(pods, "a"), listed(pods, "a")])
    assert names() == ["a"]

    one.inventory_rules = {"include": ["endpoints", "*.k8s.io"], "exclude": ["pods", "*"]}
    one.generation += 1
    one.save()
    assert {spec.kind for spec in watcher.specs(one.pk)} == {definition}
    assert names() == []
    watcher.changed(one.pk, [told(pods, "late")])  # it was in the queue when its stream stopped
    assert names() == []
    one.inventory_rules = {"include": ["endpoints"]}
    one.generation += 1
    one.save()
    assert "Endpoints" in {spec.kind for spec in watcher.specs(one.pk)}


def test_a_changed_definition_wakes_the_catalogue(one: Cluster) -> None:
    name = "customresourcedefinitions.apiextensions.k8s.io"
    serve(one, name, "CustomResourceDefinition")
    catalogued(one)
    Catalogue.objects.status_update(next_reconcile_at=timezone.now() + timedelta(hours=1))
    watcher = InventoryWatcher()
    (spec,) = watcher.specs(one.pk)
    watcher.changed(one.pk, [told(spec, "certificates.cert-manager.io")])
    row = Catalogue.objects.get()
    assert row.next_reconcile_at
    assert row.next_reconcile_at - timezone.now() < timedelta(seconds=2)
    assert row.moved_at


# --- freshness -----------------------------------------------------------------------------------


def test_a_row_says_how_fresh_it_is(one: Cluster, client: APIClient) -> None:
    rows.take(one.pk, [told(PODS, "a"), listed(PODS, "a")])
    assert get(client)[0]["status"]["stale"] is False
    rows.heard(one.pk, {PODS: StreamState(5.0, "kube_unreachable", "Silent.")})
    assert get(client)[0]["status"]["stale"] is True
    rows.heard(one.pk, {PODS: StreamState(5.0)})
    assert get(client)[0]["status"]["stale"] is False
    rows.heard(one.pk, {PODS: StreamState(120.0)})  # nobody heard of it: a watch that died
    (item,) = get(client)
    assert item["status"]["stale"] is True
    assert names() == ["a"]  # an error is never an empty answer


# --- search and API ------------------------------------------------------------------------------


@pytest.fixture
def shop(one: Cluster) -> Cluster:
    deployment = {"kind": "Deployment", "name": "web", "uid": "uid-Deployment-web"}
    batch = [
        told(DEPLOYMENTS, "web", labels={"app": "web", "tier": "front"}),
        *(
            told(PODS, f"web-{number}", labels={"app": "web"}, owner=deployment)
            for number in range(5)
        ),
        told(PODS, "database-0", labels={"app": "database", "5": "five"}),
    ]
    rows.take(one.pk, batch)
    serve(one, "pods", "Pod")
    ResourceType.objects.update_or_create(name="pods", defaults={"short_names": ["po"]})
    return one


def test_search_and_filters(shop: Cluster, client: APIClient) -> None:
    assert found(client, search="base") == ["database-0"]
    assert found(client, search="Pod WEB-3") == ["web-3"]
    assert found(client, search="web") == ["web", *(f"web-{n}" for n in range(5))]
    assert found(client, search="w") == ["web", *(f"web-{n}" for n in range(5))]
    assert found(client, search="100%_'\"") == []
    for text in ("po", "pods", "Pod"):
        assert len(found(client, kind=text)) == 6
    assert found(client, health="Healthy", kind="pods") == []
    assert found(client, owner="Deployment/web") == [f"web-{n}" for n in range(5)]
    assert found(client, labelSelector="app=database") == ["database-0"]
    assert found(client, labelSelector="app in (web,database),tier") == ["web"]
    assert found(client, labelSelector="app!=web") == ["database-0"]
    assert found(client, cluster="two") == []
    assert found(client, cluster="one", namespace="shop", name="web-1") == ["web-1"]


def test_search_follows_changes(shop: Cluster, client: APIClient) -> None:
    changed = told(PODS, "database-0", version="2", initial=False, labels={"app": "ledger"})
    rows.take(shop.pk, [changed])
    assert found(client, search="app=database") == []
    assert found(client, search="ledger") == ["database-0"]
    shop.delete()
    assert found(client, search="ledger") == []


def test_pages(shop: Cluster, client: APIClient) -> None:
    seen: list[str] = []
    token = ""
    while True:
        answer = client.get("/api/v1/inventory", {"limit": "3", "continue": token}).json()
        seen += [item["metadata"]["name"] for item in answer["items"]]
        token = answer["metadata"]["continue"]
        if not token:
            break
    assert seen == ["database-0", "web", *(f"web-{n}" for n in range(5))]
    wrong = client.get("/api/v1/inventory", {"continue": "WyJhIiwgIm5vIG51bWJlciJd"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "continue_invalid")


def test_one_object(shop: Cluster, client: APIClient) -> None:
    again = cluster("two")
    rows.take(again.pk, [told(PODS, "web-1", uid=str(uuid.uuid4()))])
    assert client.get("/api/v1/inventory/web-1").json()["error"]["code"] == "name_ambiguous"
    item = client.get("/api/v1/inventory/web-1", {"cluster": "two"}).json()
    assert item["status"]["cluster"] == "two"
    same = client.get(f"/api/v1/inventory/{item['metadata']['uid']}")
    assert same.json()["status"]["cluster"] == "two"
    assert client.get("/api/v1/inventory/nothing").status_code == 404


def test_a_kind_that_nobody_serves_is_refused(shop: Cluster, client: APIClient) -> None:
    answer = client.get("/api/v1/inventory", {"kind": "pds"})
    assert (
        answer.status_code,
        answer.json()["error"]["code"],
        answer.json()["error"]["field"],
    ) == (
        400,
        "kind_unknown",
        "kind",
    )


def test_a_list_costs_few_queries(
    shop: Cluster, client: APIClient, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        found(client, search="web", labelSelector="app=web")


def test_the_text_index_is_there() -> None:
    """Altering the table on SQLite loses its triggers: make_index of the migration again."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            found = {name for (name,) in cursor.fetchall()}
            wanted = {f"{search.TEXT_TABLE}_{one}" for one in ("added", "gone", "changed")}
        else:
            cursor.execute("SELECT indexname FROM pg_indexes")
            found = {name for (name,) in cursor.fetchall()}
            wanted = {search.TEXT_TABLE}
    assert wanted <= found


def test_rules_are_checked_and_kept(client: APIClient, one: Cluster) -> None:
    with audit.unaudited("a test"):
        Cluster.objects.update(ca_pem="")
    body = {"spec": {"server": one.server, "inventory": {"include": ["a b"]}}}
    answer = client.put("/api/v1/clusters/one", body, format="json")
    assert answer.status_code == 400
    assert "spec.inventory.include" in str(answer.json())
    body["spec"]["inventory"] = {"include": ["leases.coordination.k8s.io"]}
    assert client.put("/api/v1/clusters/one", body, format="json").status_code == 202
    del body["spec"]["inventory"]
    assert client.put("/api/v1/clusters/one", body, format="json").status_code == 200
    stored = client.get("/api/v1/clusters/one").json()["spec"]["inventory"]
    assert stored == {"include": ["leases.coordination.k8s.io"], "exclude": []}
