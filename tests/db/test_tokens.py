"""API tokens: what narrows them, when they end, who sees and revokes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import scopes
from accounts.models import ApiToken, AuditEntry, ServiceAccount, User
from accounts.services.bindings import binding_delete
from accounts.services.service_accounts import service_account_apply
from accounts.services.tokens import token_create
from fleet.models import Project
from kubecarrier.lib import audit
from kubecarrier.lib.errors import DeniedError
from kubecarrier.lib.manifests import Wish
from tests.db.conftest import add_cluster
from tests.db.rights import bind
from tests.portal import Portal

pytestmark = pytest.mark.django_db
DOCUMENT = {"spec": {"type": "local"}}


def person(name: str = "ana", role: str = "cluster-admin", **columns: Any) -> User:
    """Somebody who may do everything without being a superuser."""
    user = User.objects.create_user(name, password="a-long-password", **columns)
    bind(user, role)
    return user


def client_with(user: User, **narrowed: Any) -> APIClient:
    _, secret = token_create(user=user, name="t", **narrowed)
    return APIClient(headers={"Authorization": f"Token {secret}"})


def code(response: Any) -> str:
    return str(response.json()["error"]["code"])


class TestScopes:
    @pytest.mark.parametrize(
        ("held", "method", "path", "status"),
        [
            (["clusters.view"], "get", "clusters", 200),
            (["clusters.view"], "get", "clusters/one", 200),
            (["clusters.view"], "get", "repositories", 403),
            (["clusters.view"], "delete", "clusters/one", 403),
            (["clusters.view"], "post", "clusters/one/probe", 403),
            (["clusters.operate"], "post", "clusters/one/probe", 202),
            (["clusters.operate"], "get", "clusters/one", 403),
            (["clusters.*"], "post", "clusters/one/probe", 202),
            (["clusters.*"], "get", "releases", 403),
            (["read-only"], "get", "clusters", 200),
            (["read-only"], "get", "releases", 200),
            (["read-only"], "put", "repositories/r", 403),
            (["repositories.create"], "put", "repositories/r", 201),
            (["repositories.edit"], "put", "repositories/r", 403),
            (["read-only"], "post", "clusters/import", 403),
            (["read-only"], "post", "apitokens", 403),
            (["apitokens.create"], "get", "whoami", 200),
            (["apitokens.create"], "get", "kinds", 200),
        ],
    )
    def test_reach_what_they_name(
        self, portal: Portal, held: list[str], method: str, path: str, status: int
    ) -> None:
        add_cluster(portal, "one")
        client = client_with(person(), scopes=held)
        body = DOCUMENT if method == "put" else None
        response = getattr(client, method)(f"/api/v1/{path}", body, format="json")
        assert response.status_code == status, response.content
        if status == 403:
            assert code(response) == "scope_missing"
            assert AuditEntry.objects.filter(event="denied").exists()

    def test_edit_is_not_create(self, portal: Portal) -> None:
        portal.call("put", "repositories/r", DOCUMENT)
        edit, create = (
            client_with(person(name), scopes=[f"repositories.{name}"])
            for name in ("edit", "create")
        )
        path, other = "/api/v1/repositories/r", {"spec": {"type": "local", "description": "x"}}
        assert create.put(path, other, format="json").status_code == 403
        assert edit.put(path, other, format="json").status_code == 202

    def test_never_more_than_the_owner_has(self, fleet: Portal) -> None:
        user = person()
        client = client_with(user, scopes=["clusters.view"])
        assert client.get("/api/v1/clusters").status_code == 200
        assert client.get("/api/v1/clusters").json()["items"] != []
        binding_delete(actor=None, row=user.bindings.get())
        assert client.get("/api/v1/clusters").json()["items"] == []

    def test_a_view_without_a_name_is_closed(self) -> None:
        assert client_with(person(), scopes=["read-only"]).get("/api/v1/nothing").status_code == 403

    def test_metrics_and_charts(self) -> None:
        for held, metrics, helm in (("metrics.view", 200, 401), ("clusters.view", 404, 401)):
            client = client_with(person(held.replace(".", "-")), scopes=[held])
            assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == metrics
            assert client.get("/helm/x/index.yaml").status_code == helm

    @pytest.mark.parametrize(
        "wrong",
        ["clusters", "clusters.", ".view", "cluster.view", "*.*", "*", "clusters.VIEW", "x" * 99],
    )
    def test_unknown_ones_are_refused(self, wrong: str) -> None:
        client = client_with(person())
        response = client.post(
            "/api/v1/apitokens", {"title": "t", "scopes": [wrong]}, format="json"
        )
        assert (response.status_code, code(response)) == (400, "scope_unknown")
        assert ApiToken.objects.count() == 1

    @pytest.mark.parametrize(
        ("held", "wanted", "fine"),
        [
            (["apitokens.create", "clusters.view"], ["clusters.view"], True),
            (["apitokens.create", "clusters.view"], ["clusters.edit"], False),
            (["apitokens.create", "clusters.view"], ["clusters.*"], False),
            (["apitokens.create", "clusters.view"], ["read-only"], False),
            (["apitokens.create", "clusters.view"], [], False),
            (["apitokens.create", "read-only"], ["read-only"], True),
            (["apitokens.create", "read-only"], ["clusters.view"], True),
            (["apitokens.*", "clusters.*"], ["clusters.edit"], True),
        ],
    )
    def test_a_token_makes_no_stronger_token(
        self, held: list[str], wanted: list[str], fine: bool
    ) -> None:
        client = client_with(person(), scopes=held)
        response = client.post("/api/v1/apitokens", {"title": "t", "scopes": wanted}, format="json")
        assert response.status_code == (201 if fine else 403), response.content
        assert ApiToken.objects.count() == (2 if fine else 1)

    def test_the_evaluator_asks_the_same(self) -> None:
        user = person()
        assert scopes.allows(user, "clusters.delete")
        user.token_scopes = frozenset({"read-only"})  # type: ignore[attr-defined]
        assert scopes.allows(user, "clusters.view")
        assert not scopes.allows(user, "configitems.reveal")
        with pytest.raises(DeniedError):
            scopes.require_scope(user, "clusters.delete")


class TestNetworks:
    @pytest.mark.parametrize(
        ("networks", "address", "status"),
        [
            (["192.0.2.0/24"], "192.0.2.9", 200),
            (["192.0.2.0/24"], "::ffff:192.0.2.9", 200),
            (["192.0.2.0/24"], "198.51.100.1", 401),
            (["2001:db8::/32"], "2001:db8::1", 200),
            (["192.0.2.7"], "192.0.2.8", 401),
            (["192.0.2.7"], "", 401),
            (["192.0.2.7"], "junk", 401),
        ],
    )
    def test_only_from_there(self, networks: list[str], address: str, status: int) -> None:
        client = client_with(person(), networks=networks)
        assert client.get("/api/v1/whoami", REMOTE_ADDR=address).status_code == status

    def test_a_header_moves_nobody(self) -> None:
        client = client_with(person(), networks=["192.0.2.0/24"])
        forged: Any = {"HTTP_X_FORWARDED_FOR": "192.0.2.9", "REMOTE_ADDR": "198.51.100.1"}
        assert client.get("/api/v1/whoami", **forged).status_code == 401

    @pytest.mark.parametrize("wrong", ["10.0.0.0/33", "x", "", "10.0.0", "fe80::1%eth0/64"])
    def test_no_network(self, wrong: str) -> None:
        response = client_with(person()).post(
            "/api/v1/apitokens", {"title": "t", "networks": [wrong]}, format="json"
        )
        assert response.status_code == 400


class TestLife:
    def test_shown_once(self) -> None:
        client = client_with(person())
        made = client.post("/api/v1/apitokens", {"title": "laptop"}, format="json")
        assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
        secret, document = made.json()["token"], made.json()["object"]
        name = document["metadata"]["name"]
        shown = client.get(f"/api/v1/apitokens/{name}")
        assert shown.json()["status"]["title"] == "laptop"
        row = ApiToken.objects.get(pk=name)
        assert secret not in shown.content.decode()
        assert row.digest not in shown.content.decode()
        assert not AuditEntry.objects.filter(changes_text__contains=row.digest).exists()
        assert (
            APIClient(headers={"Authorization": f"Token {secret}"})
            .get("/api/v1/whoami")
            .status_code
            == 200
        )

    def test_ends(self, settings: Settings) -> None:
        settings.KUBECARRIER_TOKEN_MAX_LIFETIME = timedelta(days=2)
        client = client_with(person())
        path = "/api/v1/apitokens"
        for seconds, status in ((3600, 201), (2 * 86400, 201), (2 * 86400 + 1, 400), (1, 400)):
            body = {"title": "t", "lifetimeSeconds": seconds}
            assert client.post(path, body, format="json").status_code == status
        longest = max(row.expiry for row in ApiToken.objects.all())
        assert longest <= timezone.now() + timedelta(days=2)

    def test_last_use_is_noted_once_a_minute(self) -> None:
        client = client_with(person())
        assert client.get("/api/v1/whoami", REMOTE_ADDR="192.0.2.1").status_code == 200
        row = ApiToken.objects.get()
        assert row.last_used_at is not None
        assert row.last_used_address == "192.0.2.1"
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/api/v1/whoami")
        assert not [q for q in queries if q["sql"].startswith("UPDATE")]
        with audit.unaudited("a test"):
            ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
        client.get("/api/v1/whoami", REMOTE_ADDR="192.0.2.2")
        assert ApiToken.objects.get().last_used_address == "192.0.2.2"

    def test_everybody_sees_and_revokes_their_own(self) -> None:
        ana, ben = client_with(person("ana", "viewer")), client_with(person("ben", "viewer"))
        listed = ana.get("/api/v1/apitokens").json()["items"]
        assert [item["status"]["user"] for item in listed] == ["ana"]
        other = ben.get("/api/v1/apitokens").json()["items"][0]["metadata"]["name"]
        assert ana.get(f"/api/v1/apitokens/{other}").status_code == 404
        assert ana.delete(f"/api/v1/apitokens/{other}").status_code == 404
        assert ben.delete(f"/api/v1/apitokens/{other}").status_code == 202
        assert ben.get("/api/v1/whoami").status_code == 401

    def test_administrators_see_and_revoke_all(self, portal: Portal) -> None:
        ana = client_with(person("ana"))
        (item,) = portal.call("get", "apitokens?user=ana")["items"]
        portal.call("delete", f"apitokens/{item['metadata']['name']}")
        assert ana.get("/api/v1/whoami").status_code == 401


class TestServiceAccounts:
    @pytest.fixture
    def account(self, portal: Portal) -> ServiceAccount:
        portal.call("put", "projects/shop", {"spec": {}})
        portal.call("put", "serviceaccounts/ci", {"spec": {"project": "shop"}})
        return ServiceAccount.objects.select_related("user").get()

    def test_has_tokens_and_no_session(self, portal: Portal, account: ServiceAccount) -> None:
        made = portal.call("post", "apitokens", {"title": "t", "serviceAccount": "ci"})
        machine = APIClient(headers={"Authorization": f"Token {made['token']}"})
        assert machine.get("/api/v1/whoami").json()["username"] == "sa:ci"
        assert not account.user.has_usable_password()
        browser = APIClient()
        browser.force_login(account.user)
        assert browser.get("/admin/").status_code in {302, 403}
        assert browser.get("/device").status_code in {302, 403}

    def test_switched_off_and_deleted(self, portal: Portal, account: ServiceAccount) -> None:
        made = portal.call("post", "apitokens", {"title": "t", "serviceAccount": "ci"})
        machine = APIClient(headers={"Authorization": f"Token {made['token']}"})
        portal.call("patch", "serviceaccounts/ci", {"spec": {"active": False}})
        assert machine.get("/api/v1/whoami").status_code == 401
        portal.call("patch", "serviceaccounts/ci", {"spec": {"active": True}})
        assert machine.get("/api/v1/whoami").status_code == 200
        portal.call("delete", "serviceaccounts/ci")
        assert machine.get("/api/v1/whoami").status_code == 401
        assert not User.objects.filter(username="sa:ci").exists()

    def test_the_same_again_changes_nothing(self, portal: Portal, account: ServiceAccount) -> None:
        before = AuditEntry.objects.count()
        portal.call("put", "serviceaccounts/ci", {"spec": {"project": "shop"}})
        assert AuditEntry.objects.count() == before
        document = portal.call("get", "serviceaccounts/ci")
        assert document["metadata"]["generation"] == 1
        portal.call("put", "serviceaccounts/ci", document)
        assert AuditEntry.objects.count() == before

    def test_without_the_right_to_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wish = Wish("ci", {}, {"project": "", "description": "", "active": True})
        visitor = User.objects.create_user("v", password="a-long-password")
        with pytest.raises(DeniedError):
            service_account_apply(actor=visitor, wish=wish)
        assert not ServiceAccount.objects.exists()

    def test_a_project_has_its_own(self, portal: Portal, account: ServiceAccount) -> None:
        """Who administers a project makes its machines and their tokens, and sees no others'."""
        portal.call("put", "projects/other", {"spec": {}})
        portal.call("put", "serviceaccounts/of-all", {"spec": {}})
        mine, theirs = (User.objects.create_user(name) for name in ("mine", "theirs"))
        bind(mine, "cluster-admin", project="shop")
        bind(theirs, "cluster-admin", project="other")
        shop, other = client_with(mine), client_with(theirs)
        path, spec = "/api/v1/serviceaccounts/deployer", {"spec": {"project": "shop"}}
        assert other.put(path, spec, format="json").status_code == 400  # not there for them
        assert not AuditEntry.objects.filter(object_repr="deployer").exists()
        assert shop.put(path, {"spec": {}}, format="json").status_code == 403
        assert shop.put(path, spec, format="json").status_code == 201
        listed = shop.get("/api/v1/serviceaccounts").json()["items"]
        assert {one["metadata"]["name"] for one in listed} == {"ci", "deployer"}
        assert other.get("/api/v1/serviceaccounts").json()["items"] == []
        body = {"title": "t", "serviceAccount": "deployer"}
        made = shop.post("/api/v1/apitokens", body, format="json")
        assert made.status_code == 201, made.content
        name = made.json()["object"]["metadata"]["name"]
        assert other.post("/api/v1/apitokens", body, format="json").status_code == 404
        assert other.get(f"/api/v1/apitokens/{name}").status_code == 404
        assert other.delete(f"/api/v1/apitokens/{name}").status_code == 404
        assert shop.delete(f"/api/v1/apitokens/{name}").status_code == 202
        assert other.delete(path).status_code == 404
        # Out of the project it goes only where one may make one.
        for elsewhere, status in (("", 403), ("other", 400)):
            moved = shop.patch(path, {"spec": {"project": elsewhere}}, format="json")
            assert moved.status_code == status, moved.content
        assert shop.delete(path).status_code == 202
        assert shop.delete("/api/v1/serviceaccounts/of-all").status_code == 404

    def test_its_project_is_there_and_is_that_one(
        self, portal: Portal, account: ServiceAccount
    ) -> None:
        refused = portal.call("put", "serviceaccounts/x", {"spec": {"project": "no"}}, code=400)
        assert (refused["error"]["code"], refused["error"]["field"]) == (
            "project_not_found",
            "spec.project",
        )
        Project.objects.filter(name="shop").delete()
        portal.call("put", "projects/shop", {"spec": {}})
        heir = User.objects.create_user("heir")
        bind(heir, "cluster-admin", project="shop")
        assert client_with(heir).get("/api/v1/serviceaccounts/ci").status_code == 404
        portal.call("patch", "serviceaccounts/ci", {"spec": {"active": False}})
        portal.call("patch", "serviceaccounts/ci", {"spec": {"project": ""}})
        portal.call("patch", "serviceaccounts/ci", {"spec": {"project": "shop"}})
        assert client_with(heir).get("/api/v1/serviceaccounts/ci").status_code == 200

    def test_no_person_is_called_like_one(self) -> None:
        with pytest.raises(Exception, match="valid username"):
            User(username="sa:ci", password="x").full_clean()
