"""The stream: where a row is, who caused what, what was refused; read over REST."""

from __future__ import annotations

import json
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from fleet.models import Cluster
from fleet.tasks import probe_clusters
from kubecarrier.lib import access, audit, causes, whereabouts
from kubecarrier.lib.audit import AuditContext, Channel, UnauditedWriteError, acting
from kubecarrier.lib.errors import DeniedError
from tests.db.conftest import add_cluster, application, error
from tests.portal import Portal

pytestmark = pytest.mark.django_db
Json = dict[str, Any]


def listed(portal: Portal, query: str = "") -> list[Json]:
    return [one["status"] for one in portal.call("get", f"auditentries?{query}")["items"]]


class TestWhere:
    def test_a_cluster_s_entries_carry_its_name_and_key(self, portal: Portal) -> None:
        add_cluster(portal, "one")
        row = Cluster.objects.get()
        entry = AuditEntry.objects.get(object_pk=str(row.pk))
        assert (entry.kind, entry.cluster, entry.cluster_uid) == ("Cluster", "one", row.pk)
        assert (entry.project, entry.actor_name, entry.result) == ("", "admin", "ok")

    def test_an_entry_outlives_its_actor_and_object_unchanged(
        self, portal: Portal, admin_user: User
    ) -> None:
        ann = User.objects.create_user("ann", is_staff=True)
        with acting(AuditContext(Channel.API, lambda: ann)):
            User.objects.create_user("bob")
        before = AuditEntry.objects.filter(actor=ann).values().get()
        ann.delete()
        after = AuditEntry.objects.values().get(pk=before["id"])
        assert after == before
        assert listed(portal, "who=ann")[0]["actor"] == "ann"
        assert portal.call("get", f"auditentries/{before['id']}")["status"]["actor"] == "ann"


class TestNeverChanged:
    def test_rows_and_querysets_refuse(self, admin_user: User) -> None:
        entry = AuditEntry.objects.first()
        assert entry is not None
        for attempt in (
            entry.save,
            entry.delete,
            AuditEntry.objects.all().delete,
            lambda: AuditEntry.objects.update(reason="x"),
            lambda: AuditEntry.objects.bulk_create([]),
            lambda: AuditEntry.objects.bulk_update([], ["reason"]),
        ):
            with pytest.raises(UnauditedWriteError):
                attempt()


class TestCause:
    def test_a_reconciler_acts_for_who_asked(self, portal: Portal, admin_user: User) -> None:
        """The row of a cluster goes in a reconciler's pass: by whom, and why, is on record."""
        add_cluster(portal, "one")
        row = Cluster.objects.get()
        portal.call("delete", "clusters/one", **{"X-KubeCarrier-Reason": "scrapped"})
        probe_clusters()
        gone = AuditEntry.objects.filter(object_pk=str(row.pk)).latest("pk")
        assert gone.action == AuditEntry.Action.DELETE
        assert (gone.actor_name, gone.reason) == ("admin", "scrapped")

    def test_the_latest_person_on_a_row_is_the_cause(self, portal: Portal) -> None:
        add_cluster(portal, "one")
        row = Cluster.objects.get()
        headers = {"X-KubeCarrier-Reason": "moved", "X-Request-ID": "request-4711"}
        portal.call("patch", "clusters/one", {"spec": {"region": "north"}}, **headers)
        context = AuditContext(Channel.RECONCILER, request_id="task-12345678")
        with acting(context), causes.acting_for(Cluster, row.pk):
            row.refresh_from_db()
            row.description = "by a pass"
            row.save()
        entry = AuditEntry.objects.filter(object_pk=str(row.pk)).latest("pk")
        said = (entry.actor_name, entry.channel, entry.request_id, entry.reason)
        assert said == ("admin", "reconciler", "request-4711", "moved")

    def test_a_pass_that_writes_no_entry_asks_for_no_cause(self, portal: Portal) -> None:
        add_cluster(portal, "one")
        row = Cluster.objects.get()
        with (
            CaptureQueriesContext(
                connection,
            ) as queries,
            causes.acting_for(Cluster, row.pk),
        ):
            pass
        assert len(queries) == 0


class TestReason:
    @pytest.fixture
    def demanded(self, settings: Any) -> None:
        settings.KUBECARRIER_REQUIRE_REASON = True

    def test_a_change_without_one_is_refused_whole(self, portal: Portal, demanded: None) -> None:
        spec = {"server": "https://one.example.org", "credential": {"token": "t"}}
        refused = error(portal, "put", "clusters/one", {"spec": spec}, code=400)
        assert (refused["code"], refused["field"]) == ("reason_required", "reason")
        assert not Cluster.objects.exists()
        reason = {"X-KubeCarrier-Reason": "a new site"}
        portal.call("put", "clusters/one", {"spec": spec}, **reason)
        assert listed(portal, "kind=Cluster")[0]["reason"] == "a new site"

    def test_what_is_not_asked_for_by_a_person_needs_none(self, demanded: None) -> None:
        with acting(AuditContext(Channel.RECONCILER)):
            Cluster.objects.create(name="one", server="https://one.example.org")
        User.objects.create_user("ann")
        assert AuditEntry.objects.filter(kind="Cluster").exists()

    def test_a_project_asks_for_itself(self, portal: Portal, monkeypatch: Any) -> None:
        place = whereabouts.Place(project="shop", asks_reason=True)
        monkeypatch.setitem(whereabouts._finders, Cluster, lambda row: place)
        spec = {"server": "https://one.example.org", "credential": {"token": "t"}}
        assert error(portal, "put", "clusters/one", {"spec": spec}, code=400)["code"] == (
            "reason_required"
        )


class TestAddress:
    def put(self, portal: Portal, **headers: str) -> set[str]:
        body = {"spec": {"type": "local"}}
        portal.client.put("/api/v1/repositories/r", body, format="json", headers=headers)
        return {one["address"] for one in listed(portal, "channel=api&kind=ChartRepository")}

    def test_a_proxy_of_ours_is_believed(self, portal: Portal, settings: Any) -> None:
        settings.KUBECARRIER_TRUSTED_PROXIES = [ip_network("127.0.0.1/32")]
        assert self.put(portal, **{"X-Forwarded-For": "10.9.9.9, 203.0.113.9"}) == {"203.0.113.9"}

    @pytest.mark.parametrize("junk", ["junk", "'; DROP TABLE x --", "1.2.3.4.5", "," * 400, "\x7f"])
    def test_junk_is_harmless(self, portal: Portal, settings: Any, junk: str) -> None:
        settings.KUBECARRIER_TRUSTED_PROXIES = [ip_network("127.0.0.1/32")]
        assert self.put(portal, **{"X-Forwarded-For": junk}) == {"127.0.0.1"}

    def test_a_stranger_s_word_on_https_is_dropped(self, portal: Portal, settings: Any) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        answer = portal.client.get("/api/v1/whoami", headers={"X-Forwarded-Proto": "https"})
        assert not answer.wsgi_request.is_secure()

    @pytest.mark.parametrize("reason", ["a%00b", "a%0Ab", "%E2%98%83" * 600])
    def test_odd_reasons_are_kept_as_text(self, portal: Portal, reason: str) -> None:
        self.put(portal, **{"X-KubeCarrier-Reason": reason})
        (entry,) = AuditEntry.objects.filter(kind="ChartRepository")
        assert entry.reason
        assert entry.reason.isprintable()
        assert len(entry.reason) <= 500


class TestRefusals:
    @pytest.fixture
    def visitor(self) -> APIClient:
        client = APIClient()
        client.force_authenticate(User.objects.create_user("visitor", is_staff=True))
        return client

    def test_a_missing_permission_names_it_and_its_object(
        self, portal: Portal, monkeypatch: Any
    ) -> None:
        add_cluster(portal, "one")

        def never(user: Any, permission: str, row: Any = None) -> bool:
            return not permission.endswith(".delete")

        monkeypatch.setattr(access, "may", never)
        row = Cluster.objects.get()
        with acting(AuditContext(Channel.API)) as context:
            for _ in range(2):
                with pytest.raises(DeniedError):
                    access.require(None, "clusters.delete", row)
        assert [(one.permission, one.row) for one in context.denials] == [("clusters.delete", row)]

    def test_out_of_scope_is_answered_like_absent_and_is_on_record(
        self, portal: Portal, visitor: APIClient, monkeypatch: Any
    ) -> None:
        from fleet.api import kinds

        add_cluster(portal, "one")
        mine = Cluster.objects.none()
        kind = kinds.CLUSTER
        object.__setattr__(kind, "rows", lambda user: mine)
        try:
            answers = [visitor.get(f"/api/v1/clusters/{name}") for name in ("one", "two")]
        finally:
            from fleet.permissions import visible_clusters

            object.__setattr__(kind, "rows", visible_clusters)
        assert [answer.status_code for answer in answers] == [404, 404]
        (entry,) = AuditEntry.objects.filter(event="denied")
        assert (entry.object_repr, entry.cluster, entry.result) == ("one", "one", "denied")
        assert (entry.actor_name, entry.channel) == ("visitor", "api")
        assert entry.changes_text == "GET /api/v1/clusters/one (clusters.view)"

    def test_the_console_s_refusals_too(self, portal: Portal, client: Any) -> None:
        user = User.objects.create_user("nobody", password="a-long-password")
        client.force_login(user)
        assert client.get("/admin/fleet/cluster/add/").status_code == 403
        (entry,) = AuditEntry.objects.filter(event="denied")
        assert (entry.actor_name, entry.channel) == ("nobody", "console")

    def test_a_plain_miss_leaves_none(self, portal: Portal) -> None:
        error(portal, "get", "clusters/absent", code=404)
        error(portal, "get", "auditentries/absent", code=404)
        assert not AuditEntry.objects.filter(event="denied").exists()


class TestRest:
    def test_filters(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        fleet.call("post", "clusters/one/probe")
        User.objects.create_user("ann")
        by = {
            "kind=Application": {"shop"},
            "cluster=one": {"one"},
            "object=two": {"two"},
            "event=probe-asked": {"one"},
            "who=admin&kind=Cluster": {"one", "two"},
            "channel=command&kind=User": {"admin", "ann"},
            "search=SHO": {"shop"},
            "cluster=absent": set(),
            "result=denied": set(),
        }
        assert {query: {one["object"] for one in listed(fleet, query)} for query in by} == by

    def test_times(self, portal: Portal) -> None:
        add_cluster(portal, "one")
        now = timezone.now()
        later = (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert listed(portal, f"since={later}") == []
        assert listed(portal, f"until={later}&kind=Cluster")
        assert listed(portal, "since=2020-01-01")
        for text in ("yesterday", "2026-13-01", "9" * 50, "-1"):
            refused = error(portal, "get", f"auditentries?since={text}", code=400)
            assert (refused["code"], refused["field"]) == ("filter_invalid", "since")

    def test_pages_by_key(self, portal: Portal) -> None:
        for number in range(7):
            User.objects.create_user(f"user-{number}")
        seen: list[str] = []
        token: str | None = ""
        while token is not None:
            page = portal.call("get", f"auditentries?kind=User&limit=3&continue={token}")
            seen += [one["status"]["object"] for one in page["items"]]
            token = page["metadata"]["continue"]
        assert seen == [*(f"user-{number}" for number in reversed(range(7))), "admin"]

    @pytest.mark.parametrize("query", ["watch=1", "limit=0", "continue=x", "colour=red"])
    def test_refused(self, portal: Portal, query: str) -> None:
        assert error(portal, "get", f"auditentries?{query}", code=400)["field"]

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_nobody_writes(self, portal: Portal, method: str) -> None:
        entry = AuditEntry.objects.first()
        assert entry is not None
        error(portal, method, f"auditentries/{entry.pk}", {}, code=405)

    def test_who_may_not_read_the_stream_sees_what_he_did(
        self, portal: Portal, monkeypatch: Any
    ) -> None:
        add_cluster(portal, "one")
        ann = User.objects.create_user("ann", is_staff=True)
        with acting(AuditContext(Channel.API, lambda: ann)):
            User.objects.create_user("bob")
        monkeypatch.setattr(access, "may", lambda user, permission, row=None: False)
        client = APIClient()
        client.force_authenticate(ann)
        assert {one["object"] for one in listed(Portal(client))} == {"bob"}

    def test_a_page_costs_the_same_however_many_entries(self, portal: Portal) -> None:
        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                portal.call("get", "auditentries")
            return len(queries)

        few = cost()
        for number in range(30):
            User.objects.create_user(f"user-{number}")
        assert cost() == few


def test_stale_types_do_not_break_the_stream(portal: Portal) -> None:
    """An app that was removed leaves entries whose content type is gone."""
    add_cluster(portal, "one")
    with audit.unaudited("a test"):
        ContentType.objects.filter(model="cluster").delete()
    ContentType.objects.clear_cache()
    assert json.dumps(listed(portal, "kind=Cluster"))
