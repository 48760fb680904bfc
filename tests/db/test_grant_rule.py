"""Nobody gives what he does not hold: every way by which a right could reach somebody.

Each refusal changes nothing and is on record.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.test import Client
from rest_framework.test import APIClient

from accounts.admin.account import AccountAdmin
from accounts.models import AuditEntry, Binding, IdentityMapping, Role, User
from accounts.services.memberships import user_groups_set
from fleet.models import Project
from kubecarrier.lib import audit
from kubecarrier.lib.errors import DeniedError
from tests.db.conftest import add_cluster
from tests.db.rights import bind, client_of, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db
GRANT = ("bindings.view", "bindings.create", "bindings.edit", "bindings.delete", "roles.view")
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}


@pytest.fixture
def gia(fleet: Portal) -> User:
    """A grantor on cluster one: she may give what she holds there, which is seeing."""
    user = User.objects.create_user("gia", "gia@example.org", "a-long-password")
    role("grantor", *GRANT, "clusters.view", "releases.view", rules=[PODS])
    bind(user, "grantor", name="gia", clusters=["one"])
    User.objects.create_user("mallory", "m@example.org", "a-long-password")
    role("seeing", "clusters.view", rules=[PODS])
    role("deleting", "clusters.view", "clusters.delete")
    role("writing", rules=[{**PODS, "verbs": ["get", "list", "delete"]}])
    return user


def put(client: APIClient, plural: str, name: str, **spec: Any) -> Any:
    return client.put(f"/api/v1/{plural}/{name}", {"spec": spec}, format="json")


def refused(response: Any, user: User, code: str = "grant_exceeds_own") -> None:
    assert response.status_code == 403, response.content
    assert response.json()["error"]["code"] == code, response.content
    assert AuditEntry.objects.filter(event="denied", actor=user).exists()


class TestBindings:
    def test_what_she_holds_where_she_holds_it(self, gia: User) -> None:
        client = client_of(gia)
        one = {"clusters": ["one"]}
        response = put(client, "bindings", "b", role="seeing", users=["mallory"], scope=one)
        assert response.status_code == 201, response.content
        assert client.get("/api/v1/bindings/b").status_code == 200
        assert client.delete("/api/v1/bindings/b").status_code == 202

    @pytest.mark.parametrize(
        ("given", "scope", "code"),
        [
            ("deleting", {"clusters": ["one"]}, "grant_exceeds_own"),
            ("writing", {"clusters": ["one"]}, "grant_exceeds_own"),
            ("cluster-admin", {"clusters": ["one"]}, "grant_exceeds_own"),
            ("seeing", {"clusters": ["two"]}, "permission_denied"),
            ("seeing", {"clusters": ["one", "two"]}, "permission_denied"),
            ("seeing", {"platform": True}, "permission_denied"),
            ("seeing", {"selector": "env=prod"}, "permission_denied"),
            ("seeing", {"clusters": ["two"], "namespaces": ["x"]}, "permission_denied"),
        ],
    )
    def test_more_or_elsewhere(
        self, gia: User, given: str, scope: dict[str, Any], code: str
    ) -> None:
        for who in ("gia", "mallory"):
            response = put(client_of(gia), "bindings", "b", role=given, users=[who], scope=scope)
            refused(response, gia, code)
        assert not Binding.objects.filter(name="b").exists()

    def test_not_by_changing_one_either(self, gia: User) -> None:
        client, one = client_of(gia), {"clusters": ["one"]}
        put(client, "bindings", "b", role="seeing", users=["mallory"], scope=one)
        path = "/api/v1/bindings/b"
        for change in ({"role": "deleting"}, {"scope": {"platform": True, "clusters": None}}):
            response = client.patch(path, {"spec": change}, format="json")
            assert response.status_code == 403, response.content
        assert Binding.objects.get(name="b").role.name == "seeing"

    def test_the_superusers_binding_is_nobodys_to_change(self, fleet: Portal) -> None:
        body = {"spec": {"role": "viewer", "users": [], "scope": {"platform": True}}}
        assert (
            fleet.client.put("/api/v1/bindings/administrators", body, format="json").status_code
            == 409
        )
        assert fleet.client.delete("/api/v1/bindings/administrators").status_code == 409

    def test_a_viewer_gives_nothing(self, fleet: Portal) -> None:
        user = User.objects.create_user("vic")
        bind(user, "viewer")
        response = put(
            client_of(user), "bindings", "b", role="viewer", users=["vic"], scope={"platform": True}
        )
        refused(response, user, "permission_denied")


class TestRoles:
    def test_a_role_in_use_gains_nothing_that_its_editor_lacks(self, gia: User) -> None:
        role("editing-roles", "roles.view", "roles.edit", "roles.create")
        bind(gia, "editing-roles", name="gia-roles")
        client = client_of(gia)
        bind(User.objects.get(username="mallory"), "seeing", name="m", clusters=["one"])
        more = {"permissions": ["clusters.view", "clusters.delete"], "rules": [PODS]}
        refused(put(client, "roles", "seeing", **more), gia)
        rules = {"permissions": ["clusters.view"], "rules": [{**PODS, "verbs": ["*"]}]}
        refused(put(client, "roles", "seeing", **rules), gia)
        assert Role.objects.get(name="seeing").permissions == ["clusters.view"]
        fewer: dict[str, Any] = {"permissions": [], "rules": []}
        assert put(client, "roles", "seeing", **fewer).status_code == 202

    def test_built_in_ones_are_not_edited(self, fleet: Portal) -> None:
        for name in ("cluster-admin", "editor", "viewer"):
            assert put(fleet.client, "roles", name, permissions=[]).status_code == 409
            assert fleet.client.delete(f"/api/v1/roles/{name}").status_code == 409

    @pytest.mark.parametrize(
        ("spec", "code"),
        [
            ({"permissions": ["clusters.fly"]}, "permission_unknown"),
            ({"permissions": ["*"]}, "permission_unknown"),
            ({"rules": [{"verbs": ["get"]}]}, "rule_invalid"),
            ({"rules": [{"apiGroups": [""], "resources": ["pods"]}]}, "rule_invalid"),
            (
                {"rules": [{**PODS, "nonResourceURLs": ["/metrics"]}]},
                "rule_invalid",
            ),
        ],
    )
    def test_wrong_ones(self, portal: Portal, spec: dict[str, Any], code: str) -> None:
        response = put(portal.client, "roles", "r", **spec)
        assert (response.status_code, response.json()["error"]["code"]) == (400, code)
        assert not Role.objects.filter(name="r").exists()


class TestGroups:
    def test_membership_gives_what_the_group_holds(self, gia: User) -> None:
        strong = Group.objects.create(name="strong")
        bound = bind(User.objects.create_user("x"), "cluster-admin", name="strong")
        bound.groups.add(strong)
        role("people", "groups.edit")
        bind(gia, "people", name="gia-people")
        with (
            audit.acting(audit.AuditContext(audit.Channel.API, lambda: gia)),
            pytest.raises(DeniedError),
        ):
            user_groups_set(user=gia, groups=[strong])
        assert not gia.groups.exists()

    def test_not_by_a_mapping_either(self, gia: User) -> None:
        weak, strong = (Group.objects.create(name=name) for name in ("weak", "strong"))
        for group, given in ((weak, "seeing"), (strong, "deleting")):
            bound = bind(User.objects.create_user(f"in-{group}"), given, clusters=["one"])
            bound.groups.add(group)
        role("mapping", *(f"identitymappings.{verb}" for verb in ("view", "create", "edit")))
        bind(gia, "mapping", name="gia-mapping")
        client, there = client_of(gia), {"source": "oidc", "value": "everybody"}
        path = "identitymappings"
        refused(put(client, path, "m", **there, group="strong"), gia)
        assert not IdentityMapping.objects.exists()
        assert put(client, path, "m", **there, group="weak").status_code == 201
        refused(put(client, path, "m", **there, group="strong"), gia)
        assert IdentityMapping.objects.get().group == weak
        bind(gia, "deleting", name="gia-more", clusters=["one"])
        assert put(client, path, "m", **there, group="strong").status_code == 202

    def test_nor_by_the_console(self, gia: User) -> None:
        strong = Group.objects.create(name="strong")
        bind(User.objects.create_user("x"), "deleting", clusters=["one"]).groups.add(strong)
        role("mapping", *(f"identitymappings.{verb}" for verb in ("view", "create", "edit")))
        bind(gia, "mapping", name="gia-mapping")
        client = Client()
        client.force_login(gia)
        body = {"name": "m", "source": "oidc", "value": "everybody", "local": strong.pk}
        page = client.post("/admin/accounts/identitymapping/add/", body)
        assert "You cannot give what you do not hold there" in page.content.decode()
        assert not IdentityMapping.objects.exists()
        assert AuditEntry.objects.filter(event="denied", actor=gia).exists()

    @pytest.mark.parametrize("holds", [False, True])
    def test_nor_by_the_page_of_a_person(
        self, gia: User, monkeypatch: pytest.MonkeyPatch, holds: bool
    ) -> None:
        """The page is for superusers; were it opened to others, the rule would hold there."""
        monkeypatch.setattr(AccountAdmin, "has_view_permission", lambda *_: True)
        monkeypatch.setattr(AccountAdmin, "has_change_permission", lambda *_: True)
        strong = Group.objects.create(name="strong")
        bind(User.objects.create_user("x"), "deleting", clusters=["one"]).groups.add(strong)
        role("people", "groups.edit")
        bind(gia, "people", name="gia-people")
        if holds:
            bind(gia, "deleting", name="gia-more", clusters=["one"])
        client, target = Client(), User.objects.get(username="mallory")
        client.force_login(gia)
        body = {
            "username": "renamed", "groups": [strong.pk], "is_active": "on",
            "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
        }  # fmt: skip
        page = client.post(f"/admin/accounts/user/{target.pk}/change/", body)
        assert page.status_code == 302, page.context["errors"]
        target.refresh_from_db()
        told = [str(one) for one in get_messages(page.wsgi_request)]
        if holds:
            assert (target.username, list(target.groups.all())) == ("renamed", [strong])
        else:
            assert any("You cannot give what you do not hold" in one for one in told)
            assert (target.username, list(target.groups.all())) == ("mallory", [])
            assert AuditEntry.objects.filter(event="denied", actor=gia).exists()


class TestLabels:
    def test_labels_that_make_a_selector_match_give_rights(self, gia: User, fleet: Portal) -> None:
        role("labelling", "clusters.view", "clusters.edit")
        bind(gia, "labelling", name="gia-labels", clusters=["two"])
        bind(User.objects.get(username="mallory"), "deleting", name="gold", selector="tier=gold")
        labels = {"metadata": {"labels": {"tier": "gold"}}}
        response = client_of(gia).patch("/api/v1/clusters/two", labels, format="json")
        refused(response, gia)
        assert fleet.client.patch("/api/v1/clusters/two", labels, format="json").status_code == 202

    def test_labels_that_make_an_application_arrive(self, gia: User, fleet: Portal) -> None:
        from tests.db.conftest import application

        fleet.apply("shop", **application(placement={"selector": "tier=gold"}))
        role("labelling", "clusters.view", "clusters.edit")
        bind(gia, "labelling", name="gia-labels", clusters=["two"])
        labels = {"metadata": {"labels": {"tier": "gold"}}}
        response = client_of(gia).patch("/api/v1/clusters/two", labels, format="json")
        refused(response, gia, "permission_denied")


def test_a_new_cluster_brings_its_own_credential(fleet: Portal) -> None:
    """Whoever imports one has all of it: its labels may match any selector."""
    user = User.objects.create_user("imp")
    bind(user, "editor")
    bind(User.objects.create_user("gold"), "cluster-admin", name="gold", selector="tier=gold")
    add_cluster(Portal(client_of(user)), "three", labels={"tier": "gold"})
    assert Binding.objects.get(name="gold").held["cluster"] == 1


class TestTakingOver:
    """A namespace that a project adopts was somebody else's: its people gain rights in it."""

    @pytest.fixture
    def pete(self, fleet: Portal) -> APIClient:
        """May edit projects everywhere, and is bound to one as an editor."""
        fleet.call("put", "projects/shop", {"spec": self.spec({"name": "shop"})})
        user = User.objects.create_user("pete", "pete@example.org", "a-long-password")
        role("projects", "projects.view", "projects.create", "projects.edit")
        bind(user, "projects")
        bind(user, "editor", name="pete-in-shop", project="shop")
        return client_of(user)

    def spec(self, *namespaces: dict[str, Any], **placement: Any) -> dict[str, Any]:
        return {"placement": placement or {"clusters": ["one"]}, "namespaces": list(namespaces)}

    def save(self, client: APIClient, *namespaces: dict[str, Any], **placement: Any) -> Any:
        body = {"spec": self.spec(*namespaces, **placement)}
        return client.put("/api/v1/projects/shop", body, format="json")

    def test_what_is_there_already(self, pete: APIClient) -> None:
        refused = self.save(pete, {"name": "shop"}, {"name": "kube-system", "adopt": True})
        assert refused.status_code == 403, refused.content
        assert refused.json()["error"]["code"] == "grant_exceeds_own"
        assert [one["name"] for one in Project.objects.get().namespaces] == ["shop"]
        assert AuditEntry.objects.filter(event="denied", actor_name="pete").exists()

    def test_what_the_project_makes_is_empty(self, pete: APIClient) -> None:
        assert self.save(pete, {"name": "shop"}, {"name": "shop-2"}).status_code == 202

    def test_on_more_clusters(self, pete: APIClient, fleet: Portal) -> None:
        item = {"name": "legacy", "adopt": True}
        fleet.call("put", "projects/shop", {"spec": self.spec(item)})
        assert self.save(pete, item, clusters=["one", "two"]).status_code == 403
        assert self.save(pete, item, selector="team=shop").status_code == 403
        # What stands may be saved again, and fewer as well.
        assert self.save(pete, item, {"name": "more"}).status_code == 202
        assert self.save(pete, {"name": "more"}).status_code == 202

    def test_who_holds_it_there(self, pete: APIClient, fleet: Portal) -> None:
        bind(User.objects.get(username="pete"), "editor", name="pete-on-one", clusters=["one"])
        assert self.save(pete, {"name": "legacy", "adopt": True}).status_code == 202
        assert (
            self.save(pete, {"name": "legacy", "adopt": True}, clusters=["one", "two"]).status_code
            == 403
        )

    def test_a_project_without_people_gives_nobody_anything(self, pete: APIClient) -> None:
        body = {"spec": self.spec({"name": "legacy", "adopt": True})}
        assert pete.put("/api/v1/projects/new", body, format="json").status_code == 201
