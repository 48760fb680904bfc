"""Who may see an object reads its history: who, when, what, why; from where is for auditors."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from accounts.trail.history import history_of
from apps.models import Application
from fleet import places
from fleet.choices import NamespaceState
from fleet.models import Cluster, Namespace, ProjectNamespace
from kubecarrier.lib import audit
from kubecarrier.lib.audit import AuditContext, Channel, acting
from tests.db.conftest import application, error
from tests.db.rights import bind, client_of, person, role
from tests.portal import Json, Portal

pytestmark = pytest.mark.django_db
WEB = "applications/shop-web"


@pytest.fixture
def teams(fleet: Portal) -> Portal:
    """Project `shop` on cluster one and `bank` on two, an application in each."""
    for name, cluster in (("shop", "one"), ("bank", "two")):
        wanted = {"placement": {"clusters": [cluster]}, "namespaces": [{"name": name}]}
        fleet.call("put", f"projects/{name}", {"spec": wanted})
        make(fleet, name, cluster)
        stands(cluster, name)
    return fleet


def stands(cluster: str, name: str) -> None:
    """A project's namespace as a probe and its reconciler saw it."""
    row = Cluster.objects.get(name=cluster)
    with audit.unaudited("what a probe and a pass would write"):
        Namespace.objects.create(cluster=row, name=name, seen_at=timezone.now())
        ProjectNamespace.objects.filter(cluster=row, name=name).update(state=NamespaceState.READY)


def make(fleet: Portal, project: str, cluster: str, **spec: Any) -> None:
    spec = application(namespace=project, placement={"clusters": [cluster]}, **spec)
    body = {"metadata": {"project": project}, "spec": spec}
    fleet.call("put", f"applications/{project}-web", body)


def member(name: str, role_name: str, **scope: Any) -> APIClient:
    user = User.objects.create_user(name)
    bind(user, role_name, **scope)
    return client_of(user)


def history(client: APIClient, of: str, query: str = "") -> list[Json]:
    path = f"auditentries?of={of}&{query}"
    return [one["status"] for one in Portal(client).call("get", path)["items"]]


def on_object(cluster: str, namespace: str, said: str) -> None:
    """What a live edit writes."""
    row = Cluster.objects.get(name=cluster)
    admin = User.objects.get(username="admin")
    with acting(AuditContext(Channel.API, lambda: admin, address="203.0.113.7")):
        audit.event("resource-patch", row, said=said, place=places.in_namespace(row, namespace))


class TestOfAnObject:
    @pytest.mark.parametrize("role_name", ["viewer", "editor"])
    def test_members_of_its_project_learn_who_what_and_why(
        self, teams: Portal, role_name: str
    ) -> None:
        reason = {"X-KubeCarrier-Reason": "ticket 4711"}
        body = {"spec": {"description": "the shop's front"}}
        teams.call("patch", WEB, body, **reason)
        client = member("ann", role_name, project="shop")
        changed = next(one for one in history(client, WEB) if one["action"] == "update")
        assert (changed["actor"], changed["did"], changed["reason"]) == (
            "admin", "changed", "ticket 4711",
        )  # fmt: skip
        assert changed["changes"]["description"] == ["", "the shop's front"]
        assert (changed["result"], changed["channel"]) == ("ok", "api")

    def test_from_where_and_in_which_request_is_for_auditors(self, teams: Portal) -> None:
        client = member("ann", "viewer", project="shop")
        for one in history(client, WEB):
            assert one["withheld"] == ["address", "email", "requestId"]
            assert (one["address"], one["email"], one["requestId"]) == (None, None, None)
        asked = AuditEntry.objects.filter(object_repr="shop-web").latest("pk").request_id
        assert history(client, WEB, f"requestId={asked}") == []
        assert history(client, WEB, f"search={asked}") == []
        whole = history(client_of(User.objects.get(username="admin")), WEB, f"search={asked}")
        assert whole[0]["address"] == "127.0.0.1"
        assert whole[0]["withheld"] == []

    def test_one_s_own_acts_are_whole(self, teams: Portal) -> None:
        client = member("ann", "editor", project="shop")
        Portal(client).call("patch", WEB, {"spec": {"description": "mine"}})
        by = {one["actor"]: one["withheld"] for one in history(client, WEB)}
        assert by["ann"] == []
        assert by["admin"]

    def test_the_stream_stays_for_auditors(self, teams: Portal) -> None:
        client = member("ann", "editor", project="shop")
        listed = Portal(client).call("get", "auditentries?object=shop-web")["items"]
        assert listed == []
        entry = AuditEntry.objects.filter(object_repr="shop-web").latest("pk")
        error(Portal(client), "get", f"auditentries/{entry.pk}", code=404)
        assert client.post("/api/v1/auditentries/export", {}, format="json").status_code == 403
        body = {"filters": {"of": WEB}}
        assert error(teams, "post", "auditentries/export", body, code=400)["field"] == "filters.of"

    def test_refused_attempts_are_for_auditors(self, teams: Portal) -> None:
        bob = person("bob", "applications.view")
        assert bob.delete(f"/api/v1/{WEB}").status_code == 403
        client = member("ann", "editor", project="shop")
        assert {one["result"] for one in history(client, WEB)} == {"ok"}

    def test_what_is_out_of_sight_is_absent_and_on_record(self, teams: Portal) -> None:
        client = member("ann", "editor", project="shop")
        there = error(Portal(client), "get", "auditentries?of=applications/bank-web", code=404)
        absent = error(Portal(client), "get", "auditentries?of=applications/no-web", code=404)
        assert there["message"].replace("bank", "no") == absent["message"]
        assert AuditEntry.objects.filter(event="denied", actor_name="ann").count() == 1

    def test_another_of_the_same_name_is_another(self, teams: Portal) -> None:
        """Deleted, and made again by another project under its name."""
        row = Application.objects.get(name="bank-web")
        former = AuditEntry.objects.filter(object_pk=str(row.pk)).count()
        assert former
        with audit.unaudited("as the reconciler does"):
            row.releases.all().delete()
            row.delete()
        spec = application(namespace="shop", placement={"clusters": ["one"]})
        teams.call("put", "applications/bank-web", {"metadata": {"project": "shop"}, "spec": spec})
        client = member("ann", "editor", project="shop")
        found = history(client, "applications/bank-web")
        fresh = str(Application.objects.get(name="bank-web").pk)
        assert found
        assert {one["objectId"] for one in found} == {fresh}

    def test_what_it_was_before_it_came_into_the_project_stays_there(self, teams: Portal) -> None:
        """Entries keep the project in which they were: of others nothing is told."""
        row = Application.objects.get(name="shop-web")
        bank = Application.objects.get(name="bank-web").project
        shop = row.project
        for project, text in ((bank, "a secret of the bank"), (shop, "the shop's")):
            row.project, row.description = project, text
            row.save()
        found = history(member("ann", "editor", project="shop"), WEB)
        assert {one["project"] for one in found} == {"shop"}
        assert AuditEntry.objects.filter(object_pk=str(row.pk), project="bank").exists()

    def test_a_right_that_is_taken_takes_the_history(self, teams: Portal) -> None:
        client = member("ann", "viewer", project="shop")
        assert history(client, WEB)
        teams.call("delete", "bindings/ann-viewer")
        error(Portal(client), "get", f"auditentries?of={WEB}", code=404)

    @pytest.mark.parametrize("of", ["x", "applications/", "/x", "applications/%00", "%00/x"])
    def test_odd_names(self, teams: Portal, of: str) -> None:
        answer = teams.client.get(f"/api/v1/auditentries?of={of}")
        assert answer.status_code in {400, 404}, answer.content
        assert answer.json()["error"]["field"] in {"of", None}

    def test_a_token_is_asked_for_what_it_is_meant_for(self, teams: Portal) -> None:
        body = {"title": "audit", "scopes": ["auditentries.view"]}
        secret = teams.call("post", "apitokens", body, code=201)["token"]
        narrow = APIClient(headers={"Authorization": f"Token {secret}"})
        found = narrow.get(f"/api/v1/auditentries?of={WEB}")
        assert found.status_code == 200
        body = {"title": "apps", "scopes": ["applications.view"]}
        secret = teams.call("post", "apitokens", body, code=201)["token"]
        narrow = APIClient(headers={"Authorization": f"Token {secret}"})
        assert narrow.get(f"/api/v1/auditentries?of={WEB}").status_code == 403


class TestOfACluster:
    """Many see a cluster's row, and few what is in it."""

    def test_acts_in_namespaces_of_others_stay_theirs(self, teams: Portal) -> None:
        spec = {"placement": {"clusters": ["one"]}, "namespaces": [{"name": "mill"}]}
        teams.call("put", "projects/mill", {"spec": spec})
        stands("one", "mill")
        for namespace in ("shop", "mill", "kube-system", ""):
            on_object("one", namespace, f"in {namespace}")
        client = member("ann", "viewer", clusters=["one"])
        told = {one["said"] for one in history(client, "clusters/one", "event=resource-patch")}
        assert told == {"in shop", "in mill", "in kube-system", "in "}
        role("looker", "clusters.view")
        looker = User.objects.create_user("eve")
        bind(looker, "looker", clusters=["one"])
        assert history(client_of(looker), "clusters/one", "event=resource-patch") == []
        bind(looker, "viewer", project="shop")
        told = {
            one["said"]
            for one in history(client_of(looker), "clusters/one", "event=resource-patch")
        }
        assert told == {"in shop"}

    def test_who_got_a_kubeconfig_is_for_who_sees_them(self, teams: Portal) -> None:
        audit.event("kubeconfig-issued", Cluster.objects.get(name="one"), said="eve's")
        query = "event=kubeconfig-issued"
        assert history(member("ann", "editor", clusters=["one"]), "clusters/one", query) == []
        admin = member("ada", "cluster-admin", clusters=["one"])
        assert len(history(admin, "clusters/one", query)) == 1


class TestOfAProject:
    """Its members read what happened in it, of what they may see."""

    def test_of_everything_in_it(self, teams: Portal) -> None:
        on_object("one", "shop", "patch Deployment shop/web")
        on_object("two", "bank", "patch Deployment bank/web")
        found = history(member("ann", "viewer", project="shop"), "projects/shop")
        assert {one["project"] for one in found} == {"shop"}
        assert {"Project", "Application", "Cluster"} <= {one["kind"] for one in found}
        assert all(one["withheld"] for one in found)

    def test_kind_by_kind(self, teams: Portal) -> None:
        role("lister", "projects.view")
        user = User.objects.create_user("eve")
        bind(user, "lister", project="shop")
        on_object("one", "shop", "patch Deployment shop/web")
        assert {one["kind"] for one in history(client_of(user), "projects/shop")} == {"Project"}

    def test_its_page(self, teams: Portal) -> None:
        member("ann", "viewer", project="shop")
        client = Client()
        client.force_login(User.objects.get(username="ann"))
        key = teams.call("get", "projects/shop")["metadata"]["uid"]
        page = client.get(f"/admin/fleet/project/{key}/change/?tab=history")
        assert "shop-web" in {one["entry"].object_repr for one in page.context["entries"]}
        assert "shop-web</a>" in page.content.decode()
        assert "127.0.0.1" not in page.content.decode()


def test_people_s_logins_are_in_nobody_s_history(teams: Portal) -> None:
    """Who may see people sees what was changed of them, not when they come and go."""
    eve = User.objects.create_user("eve", password="a-long-password")
    Client().post("/admin/login/", {"username": "eve", "password": "a-long-password"})
    assert AuditEntry.objects.filter(event="login", object_pk=str(eve.pk)).exists()
    person("ann", "users.view")
    found = history_of(User.objects.get(username="ann"), eve)
    assert {one.did for one in found} == {"created"}
    assert not history_of(User.objects.create_user("nobody"), eve).exists()


def test_cost(teams: Portal) -> None:
    client = member("ann", "viewer", project="shop")

    def cost(of: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            history(client, of)
        return len(queries)

    few = [cost(WEB), cost("projects/shop")]
    for number in range(20):
        teams.call("patch", WEB, {"spec": {"description": f"text {number}"}})
    assert [cost(WEB), cost("projects/shop")] == few
