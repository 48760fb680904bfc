"""Ways to get more than one has: each is refused, leaves an entry in the audit, and stores nothing.

docs/authorization.md lists them all with the tests that show them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, AuditEntry, Binding, User
from accounts.services.service_accounts import service_account_apply
from fleet.models import Cluster, ConfigItem, Project
from kubecarrier.lib import audit
from kubecarrier.lib.manifests import Wish
from tests.authorization.servers import SILENT
from tests.authorization.table import rest_rows
from tests.authorization.undone import undone
from tests.authorization.world import CANARY, World
from tests.db.conftest import counts
from tests.db.rights import bind, client_of, role

pytestmark = pytest.mark.django_db
Json = dict[str, Any]
RIGHTS_OF_GRANTOR = ("applications.view", "bindings.view", "roles.view", "roles.edit")
ME: Json = {"role": "cluster-admin", "users": ["viewer"], "scope": {"platform": True}}


@pytest.fixture(autouse=True)
def _as_it_was(world: World) -> Iterator[None]:
    with undone():
        yield


def rest(world: World, who: str, method: str, path: str, body: Any = None) -> Any:
    """A request of somebody of the world."""
    send = getattr(world.people[who].client(), method)
    return send(f"/api/v1/{path}", body, format="json")


def refused(
    world: World, who: str, method: str, path: str, body: Any = None, *, code: int = 403
) -> Json:
    """It is refused, on record, and nothing is stored; answers the error."""
    before, entries = counts(), denials(world, who)
    response = rest(world, who, method, path, body)
    assert response.status_code == code, response.content
    assert counts() == before
    assert denials(world, who) > entries, "the refusal left no entry"
    return dict(response.json()["error"])


def denials(world: World, who: str) -> int:
    found: int = AuditEntry.objects.filter(event="denied", actor=world.people[who].user).count()
    return found


def browser(world: World, who: str, **more: Any) -> Client:
    client = Client(**more)
    user = world.people[who].user
    assert user is not None
    client.force_login(user)
    return client


class TestGivingToOneself:
    @pytest.mark.parametrize("who", ["none", "viewer", "editor", "project admin", "cluster admin"])
    def test_a_binding(self, world: World, who: str) -> None:
        """Over the API; a project's own admin may give in his project, and no wider."""
        user = world.people[who].user
        assert user is not None
        refused(world, who, "put", "bindings/mine", {"spec": {**ME, "users": [user.username]}})
        wider = {"role": "cluster-admin", "users": [user.username], "scope": {"project": "green"}}
        refused(world, who, "put", "bindings/mine", {"spec": wider})

    def test_a_binding_in_the_console(self, world: World) -> None:
        user = world.people["grantor"].user
        assert user is not None
        body = {
            "name": "mine", "role": "cluster-admin",
            "users": ["grantor"], "sort": "platform",
        }  # fmt: skip
        before, entries = Binding.objects.count(), denials(world, "grantor")
        page = browser(world, "grantor").post("/admin/accounts/binding/add/", body)
        assert "You cannot give what you do not hold there" in page.content.decode()
        assert Binding.objects.count() == before
        assert denials(world, "grantor") > entries
        assert browser(world, "viewer").get("/admin/accounts/binding/add/").status_code == 403

    def test_a_wider_role(self, world: World) -> None:
        """Who may edit roles gains nothing by the role that he has himself."""
        mine = {"spec": {"permissions": ["applications.view", "clusters.credentials"]}}
        user = world.people["grantor"].user
        assert user is not None
        bind(user, "seeing", name="seeing-too")
        assert refused(world, "grantor", "put", "roles/seeing", mine)["code"] == "grant_exceeds_own"
        everything = {"spec": {"permissions": [*RIGHTS_OF_GRANTOR, "clusters.delete"]}}
        found = refused(world, "grantor", "patch", "roles/granting", everything)
        assert found["code"] == "grant_exceeds_own"

    def test_labels_that_two_of_ones_own_bindings_wait_for(self, world: World) -> None:
        """Neither counts for the other."""
        user = User.objects.create_user("labeller")
        role("labelling", "clusters.view", "clusters.edit")
        bind(user, "labelling", clusters=["two"])
        for name in ("first", "second"):
            bind(user, "cluster-admin", name=name, selector="tier=gold")
        labels = {"metadata": {"labels": {"tier": "gold"}}}
        response = client_of(user).patch("/api/v1/clusters/two", labels, format="json")
        assert response.status_code == 403, response.content
        assert response.json()["error"]["code"] == "grant_exceeds_own"
        assert AuditEntry.objects.filter(event="denied", actor=user).exists()

    def test_a_group_by_its_page_and_by_a_mapping(self, world: World) -> None:
        strong = Group.objects.create(name="strong")
        bind(User.objects.create_user("x"), "cluster-admin", name="strong").groups.add(strong)
        mapping = {"spec": {"source": "oidc", "value": "all", "group": "strong"}}
        refused(world, "grantor", "put", "identitymappings/m", mapping)
        me = world.people["grantor"].user
        assert me is not None
        body = {"username": "grantor", "groups": [strong.pk], "is_superuser": "on"}
        page = browser(world, "grantor").post(f"/admin/accounts/user/{me.pk}/change/", body)
        assert page.status_code == 403
        me.refresh_from_db()
        assert (me.is_superuser, me.groups.count()) == (False, 0)


class TestTokens:
    def test_a_token_gives_nothing_that_its_owner_lacks(self, world: World) -> None:
        body = {"title": "wide", "scopes": ["clusters.*", "bindings.*"]}
        secret = rest(world, "viewer", "post", "apitokens", body).json()["token"]
        client = APIClient(headers={"Authorization": f"Token {secret}"})
        assert client.delete("/api/v1/clusters/one").status_code == 403
        for method in ("delete", "get"):
            assert getattr(client, method)("/api/v1/clusters/old").status_code == 404
        assert client.put("/api/v1/bindings/b", {"spec": ME}, format="json").status_code == 403

    def test_a_token_with_scopes_makes_none_without(self, world: World) -> None:
        for scopes in ([], ["clusters.*"], ["read-only"]):
            body = {"title": "wider", "scopes": scopes}
            refused(world, "narrow token", "post", "apitokens", body)

    def test_a_machine_that_holds_more_than_who_makes_its_token(self, world: World) -> None:
        """The token would be in the hands of who made it."""
        keeper = User.objects.create_user("keeper")
        role("keeping", "serviceaccounts.view", "serviceaccounts.token", "applications.view")
        bind(keeper, "keeping")
        machine = User.objects.get(username="sa:robot")
        bind(machine, "editor", name="robots")
        client, before = client_of(keeper), ApiToken.objects.count()
        wide: Json = {"title": "t", "serviceAccount": "robot"}
        for scopes in ([], ["read-only"], ["applications.*"]):
            response = client.post("/api/v1/apitokens", {**wide, "scopes": scopes}, format="json")
            assert response.status_code == 403, response.content
            assert response.json()["error"]["code"] == "grant_exceeds_own"
        assert ApiToken.objects.count() == before
        assert AuditEntry.objects.filter(event="denied", actor=keeper).exists()
        narrow = {**wide, "scopes": ["applications.view"]}
        assert client.post("/api/v1/apitokens", narrow, format="json").status_code == 201
        machine.is_superuser = True
        machine.save()
        assert client.post("/api/v1/apitokens", narrow, format="json").status_code == 403


class TestNamesThatComeBack:
    """What is being removed is no scope: whoever takes its name next would be held by it."""

    def test_a_cluster_that_is_leaving(self, world: World) -> None:
        Cluster.objects.filter(name="two").status_update(finalizers=["cleanup"])
        world.portal.call("delete", "clusters/two?policy=cleanup")
        assert Cluster.objects.get(name="two").deletion_requested_at
        for scope in ({"clusters": ["two"]}, {"clusters": ["two"], "namespaces": ["red"]}):
            spec = {"role": "cluster-admin", "users": ["grantor"], "scope": scope}
            response = rest(world, "grantor", "put", "bindings/mine", {"spec": spec})
            assert response.status_code == 400, response.content
            assert response.json()["error"]["code"] == "scope_unknown"
        assert not Binding.objects.filter(name="mine").exists()

    def test_a_project_that_is_leaving(self, world: World) -> None:
        old = Project.objects.get(name="old")
        old.deletion_requested_at = timezone.now()
        old.save()
        spec = {"role": "viewer", "users": ["somebody"], "scope": {"project": "old"}}
        response = world.portal.call("put", "bindings/waiting", {"spec": spec}, code=400)
        assert response["error"]["code"] == "scope_unknown"


class TestMassAssignment:
    @pytest.mark.parametrize(
        ("path", "body", "code"),
        [
            ("applications/blue-web", {"spec": {"owner": "viewer"}}, 400),
            ("applications/blue-web", {"status": {"ready": "True"}}, 400),
            ("applications/blue-web", {"metadata": {"project": "green"}}, 400),
            ("applications/blue-web", {"metadata": {"project": ""}}, 403),
            ("configitems/blue-keys", {"metadata": {"project": "green"}}, 400),
            ("configitems/blue-keys", {"metadata": {"project": ""}}, 403),
            ("configitems/blue-keys", {"spec": {"secretData": "x"}}, 400),
        ],
    )
    def test_owner_project_and_status(self, world: World, path: str, body: Json, code: int) -> None:
        before = world.portal.call("get", path)
        response = rest(world, "project admin", "patch", path, body)
        assert response.status_code == code, response.content
        assert world.portal.call("get", path) == before
        if code == 403:
            assert denials(world, "project admin")

    def test_nobody_makes_himself_staff_or_superuser(self, world: World) -> None:
        wish: Json = {"description": "x", "is_superuser": True, "is_staff": True, "user": "root"}
        for path in ("serviceaccounts/robot", "serviceaccounts/other"):
            response = rest(world, "platform admin", "put", path, {"spec": wish})
            assert (response.status_code, response.json()["error"]["code"]) == (
                400,
                "field_unknown",
            )
        for extra in ({"user": "root"}, {"owner": "root"}, {"made_by": "root"}):
            body = {"title": "t", **extra}
            response = rest(world, "platform admin", "post", "apitokens", body)
            assert response.status_code == 400, response.content
        client = browser(world, "platform admin")
        form = {"title": "t", "user": str(User.objects.get(username="root").pk), "days": "1"}
        client.post("/admin/accounts/apitoken/add/", form)
        assert not ApiToken.objects.filter(title="t").exclude(
            user=world.people["platform admin"].user
        )

    def test_a_machine_never_gets_a_session(self, world: World) -> None:
        wish = Wish("robot", {}, {"project": "", "description": "", "active": True})
        service_account_apply(actor=User.objects.get(username="root"), wish=wish)
        client = Client()
        client.force_login(User.objects.get(username="sa:robot"))
        assert client.get("/admin/").status_code == 403


class TestWhatIsNotOnes:
    def test_another_server_for_the_stored_credential(self, world: World) -> None:
        """Who may edit a cluster sends its credential nowhere."""
        moved = {"spec": {"server": "https://127.0.0.1:10"}}
        refused(world, "platform editor", "patch", "clusters/one", moved)
        response = rest(world, "platform admin", "patch", "clusters/one", moved)
        assert response.json()["error"]["code"] == "credential_required"
        assert Cluster.objects.get(name="one").server == SILENT

    def test_a_repository_that_the_project_does_not_allow(self, world: World) -> None:
        world.portal.local_repository(name="other")
        black = {
            "placement": {"clusters": ["one"]}, "namespaces": [{"name": "black"}],
            "allow": {"repositories": ["other"]},
        }  # fmt: skip
        world.portal.call("put", "projects/black", {"spec": black})
        user = world.people["project admin"].user
        assert user is not None
        bind(user, "cluster-admin", name="black", project="black")
        spec = {
            "chart": "charts/web", "version": "0.1.0", "namespace": "black",
            "placement": {"clusters": ["one"]},
        }  # fmt: skip
        body = {"metadata": {"project": "black"}, "spec": spec}
        found = refused(world, "project admin", "put", "applications/mine", body)
        assert found["code"] == "project_repository_denied"

    @pytest.mark.parametrize(
        ("spec", "code"),
        [
            ({"namespace": "green"}, "project_destination_denied"),
            ({"namespace": "kube-system"}, "project_destination_denied"),
            ({"placement": {"clusters": ["old"]}}, "project_cluster_denied"),
        ],
    )
    def test_another_projects_namespace_or_cluster(
        self, world: World, spec: Json, code: str
    ) -> None:
        whole = {
            "chart": "charts/web", "version": "0.1.0", "namespace": "blue",
            "placement": {"clusters": ["one"]}, **spec,
        }  # fmt: skip
        body = {"metadata": {"project": "blue"}, "spec": whole}
        assert refused(world, "editor", "put", "applications/mine", body)["code"] == code

    def test_another_projects_config_item(self, world: World) -> None:
        """By its name, by its id, as what one writes oneself, and through a preview."""
        for method, path, body in (
            ("post", "configitems/green-keys/reveal", {}),
            ("get", "configitems/green-keys", None),
            ("get", "configitems/green-keys/diff", None),
        ):
            refused(world, "project admin", method, path, body, code=404)
        key = ConfigItem.objects.get(name="green-keys").pk
        client = browser(world, "project admin")
        assert client.get(f"/admin/fleet/configitem/{key}/do/reveal/").status_code == 404
        wish = {"metadata": {"project": "blue"}, "spec": {"namespaces": ["blue"], "data": {}}}
        answers = [
            rest(world, who, "post", f"configitems/{name}/preview", wish)
            for who in ("viewer", "none")
            for name in ("green-keys", "absent-key")
        ]
        assert [answer.status_code for answer in answers] == [403] * 4
        assert len({without_id(answer) for answer in answers}) == 1, "it tells what exists"

    def test_an_object_that_another_projects_item_writes(self, world: World) -> None:
        """It is refused without the name of what one may not see."""
        hidden = {
            "namespaces": ["plain"], "objectName": "plain-keys", "data": {"a": "b"},
            "placement": {"clusters": ["one"]},
        }  # fmt: skip
        writer = User.objects.create_user("writer")
        role("writing", "configitems.create")
        bind(writer, "writing", clusters=["one"])
        spec = {"spec": {**hidden, "type": "Secret"}}
        response = client_of(writer).put("/api/v1/configitems/mine", spec, format="json")
        assert response.json()["error"]["code"] == "object_taken", response.content
        assert "config item “" not in response.content.decode()
        assert response.json()["error"]["data"].get("item") == ""


def without_id(response: Any) -> str:
    body = response.json()
    body["error"].pop("requestId")
    return json.dumps(body, sort_keys=True)


class TestSecrets:
    def test_in_no_answer_of_the_api(self, world: World) -> None:
        """Every GET of the table, for who may everything; one POST reveals, and is on record."""
        from tests.authorization.asking import path_of

        root = world.portal.client
        for row in rest_rows():
            if row.method != "GET":
                continue
            for place, name in row.places(world.names):
                path = f"/api/v1/{path_of(row, place, name, world)}"
                for query in ("", "?limit=500"):
                    assert_no_canary(root.get(path + query))
        shown = root.post("/api/v1/configitems/blue-keys/reveal", {}, format="json")
        assert CANARY in shown.content.decode()
        assert AuditEntry.objects.filter(event="secret-revealed").exists()

    @pytest.mark.parametrize("query", ["search=canary", "ordering=credential", "credential=x"])
    @pytest.mark.parametrize("plural", ["clusters", "configitems", "repositories", "auditentries"])
    def test_not_by_searching_filtering_or_sorting(
        self, world: World, plural: str, query: str
    ) -> None:
        response = world.portal.client.get(f"/api/v1/{plural}?{query}")
        assert response.status_code == (200 if query.startswith("search") else 400)
        if response.status_code == 200 and plural != "auditentries":
            assert response.json()["items"] == []

    def test_nor_in_the_export_of_the_audit(self, world: World) -> None:
        client: Any = world.portal.client
        response = client.post("/api/v1/auditentries/export", {}, format="json")
        assert b"canary" not in b"".join(response.streaming_content)

    def test_nor_on_a_page_of_the_console(self, world: World) -> None:
        """Rendered, for who may everything."""
        from tests.authorization.pages import path_of
        from tests.authorization.ways import console_rows

        client = Client()
        client.force_login(User.objects.get(username="root"))
        for row in console_rows():
            if row.method != "GET" or "{pk}" in row.path or row.more.get("few"):
                continue
            place, name = next(iter(row.places(world.names)))
            page = client.get(path_of(row, place, name, world))
            if not page.streaming:
                assert_no_canary(page)


def assert_no_canary(response: Any) -> None:
    text = response.content.decode()
    assert CANARY not in text
    assert "canary-token" not in text
    assert "found-by-somebody" not in text


class TestConsole:
    def test_no_queue_no_tokens_of_knox_no_foreign_admin(self, world: World) -> None:
        client = Client()
        client.force_login(User.objects.get(username="root"))
        for path in (
            "django_q/task/",
            "django_q/schedule/",
            "knox/authtoken/",
            "axes/",
            "guardian/",
        ):
            assert client.get(f"/admin/{path}").status_code == 404

    def test_a_forged_post(self, world: World) -> None:
        """Without the token of the form nothing happens, whoever's browser it is."""
        client = browser(world, "platform admin", enforce_csrf_checks=True)
        key = Cluster.objects.get(name="one").pk
        before = counts()
        for path in (
            f"fleet/cluster/{key}/do/pause/",
            f"fleet/cluster/{key}/delete/",
            "fleet/project/add/",
        ):
            assert client.post(f"/admin/{path}", {}).status_code == 403
        assert counts() == before

    def test_what_is_on_a_clusters_page_is_what_one_may_see(self, world: World) -> None:
        """Who holds one namespace sees the cluster, and on it nothing of others."""
        user = User.objects.create_user("nina")
        bind(user, "cluster-admin", name="nina", clusters=["one"], namespaces=["blue"])
        client = Client()
        client.force_login(user)
        key = Cluster.objects.get(name="one").pk
        text = client.get(f"/admin/fleet/cluster/{key}/change/").content.decode()
        assert "blue-keys" in text
        assert "green-keys" not in text
        assert "plain-keys" not in text

    def test_a_list_names_nobody_whom_one_may_not_see(self, world: World) -> None:
        text = browser(world, "none").get("/admin/accounts/apitoken/").content.decode()
        assert "platform-admin" not in text
        assert ">root<" not in text
        key = Binding.objects.get(name="viewer-0").pk
        page = browser(world, "viewer").get(f"/admin/accounts/binding/{key}/change/?tab=spec")
        assert ">viewer<" in page.content.decode()
        assert ">platform-admin<" not in page.content.decode()

    def test_versions_of_a_chart_that_one_may_not_see(self, world: World) -> None:
        path = "/admin/apps/application/versions/?chart=charts/web"
        assert "0.2.0" in browser(world, "viewer").get(path).content.decode()
        assert "0.2.0" not in browser(world, "none").get(path).content.decode()


class TestAfterRevocation:
    def test_a_right_that_is_taken_ends_at_once(self, world: World) -> None:
        client = world.people["viewer"].client()
        assert client.get("/api/v1/applications/blue-web").status_code == 200
        world.portal.call("delete", "bindings/viewer-0")
        assert client.get("/api/v1/applications/blue-web").status_code == 404

    def test_somebody_who_was_removed_and_came_back_holds_nothing(self, world: World) -> None:
        assert not Binding.objects.get(name="of-the-first").users.exists()
        for method, path in (("get", "clusters/one"), ("delete", "clusters/one")):
            refused(world, "come back", method, path, code=404)


class TestTheLog:
    @pytest.mark.parametrize("who", ["auditor", "platform admin"])
    def test_is_written_by_nobody(self, world: World, who: str) -> None:
        """Over the API and in the console; by ORM and SQL: test_audit_seals."""
        entry = world.names.by_kind["auditentries"]["platform"]
        for method in ("put", "patch", "delete"):
            assert rest(world, who, method, f"auditentries/{entry}", {}).status_code == 405
        assert rest(world, who, "post", "auditentries", {}).status_code in {400, 403, 405}
        client = browser(world, who)
        for page in ("change", "delete"):
            assert client.post(f"/admin/accounts/auditentry/{entry}/{page}/", {}).status_code == 403
        assert client.post("/admin/accounts/auditentry/add/", {}).status_code == 403
        assert AuditEntry.objects.filter(pk=entry).exists()


def test_who_acts_on_several_objects_is_asked_for_each(world: World) -> None:
    """A bulk act answers 200 and refuses each object by itself, on record."""
    with audit.unaudited("a test"):
        entries = denials(world, "cluster admin")
    body = {
        "action": "delete",
        "objects": [{"apiVersion": "v1", "kind": "Pod", "namespace": "blue", "name": "x"}],
    }
    looker = User.objects.create_user("looker")
    role("looking", "clusters.view", "resources.view")
    bind(looker, "looking", clusters=["one"])
    response = client_of(looker).post("/api/v1/clusters/one/resources/bulk", body, format="json")
    (item,) = response.json()["items"]
    assert item["result"] == "error"
    assert item["error"]["code"] in {"permission_denied", "kube_unreachable"}
    assert denials(world, "cluster admin") == entries
