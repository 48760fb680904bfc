"""The contract of the REST API, as the command line and other clients rely on it."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.utils import timezone
from django_q.models import OrmQ
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from accounts.services import tokens
from accounts.services.bindings import binding_delete
from fleet.models import Cluster, Operation
from fleet.operations import operation_start
from kubecarrier.api import watch
from kubecarrier.lib.audit import unaudited
from kubecarrier.lib.manifests import kinds
from kubecarrier.lib.tasks import wake_on_commit
from tests.db.conftest import add_cluster, application, counts, error
from tests.db.rights import bind
from tests.portal import Portal

pytestmark = pytest.mark.django_db


def names(answer: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


class TestDocuments:
    def test_the_one_form(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        for kind in kinds():
            listed = fleet.call("get", kind.plural)
            assert (listed["apiVersion"], listed["kind"]) == (
                "kubecarrier.io/v1",
                f"{kind.kind}List",
            )
            for item in listed["items"]:
                assert list(item) == ["apiVersion", "kind", "metadata", "spec", "status"]
                assert item["kind"] == kind.kind
                again = fleet.call("get", f"{kind.plural}/{item['metadata']['name']}")
                assert again["metadata"]["uid"] == item["metadata"]["uid"]

    def test_created_configured_unchanged(self, portal: Portal) -> None:
        body = {"spec": {"type": "local"}}
        said = []
        for document in (body, body, {"spec": {"type": "local", "description": "x"}}):
            response = portal.client.put("/api/v1/repositories/r", document, format="json")
            said.append((response.status_code, response["X-KubeCarrier-Result"]))
        assert said == [(201, "created"), (200, "unchanged"), (202, "configured")]

    def test_post_creates_once(self, portal: Portal) -> None:
        document = {"metadata": {"name": "r"}, "spec": {"type": "local"}}
        portal.call("post", "repositories", document, code=201)
        assert error(portal, "post", "repositories", document, code=409)["code"] == "exists"
        assert (
            error(portal, "post", "repositories", {"spec": {}}, code=400)["field"]
            == "metadata.name"
        )

    def test_patch_merges_and_null_takes_the_default(self, portal: Portal) -> None:
        body = {"spec": {"type": "local", "description": "x", "refreshSeconds": 60}}
        portal.call("put", "repositories/r", {"metadata": {"labels": {"a": "1", "b": "2"}}, **body})
        patch = {"metadata": {"labels": {"a": None}}, "spec": {"description": None}}
        response = portal.client.patch(
            "/api/v1/repositories/r",
            json.dumps(patch),
            content_type="application/merge-patch+json",
        )
        document = response.json()
        assert document["metadata"]["labels"] == {"b": "2"}
        assert (document["spec"]["description"], document["spec"]["refreshSeconds"]) == ("", 60)

    def test_fields(self, fleet: Portal) -> None:
        document = fleet.call("get", "clusters/one?fields=spec.server,status.nodes,nothing.there")
        assert document == {
            "apiVersion": "kubecarrier.io/v1",
            "kind": "Cluster",
            "metadata": {"name": "one"},
            "spec": {"server": "https://one.example.org:6443"},
            "status": {"nodes": 0},
        }
        listed = fleet.call("get", "clusters?fields=metadata.labels")
        assert [set(item["metadata"]) for item in listed["items"]] == [{"name", "labels"}] * 2


class TestLists:
    def test_selector_filters_and_search(self, fleet: Portal) -> None:
        assert names(fleet.call("get", "clusters?labelSelector=env%3Dprod")) == ["one"]
        assert names(fleet.call("get", "clusters?labelSelector=env!%3Dprod")) == ["two"]
        assert names(fleet.call("get", "clusters?ready=True")) == []
        assert names(fleet.call("get", "clusters?search=TWO.example")) == ["two"]
        assert names(fleet.call("get", "clusters?search=o%25e")) == []  # % is no wildcard
        fleet.apply("shop", **application(placement={"clusters": ["one"]}))
        assert names(fleet.call("get", "applications?cluster=one")) == ["shop"]
        assert names(fleet.call("get", "applications?cluster=two")) == []
        assert names(fleet.call("get", "releases?application=shop")) == ["shop.one"]

    def test_an_application_on_many_clusters_is_listed_once(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        assert names(fleet.call("get", "applications")) == ["shop"]

    def test_pages_are_stable_while_rows_come_and_go(self, portal: Portal) -> None:
        for name in "bdfhj":
            portal.call("put", f"repositories/{name}", {"spec": {"type": "local"}})
        first = portal.call("get", "repositories?limit=2")
        assert names(first) == ["b", "d"]
        for name in "ac":  # before the cursor: not seen, and nothing is shifted
            portal.call("put", f"repositories/{name}", {"spec": {"type": "local"}})
        portal.call("put", "repositories/g", {"spec": {"type": "local"}})
        portal.call("delete", "repositories/d")
        token = first["metadata"]["continue"]
        second = portal.call("get", f"repositories?limit=2&continue={token}")
        assert names(second) == ["f", "g"]
        last = portal.call("get", f"repositories?limit=9&continue={second['metadata']['continue']}")
        assert (names(last), last["metadata"]["continue"]) == (["h", "j"], None)

    def test_pages_of_what_is_ordered_by_time(self, portal: Portal) -> None:
        add_cluster(portal, "one")
        for number in range(5):
            operation_start(verb=f"v{number}", row=Cluster.objects.get(), targets=())
        with unaudited("the same moment for all"):
            Operation.objects.update(created_at=Operation.objects.values_list("created_at")[:1])
        seen, token = [], ""
        while True:
            page = portal.call("get", f"operations?limit=2&continue={token}")
            seen += names(page)
            token = page["metadata"]["continue"]
            if token is None:
                break
        assert len(seen) == len(set(seen)) == 5

    def test_a_page_costs_the_same_however_many_rows(
        self, portal: Portal, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            portal.call("put", f"repositories/r{number}", {"spec": {"type": "local"}})
        with django_assert_max_num_queries(3):
            portal.call("get", "repositories")


class TestDryRun:
    ACTIONS: tuple[Any, ...] = (
        (
            "put",
            "clusters/one",
            {"spec": {"server": "https://one.example.org:6443", "region": "x"}},
        ),
        ("patch", "clusters/one", {"spec": {"region": "x"}}),
        ("delete", "clusters/one", None),
        ("post", "clusters/import", {"name": "n", "server": "https://n.example.org", "token": "t"}),
        ("post", "clusters/one/probe", None),
        ("post", "clusters/one/suspend", None),
        ("post", "clusters/one/resume", None),
        ("post", "clusters/one/rename", {"newName": "first"}),
        ("post", "clusters/one/rotate", {"token": "next"}),
        ("put", "repositories/new", {"spec": {"type": "local"}}),
        ("post", "repositories", {"metadata": {"name": "new"}, "spec": {"type": "local"}}),
        ("post", "repositories/local/refresh", None),
        ("delete", "repositories/spare", None),
        ("put", "applications/new", {"spec": application()}),
        ("patch", "applications/shop", {"spec": {"values": "replicaCount: 2"}}),
        ("post", "applications/shop/scale", {"replicas": 5}),
        ("post", "applications/shop/upgrade", {}),
        ("post", "applications/shop/rollback", {"revision": 1}),
        ("post", "applications/shop/rollback", {"revision": 1, "cluster": "one"}),
        ("post", "applications/shop/redeploy", {}),
        ("post", "applications/shop/suspend", None),
        ("post", "applications/shop/resume", None),
        ("delete", "applications/shop", None),
        ("post", "releases/shop.one/redeploy", None),
        ("put", "configitems/new", {"spec": {"namespaces": ["shop"]}}),
        ("patch", "configitems/colors", {"spec": {"data": {"a": "2"}}}),
        ("delete", "configitems/colors", None),
        ("post", "configitems/colors/set", {"data": {"a": "2"}}),
        ("post", "configitems/colors/rollback", {"revision": 1}),
        ("post", "configitems/colors/adopt", {}),
        ("post", "configitems/colors/suspend", None),
        ("post", "configitems/colors/resume", None),
        ("post", "configcopies/colors.one.shop/adopt", None),
    )

    @pytest.mark.parametrize(("method", "path", "body"), ACTIONS)
    def test_stores_and_enqueues_nothing(
        self,
        fleet: Portal,
        django_capture_on_commit_callbacks: Any,
        method: str,
        path: str,
        body: Any,
    ) -> None:
        fleet.apply("shop", **application())
        fleet.call("put", "repositories/spare", {"spec": {"type": "local"}})
        spec = {"namespaces": ["shop"], "placement": {"clusters": ["one"]}}
        fleet.call("put", "configitems/colors", {"spec": spec})
        before, entries = everything(), AuditEntry.objects.count()
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            fleet.call(method, f"{path}?dryRun=All", body)
        assert everything() == before
        assert (AuditEntry.objects.count(), OrmQ.objects.count()) == (entries, 0)
        assert callbacks == []

    def test_every_change_is_in_the_list(self) -> None:
        said = {path.rpartition("/")[2] for _, path, _ in self.ACTIONS}
        reads = {
            "versions", "revisions", "values", "history", "preview", "diff", "reveal",
            "namespaces", "deletion",
        }  # fmt: skip
        elsewhere = {"charts", "resolve", "export"}  # they have their own tests
        for kind in kinds():
            assert set(kind.actions) <= said | reads | elsewhere, kind.plural

    @pytest.mark.parametrize("word", ["all", "true", "1"])
    def test_a_misspelt_dry_run_does_nothing_at_all(self, fleet: Portal, word: str) -> None:
        before = everything()
        found = error(fleet, "post", f"clusters/one/suspend?dryRun={word}", code=400)
        assert found["code"] == "dry_run_invalid"
        assert everything() == before

    def test_it_answers_what_would_be(self, fleet: Portal) -> None:
        answer = fleet.call(
            "put", "applications/shop?dryRun=All", {"spec": application()}, code=201
        )
        assert answer["status"]["releases"] == 2
        assert fleet.gone("applications/shop")

    @pytest.mark.django_db(transaction=True)
    def test_a_later_change_is_still_enqueued(self, fleet: Portal) -> None:
        """A rolled back wake-up must not stand for the next one."""
        OrmQ.objects.all().delete()
        fleet.call("post", "clusters/one/probe?dryRun=All")
        assert OrmQ.objects.count() == 0
        fleet.call("post", "clusters/one/probe")
        assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_wake_ups_of_one_transaction_are_one() -> None:
    OrmQ.objects.all().delete()
    with transaction.atomic():
        wake_on_commit("a.task")
        wake_on_commit("a.task")
        wake_on_commit("another.task")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            wake_on_commit("undone.task")
            raise ZeroDivisionError
        wake_on_commit("undone.task")
    assert OrmQ.objects.count() == 3


def everything() -> dict[str, Any]:
    """Row counts, and every column of what people edit, leases and times included."""
    tables = ("fleet.Cluster", "apps.Application", "apps.Release", "apps.ChartRepository")
    models = [django_apps.get_model(label) for label in tables]
    return {
        **counts(),
        **{m._meta.label: list(m._base_manager.order_by("pk").values()) for m in models},
    }


class TestPreconditions:
    def test_the_tag_changes_with_the_spec_only(self, fleet: Portal) -> None:
        def tag() -> str:
            return str(fleet.client.get("/api/v1/clusters/one")["ETag"])

        before = tag()
        Cluster.objects.all().status_update(ready="True")
        assert tag() == before
        fleet.call("patch", "clusters/one", {"spec": {"region": "x"}})
        assert tag() != before

    def test_a_stale_tag_tells_the_difference(self, fleet: Portal) -> None:
        stale = fleet.client.get("/api/v1/clusters/one")["ETag"]
        fleet.call("patch", "clusters/one", {"spec": {"region": "theirs"}})
        body = {"spec": {"server": "https://one.example.org:6443", "region": "mine"}}
        found = error(fleet, "put", "clusters/one", body, code=412, **{"If-Match": stale})
        assert found["code"] == "precondition_failed"
        assert found["data"]["difference"] == [
            {"path": "spec.region", "yours": "mine", "theirs": "theirs"}
        ]
        assert Cluster.objects.get(name="one").region == "theirs"

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_guards_every_way_of_changing(self, fleet: Portal, method: str) -> None:
        stale = fleet.client.get("/api/v1/clusters/one")["ETag"]
        fleet.call("patch", "clusters/one", {"spec": {"region": "theirs"}})
        body = None if method == "delete" else {"spec": {"server": "https://one.example.org:6443"}}
        error(fleet, method, "clusters/one", body, code=412, **{"If-Match": stale})

    def test_the_present_tag_and_a_star_pass(self, fleet: Portal) -> None:
        for header in (fleet.client.get("/api/v1/clusters/one")["ETag"], "*"):
            fleet.call(
                "patch", "clusters/one", {"spec": {"region": header[:3]}}, **{"If-Match": header}
            )

    def test_nothing_to_match(self, portal: Portal) -> None:
        body = {"spec": {"type": "local"}}
        error(portal, "put", "repositories/new", body, code=412, **{"If-Match": "*"})

    @pytest.mark.parametrize(
        "header", ['"x"', "W/x", '"a.²"', '"' + "9" * 5000 + '"', ".", '"."', "\xff"]
    )
    def test_odd_tags_do_not_match(self, fleet: Portal, header: str) -> None:
        tag = fleet.client.get("/api/v1/clusters/one")["ETag"].strip('"').partition(".")[0]
        for value in (header, f'"{tag}.²"', f'"{tag}.{"9" * 5000}"'):
            body = {"spec": {"region": "x"}}
            error(fleet, "patch", "clusters/one", body, code=412, **{"If-Match": value})


class TestErrors:
    @pytest.mark.parametrize(
        ("method", "path", "body", "code", "word"),
        [
            ("get", "nothing", None, 404, "not_found"),
            ("get", "clusters/absent", None, 404, "not_found"),
            ("get", "clusters/absent/odd/path", None, 404, "not_found"),
            ("post", "clusters/one", None, 405, "method_not_allowed"),
            ("put", "nodes/n", {}, 405, "method_not_allowed"),
            ("get", "clusters?colour=red", None, 400, "parameter_unknown"),
            ("get", "clusters/one?ordering=password", None, 400, "parameter_unknown"),
            ("post", "clusters/one/probe?now=1", None, 400, "parameter_unknown"),
            ("get", "applications/shop/values?klaster=one", None, 400, "parameter_unknown"),
            ("get", "nodes?ready=perhaps", None, 400, "filter_invalid"),
            ("put", "clusters/one", {"specs": {}}, 400, "field_unknown"),
            ("put", "clusters/one", {"spec": {"serverr": 1}}, 400, "field_unknown"),
            ("put", "clusters/one", {"metadata": {"labls": {}}}, 400, "field_unknown"),
            ("put", "clusters/one", {"apiVersion": "v2"}, 400, "document_invalid"),
            ("put", "clusters/one", {"metadata": {"name": "two"}}, 400, "name_mismatch"),
        ],
    )
    def test_one_form(
        self, fleet: Portal, method: str, path: str, body: Any, code: int, word: str
    ) -> None:
        found = error(fleet, method, path, body, code=code)
        assert found["code"] == word
        assert found["requestId"]

    def test_unsupported_body(self, fleet: Portal) -> None:
        response = fleet.client.put(
            "/api/v1/clusters/one", b"a: 1", content_type="application/yaml"
        )
        assert (response.status_code, response.json()["error"]["code"]) == (
            415,
            "unsupported_media_type",
        )

    def test_unparsable_body(self, fleet: Portal) -> None:
        response = fleet.client.put("/api/v1/clusters/one", b"{", content_type="application/json")
        assert (response.status_code, response.json()["error"]["code"]) == (400, "json_invalid")

    def test_not_acceptable(self, fleet: Portal) -> None:
        response = fleet.client.get("/api/v1/clusters", headers={"Accept": "text/html"})
        assert (response.status_code, response.json()["error"]["code"]) == (406, "not_acceptable")

    def test_a_silent_database_is_503_with_a_time(
        self, portal: Portal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def gone(self: Any, request: Any) -> Any:
            raise OperationalError("canary: password authentication failed")

        monkeypatch.setattr("fleet.api.views.ClusterViewSet.filtered", gone)
        response = portal.client.get("/api/v1/clusters")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert "canary" not in response.content.decode()


class Stream:
    """A watch, driven step by step without an event loop, so that the test's transaction serves it."""

    def __init__(self, portal: Portal, plural: str) -> None:
        url = f"/api/v1/{plural}?watch=1&timeoutSeconds=60"
        # What a browser's EventSource sends.
        response = portal.client.get(url, headers={"Accept": "text/event-stream"})
        assert response["Content-Type"] == "text/event-stream"
        content: Any = response
        self.events = aiter(content.streaming_content)

    def ended(self) -> bool:
        """Whether the stream ends at its next step."""
        try:
            anext(self.events).send(None)
        except StopAsyncIteration:
            return True
        except StopIteration:
            return False
        return False

    def next(self) -> tuple[str, str]:
        """Type of the next change, and the name of its object."""
        try:
            anext(self.events).send(None)
        except StopIteration as done:
            head, _, data = done.value.decode().partition("\ndata: ")
            assert head == "event: change"
            change = json.loads(data)
            return change["type"], change["object"]["metadata"]["name"]
        raise AssertionError("the stream waits for something else than its clock")


class TestWatch:
    @pytest.fixture(autouse=True)
    def _no_loop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def at_once(_: float) -> None:
            return

        def here(function: Any, **_: Any) -> Any:
            async def call(*args: Any) -> Any:
                return function(*args)

            return call

        monkeypatch.setattr(watch, "asyncio", SimpleNamespace(sleep=at_once))
        monkeypatch.setattr(watch, "sync_to_async", here)

    def test_added_modified_deleted(self, fleet: Portal) -> None:
        stream = Stream(fleet, "clusters")
        assert sorted([stream.next(), stream.next()]) == [("ADDED", "one"), ("ADDED", "two")]
        fleet.call("patch", "clusters/two", {"spec": {"region": "x"}})
        assert stream.next() == ("MODIFIED", "two")
        fleet.call("delete", "clusters/one")
        assert stream.next() == ("DELETED", "one")
        add_cluster(fleet, "three")
        assert stream.next() == ("ADDED", "three")

    def test_one_object(self, fleet: Portal) -> None:
        stream = Stream(fleet, "clusters/one")
        assert stream.next() == ("ADDED", "one")
        fleet.call("patch", "clusters/two", {"spec": {"region": "x"}})
        fleet.call("patch", "clusters/one", {"spec": {"region": "x"}})
        assert stream.next() == ("MODIFIED", "one")

    def test_every_kind_can_be_watched(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        for kind in kinds():
            rows = kind.rows(User.objects.get())
            known: watch.Known = {}
            exported = watch.Exported(lambda row: {"pk": row.pk}, None)
            first = watch._look(rows, exported, known)
            assert len(first) == rows.count(), kind.plural
            assert watch._look(rows, exported, known) == []

    def test_an_operation_s_progress_is_a_change(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        stream = Stream(fleet, "operations")
        assert stream.next()[0] == "ADDED"
        with unaudited("test"):
            Operation.objects.get().targets.update(state="succeeded")
        assert stream.next()[0] == "MODIFIED"

    @pytest.mark.parametrize("change", ["token", "expiry", "person"])
    def test_it_ends_with_the_right_to_it(self, fleet: Portal, change: str) -> None:
        user = User.objects.create_superuser("eve", "eve@example.org")
        token, secret = tokens.token_create(user=user, name="watching")
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
        stream = Stream(Portal(client), "clusters/one")
        assert stream.next()[0] == "ADDED"
        if change == "token":
            token.delete()
        elif change == "expiry":
            token.expiry = timezone.now()
            token.save()
        else:
            user.is_active = False
            user.save()
        assert stream.ended()

    def test_what_is_no_longer_visible_goes(self, fleet: Portal) -> None:
        user = User.objects.create_superuser("eve", "eve@example.org")
        client = APIClient()
        client.credentials(
            HTTP_AUTHORIZATION=f"Token {tokens.token_create(user=user, name='watching')[1]}"
        )
        stream = Stream(Portal(client), "clusters/one")
        assert stream.next() == ("ADDED", "one")
        user.is_superuser = False
        user.save()
        assert stream.next() == ("DELETED", "one")

    def test_it_follows_the_bindings(self, fleet: Portal) -> None:
        user = User.objects.create_user("nan", "nan@example.org")
        bound = bind(user, "viewer", name="nan", clusters=["one"])
        client = APIClient()
        secret = tokens.token_create(user=user, name="watching")[1]
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
        stream = Stream(Portal(client), "clusters")
        assert stream.next() == ("ADDED", "one")
        bind(user, "viewer", name="more", clusters=["two"])
        assert stream.next() == ("ADDED", "two")
        binding_delete(actor=None, row=bound)
        assert stream.next() == ("DELETED", "one")

    def test_a_session_s_end_ends_it(self, fleet: Portal) -> None:
        user = User.objects.create_superuser("eve", "eve@example.org")
        client = APIClient()
        client.force_login(user)
        stream = Stream(Portal(client), "clusters/one")
        assert stream.next()[0] == "ADDED"
        client.session.flush()
        assert stream.ended()

    @pytest.mark.parametrize(
        ("query", "field"), [("watch=yes", "watch"), ("watch=1&timeoutSeconds=²", "timeoutSeconds")]
    )
    def test_refused(self, fleet: Portal, query: str, field: str) -> None:
        assert error(fleet, "get", f"clusters?{query}", code=400)["field"] == field


class TestKinds:
    def test_describes_every_kind(self, portal: Portal) -> None:
        items = {item["plural"]: item for item in portal.call("get", "kinds")["items"]}
        assert set(items) == {kind.plural for kind in kinds()}
        cluster = items["clusters"]
        assert "apply" in cluster["verbs"]
        assert "apply" not in items["nodes"]["verbs"]
        assert "credential" in cluster["schema"]["properties"]
        assert cluster["schema"]["required"] == ["server"]

    def test_columns_point_into_documents(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        for item in fleet.call("get", "kinds")["items"]:
            for document in fleet.call("get", item["plural"])["items"][:1]:
                for column in item["columns"]:
                    place: Any = document
                    for key in column["path"].split("."):
                        assert key in place, column
                        place = place[key]

    def test_selectors_where_there_are_labels(self, fleet: Portal) -> None:
        labelled = {
            "applications",
            "bindings",
            "clusters",
            "configitems",
            "inventory",
            "namespaces",
            "nodes",
            "projects",
            "repositories",
            "roles",
        }
        labelled |= {"auditpolicies", "identitymappings", "serviceaccounts"}
        for kind in kinds():
            code = 200 if kind.plural in labelled else 400
            fleet.call("get", f"{kind.plural}?labelSelector=a", code=code)

    def test_filters_are_parameters(self, portal: Portal) -> None:
        for item in portal.call("get", "kinds")["items"]:
            for name in item["filters"]:
                truths = {"ready", "deprecated", "drifted", "custom", "namespaced", "open"}
                value = "True" if name in truths else "x"
                value = "2030-01-31T12:00:00Z" if name in {"since", "until"} else value
                # A kind that no cluster serves is more likely misspelt than missing; an object has
                # a kind and a name.
                strict = {("inventory", "kind"), ("auditentries", "of")}
                code = 400 if (item["plural"], name) in strict else None
                portal.call("get", f"{item['plural']}?{name}={value}", code=code)


def test_the_schema_is_valid_without_a_warning(tmp_path: Any, capsys: Any) -> None:
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml")
    )
    assert "Warning" not in capsys.readouterr().err


def test_the_documentation_page_has_no_foreign_host(portal: Portal) -> None:
    page = portal.client.get("/api/docs").content.decode()
    assert "swagger-ui" in page
    assert "//" not in page.replace("// ", "").replace("http://testserver", "")


def test_names_without_a_column_are_uuids(portal: Portal) -> None:
    for name in ("x", str(uuid.uuid4())):
        assert portal.client.get(f"/api/v1/operations/{name}").status_code == 404
    assert connection.is_usable()


def test_a_list_of_applications_asks_once_for_all_counts(
    portal: Portal, django_assert_max_num_queries: Any
) -> None:
    from apps.models import Application

    for number in range(20):
        Application.objects.create(
            name=f"app-{number}", chart="r/c", namespace="n", resolved_version="1", digest="d"
        )
    with django_assert_max_num_queries(8):
        assert len(portal.call("get", "applications")["items"]) == 20


def test_a_name_in_several_clusters_has_to_be_told_apart(portal: Portal) -> None:
    from django.utils import timezone

    from fleet.models import Cluster, Namespace
    from kubecarrier.lib import audit

    with audit.unaudited("test"):
        for name in ("one", "two"):
            cluster = Cluster.objects.create(name=name, server="https://127.0.0.1:1")
            Namespace.objects.create(cluster=cluster, name="demo", seen_at=timezone.now())
    error = portal.call("get", "namespaces/demo", code=400)["error"]
    assert (error["code"], error["hint"]) == ("name_ambiguous", "Say which: ?cluster=NAME")
    assert portal.call("get", "namespaces/demo?cluster=two")["status"]["cluster"] == "two"
