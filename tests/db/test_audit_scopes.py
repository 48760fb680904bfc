"""Who holds the audit of a project, a cluster or a namespace sees the entries of that, everywhere alike."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from accounts.permissions import visible_auditentries
from accounts.trail import record
from fleet import places
from fleet.models import Cluster, ConfigConflict, ConfigCopy, ConfigItem, Namespace, Project
from kubecarrier.lib import audit
from kubecarrier.lib.audit import AuditContext, Channel, acting
from kubecarrier.lib.errors import InvalidError
from tests.db.conftest import application, error
from tests.db.rights import bind, client_of, person, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db
Json = dict[str, Any]
_READS = ("auditentries.view", "auditentries.export")
_STREAM = "/admin/accounts/auditentry/"


@pytest.fixture
def teams(fleet: Portal) -> Portal:
    """Project `shop` on cluster one and `bank` on two, an application in each, and people's own."""
    for name, cluster in (("shop", "one"), ("bank", "two")):
        wanted = {"placement": {"clusters": [cluster]}, "namespaces": [{"name": name}]}
        fleet.call("put", f"projects/{name}", {"spec": wanted})
        spec = application(namespace=name, placement={"clusters": [cluster]})
        body = {"metadata": {"project": name}, "spec": spec}
        fleet.call("put", f"applications/{name}-web", body)
    return fleet


def seen(client: APIClient, query: str = "") -> list[Json]:
    return [one["status"] for one in Portal(client).call("get", f"auditentries?{query}")["items"]]


def places_of(entries: list[Json]) -> set[tuple[str | None, str | None]]:
    return {(one["cluster"], one["project"]) for one in entries}


def on_object(cluster: str, namespace: str, said: str, actor: User | None = None) -> None:
    """What a live edit writes."""
    row = Cluster.objects.get(name=cluster)
    with acting(AuditContext(Channel.API, lambda: actor)):
        place = places.in_namespace(row, namespace)
        audit.event("resource-patch", row, said=said, place=place)


class TestProject:
    @pytest.fixture
    def auditor(self, teams: Portal) -> APIClient:
        return person("ann", *_READS, project="shop")

    def test_its_entries_and_no_others(self, teams: Portal, auditor: APIClient) -> None:
        found = seen(auditor)
        assert {one["project"] for one in found} == {"shop"}
        assert {"Project", "Application", "Binding"} <= {one["kind"] for one in found}
        assert {one["actor"] for one in found if one["kind"] == "Application"} == {"admin"}
        assert seen(auditor, "project=bank") == seen(auditor, "object=bank-web") == []

    def test_one_of_elsewhere_is_absent(self, teams: Portal, auditor: APIClient) -> None:
        other = AuditEntry.objects.get(object_repr="bank-web", event="")
        there = error(Portal(auditor), "get", f"auditentries/{other.pk}", code=404)
        absent = error(Portal(auditor), "get", "auditentries/999999", code=404)
        assert there["code"] == absent["code"]
        mine = AuditEntry.objects.get(object_repr="shop-web", event="")
        assert Portal(auditor).call("get", f"auditentries/{mine.pk}")["status"]["project"] == "shop"

    def test_what_is_deleted_and_what_is_renamed_stays(
        self, teams: Portal, auditor: APIClient
    ) -> None:
        teams.call("delete", "applications/shop-web")
        project = Project.objects.get(name="shop")
        project.name = "boutique"
        project.save()
        found = seen(auditor)
        assert {"shop", "boutique"} == {one["project"] for one in found}
        assert [one["did"] for one in found if one["object"] == "shop-web"][-1] == "created"

    def test_an_act_in_its_namespace_is_the_project_s(
        self, teams: Portal, auditor: APIClient
    ) -> None:
        on_object("one", "shop", "patch Deployment shop/web")
        on_object("one", "kube-system", "patch Deployment kube-system/dns")
        (act,) = seen(auditor, "event=resource-patch")
        assert (act["said"], act["cluster"], act["namespace"], act["project"]) == (
            "patch Deployment shop/web", "one", "shop", "shop",
        )  # fmt: skip

    def test_a_refused_attempt_on_it(self, teams: Portal, auditor: APIClient) -> None:
        stranger = person("bob", "applications.view")
        answer = stranger.delete("/api/v1/applications/shop-web")
        assert answer.status_code == 403
        (entry,) = seen(auditor, "result=denied")
        assert (entry["actor"], entry["object"]) == ("bob", "shop-web")

    def test_a_conflict_of_its_items(self, teams: Portal) -> None:
        """A row without columns of its own for it: by the path that rights take."""
        spec = {"namespaces": ["shop"], "data": {"a": "b"}, "placement": {"clusters": ["one"]}}
        body = {"metadata": {"project": "shop"}, "spec": spec}
        teams.call("put", "configitems/settings", body)
        copy = ConfigCopy.objects.get()
        ConfigConflict.objects.create(
            item=ConfigItem.objects.get(), copy=copy, cause="waiting", keys=["a"]
        )
        entry = AuditEntry.objects.get(kind="ConfigConflict")
        assert (entry.cluster, entry.namespace, entry.project) == ("one", "shop", "shop")

    def test_an_export_holds_the_same(self, teams: Portal, auditor: APIClient) -> None:
        response: Any = auditor.post("/api/v1/auditentries/export", {}, format="json")
        assert response.status_code == 200
        archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
        lines = [json.loads(line) for line in archive.read("entries.jsonl").splitlines()]
        assert lines
        assert {one["project"] for one in lines} == {"shop"}

    def test_seeing_is_not_exporting(self, teams: Portal) -> None:
        looker = person("eve", "auditentries.view", project="shop")
        refused = error(Portal(looker), "post", "auditentries/export", {}, code=403)
        assert refused["data"]["needs"] == "auditentries.export"

    def test_exporting_one_project_and_seeing_two(self, teams: Portal) -> None:
        client = person("eve", "auditentries.view", project="shop")
        user = User.objects.get(username="eve")
        role("exporter", *_READS)
        bind(user, "exporter", project="bank")
        assert {one["project"] for one in seen(client)} == {"shop", "bank"}
        response: Any = client.post("/api/v1/auditentries/export", {}, format="json")
        archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
        lines = [json.loads(line) for line in archive.read("entries.jsonl").splitlines()]
        assert {one["project"] for one in lines} == {"bank"}

    def test_a_binding_taken_back_takes_the_entries(
        self, teams: Portal, auditor: APIClient
    ) -> None:
        assert seen(auditor)
        teams.call("delete", "bindings/ann-role-of-ann")
        assert seen(auditor) == []


class TestClusterAndNamespace:
    def test_a_cluster_s(self, teams: Portal) -> None:
        client = person("ann", *_READS, clusters=["one"])
        on_object("one", "shop", "scale Deployment shop/web")
        on_object("two", "bank", "scale Deployment bank/web")
        assert {one["cluster"] for one in seen(client)} == {"one"}
        assert [one["said"] for one in seen(client, "event=resource-patch")] == [
            "scale Deployment shop/web"
        ]

    def test_a_namespace_s(self, teams: Portal) -> None:
        rows = Cluster.objects.in_bulk(field_name="name")
        with audit.unaudited("what a probe would write"):
            for cluster, name in (("one", "shop"), ("one", "bank"), ("two", "shop")):
                Namespace.objects.create(cluster=rows[cluster], name=name, seen_at=timezone.now())
        client = person("ann", *_READS, clusters=["one"], namespaces=["shop"])
        for cluster, name in (("one", "shop"), ("one", "bank"), ("two", "shop"), ("one", "")):
            on_object(cluster, name, f"{cluster}/{name}")
        assert [one["said"] for one in seen(client, "event=resource-patch")] == ["one/shop"]
        # The binding that gives it is about that namespace, and so is its entry.
        assert {one["kind"] for one in seen(client)} == {"Cluster", "Binding"}


class TestWithoutAnyRight:
    def test_one_s_own_acts(self, teams: Portal) -> None:
        client = person("eve")
        on_object("one", "shop", "mine", User.objects.get(username="eve"))
        assert [one["said"] for one in seen(client)] == ["mine"]

    def test_a_machine_or_somebody_inactive_sees_nothing(self, teams: Portal) -> None:
        user = User.objects.create_user("gone", is_active=False)
        role("auditor", *_READS)
        bind(user, "auditor")
        assert not visible_auditentries(user).exists()


class TestConsole:
    @pytest.fixture
    def console(self, teams: Portal, client: Client) -> Client:
        person("ann", *_READS, "applications.view", "clusters.view", project="shop")
        client.force_login(User.objects.get(username="ann"))
        return client

    def test_the_stream_and_what_changed(self, console: Client) -> None:
        shown = console.get(_STREAM).context["entries"]
        assert {one["entry"].project for one in shown if one["entry"].actor_name != "ann"} == {
            "shop"
        }
        objects = console.get(f"{_STREAM}changed/").context["objects"]
        assert "shop-web" in {one["one"].name for one in objects}
        assert "bank-web" not in {one["one"].name for one in objects}

    def test_an_entry_of_elsewhere_is_absent(self, console: Client) -> None:
        other = AuditEntry.objects.get(object_repr="bank-web", event="")
        assert console.get(f"{_STREAM}{other.pk}/change/").status_code == 404

    def test_the_same_request_shows_what_one_may_see_only(self, console: Client) -> None:
        admin = User.objects.get(username="admin")
        with acting(AuditContext(Channel.API, lambda: admin, request_id="request-4711")):
            for name in ("shop", "bank"):
                project = Project.objects.get(name=name)
                project.description = "x"
                project.save()
        entry = AuditEntry.objects.filter(project="shop").latest("pk")
        page = console.get(f"{_STREAM}{entry.pk}/change/")
        assert page.status_code == 200
        assert page.context["siblings"] == []

    def test_history_of_an_object(self, console: Client, teams: Portal) -> None:
        key = teams.call("get", "applications/shop-web")["metadata"]["uid"]
        page = f"/admin/apps/application/{key}/change/?tab=history"
        assert [one["entry"].did for one in console.get(page).context["entries"]] == [
            "operation-started",
            "created",
        ]
        looker = User.objects.create_user("looker")
        role("looker", "applications.view")
        bind(looker, "looker", project="shop")
        console.force_login(looker)
        # Who sees the object reads its history, without what is for auditors.
        shown = console.get(page).context["entries"]
        assert [one["entry"].did for one in shown] == ["operation-started", "created"]
        assert not any(one["entry"].whole for one in shown)

    def test_export(self, console: Client) -> None:
        assert f"{_STREAM}export/" in console.get(_STREAM).content.decode()
        response: Any = console.post(f"{_STREAM}export/", {"form": "jsonl"})
        archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
        lines = [json.loads(line) for line in archive.read("entries.jsonl").splitlines()]
        assert {one["project"] for one in lines if one["actor"] != "ann"} == {"shop"}


class TestReasonInANamespace:
    def test_an_act_there_asks_for_what_the_project_asks(self, teams: Portal) -> None:
        with audit.unaudited("a test"):
            Project.objects.filter(name="shop").update(require_reason=True)
        with pytest.raises(InvalidError) as refused:
            on_object("one", "shop", "no reason")
        assert refused.value.code == "reason_required"
        with audit.because("why"):
            on_object("one", "kube-system", "elsewhere")
        row = Cluster.objects.get(name="one")
        context = AuditContext(Channel.CLI, reason="CVE-2030-1")
        with acting(context):
            audit.event("resource-patch", row, place=places.in_namespace(row, "shop"))
        assert AuditEntry.objects.filter(event="resource-patch", reason="CVE-2030-1").exists()


class TestCost:
    def many(self, count: int) -> None:
        for number in range(count):
            on_object("one", "shop" if number % 2 else "other", f"act {number}")

    def test_a_page_costs_the_same_however_many_entries_and_scopes(self, teams: Portal) -> None:
        client = person("ann", *_READS, project="shop")

        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                seen(client)
            return len(queries)

        few = cost()
        self.many(30)
        for name in ("one", "two"):
            bind(User.objects.get(username="ann"), "role-of-ann", name=name, clusters=[name])
        assert cost() == few

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="with few rows PostgreSQL reads all")
    @pytest.mark.parametrize(
        ("scope", "index"),
        [
            ({"project": "shop"}, "audit_in_project"),
            ({"clusters": ["one"]}, "audit_in_cluster"),
            (None, "audit_own"),
        ],
    )
    def test_an_index_answers(self, teams: Portal, scope: Json | None, index: str) -> None:
        if scope:
            person("ann", *_READS, **scope)
        else:
            person("ann")
        rows = visible_auditentries(User.objects.get(username="ann"))
        plan = rows.order_by("-timestamp", "-pk")[:50].explain()
        assert index in plan
        assert "SCAN accounts_auditentry" not in plan


def test_a_record_of_before_namespaces_reads_as_it_was_sealed(teams: Portal) -> None:
    rows = AuditEntry.objects.order_by("pk")
    before = rows.filter(kind="Cluster").first()
    assert before is not None
    values = rows.values_list(*record.COLUMNS).get(pk=before.pk)
    assert "namespace" not in json.loads(record.canonical(values))
    on_object("one", "shop", "now")
    values = rows.values_list(*record.COLUMNS).last()
    assert values is not None
    assert json.loads(record.canonical(values))["namespace"] == "shop"


def test_client_of_nobody_bound(teams: Portal) -> None:
    assert seen(client_of(User.objects.create_user("nobody"))) == []
