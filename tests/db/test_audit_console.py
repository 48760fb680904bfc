"""The console's pages of the audit: filtered by who, what, where, when; what changed; export."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.trail.between import changed
from kubecarrier.console.history import Change
from kubecarrier.lib import access, audit
from tests.db.conftest import add_cluster, application
from tests.portal import Portal

pytestmark = pytest.mark.django_db
_STREAM = "/admin/accounts/auditentry/"


@pytest.fixture
def console(admin_user: User) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


def shown(client: Client, query: str = "") -> list[str]:
    response = client.get(f"{_STREAM}?{query}")
    assert response.status_code == 200
    return [one["entry"].object_repr for one in response.context["entries"]]


class TestStream:
    def test_filters(self, console: Client, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        row = User.objects.create_user("ann")
        audit.event("denied", row, said="GET /x", result=audit.Outcome.DENIED)
        later = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
        by = {
            "kind=application": {"shop"},
            "cluster=one": {"one"},
            "result=denied": {"ann"},
            "who=admin&did=0&kind=Cluster": {"one", "two"},
            "channel=command": {"admin", "ann"},
            "event=chart-uploaded": {"local"},
            "q=sho": {"shop"},
            f"since={later}": set(),
            f"until={later}&object=shop": {"shop"},
            "cluster=absent": set(),
        }
        assert {query: set(shown(console, query)) for query in by} == by

    @pytest.mark.parametrize(
        "query", ["since=yesterday", "did=9", "channel=x", "before=x", "who=%00"]
    )
    def test_odd_filters_show_nothing_and_say_why(self, console: Client, query: str) -> None:
        response = console.get(f"{_STREAM}?{query}")
        assert response.status_code == 200
        assert response.context["entries"] == []
        assert 'role="alert"' in response.content.decode()

    def test_pages_by_key(self, console: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        from accounts.admin import audit as pages

        monkeypatch.setattr(pages, "_PAGE", 2)
        for name in "abc":
            User.objects.create_user(name)
        first = console.get(_STREAM)
        assert [one["entry"].object_repr for one in first.context["entries"]] == ["c", "b"]
        second = console.get(_STREAM + first.context["older"])
        assert [one["entry"].object_repr for one in second.context["entries"]] == ["a", "admin"]
        assert second.context["older"] == ""
        assert second.context["first"] == "?"

    def test_texts_are_texts(self, console: Client) -> None:
        row = User.objects.create_user("ann")
        audit.event("denied", row, said="<script>alert(1)</script>", result=audit.Outcome.DENIED)
        for url in (_STREAM, f"{_STREAM}{AuditEntry.objects.latest('pk').pk}/change/"):
            assert "<script>alert(1)" not in console.get(url).content.decode()

    def test_cost(self, console: Client) -> None:
        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                console.get(_STREAM)
            return len(queries)

        few = cost()
        for number in range(20):
            User.objects.create_user(f"user-{number}")
        assert cost() == few


class TestEntry:
    def test_a_text_is_shown_as_its_difference(self, console: Client, portal: Portal) -> None:
        add_cluster(portal, "one")
        for text in ("a\nb\nc", "a\nB\nc"):
            portal.call("patch", "clusters/one", {"spec": {"description": text}})
        entry = AuditEntry.objects.filter(kind="Cluster").latest("pk")
        page = console.get(f"{_STREAM}{entry.pk}/change/").content.decode()
        assert "-b\n" in page
        assert "+B\n" in page

    def test_of_the_same_request_and_person(self, console: Client, admin_user: User) -> None:
        ann = User.objects.create_user("ann")
        request = audit.AuditContext(audit.Channel.API, request_id="request-1234")
        for actor, name in ((admin_user, "x"), (admin_user, "y"), (ann, "z")):
            with audit.acting(request), audit.as_actor(actor):
                User.objects.create_user(name)
        entry = AuditEntry.objects.get(object_repr="x")
        response = console.get(f"{_STREAM}{entry.pk}/change/")
        assert [one["entry"].object_repr for one in response.context["siblings"]] == ["y"]

    @pytest.mark.parametrize(
        ("pair", "diff"),
        [
            (("", "a\nb"), ""),
            (("a", "b"), ""),
            (("a\nb", "a\nc"), "@@ -1,2 +1,2 @@\n a\n-b\n+c"),
        ],
    )
    def test_difference(self, pair: tuple[str, str], diff: str) -> None:
        assert Change("x", *pair).diff == diff


def test_an_object_s_history_leads_to_its_entries(console: Client, portal: Portal) -> None:
    add_cluster(portal, "one")
    key = portal.call("get", "clusters/one")["metadata"]["uid"]
    page = console.get(f"/admin/fleet/cluster/{key}/change/?tab=history").content.decode()
    assert f"{_STREAM}?kind=Cluster&amp;object=one" in page


class TestChanged:
    def page(self, client: Client, query: str = "") -> dict[str, Any]:
        response = client.get(f"{_STREAM}changed/?{query}")
        assert response.status_code == 200
        return {found["one"].name: found["one"] for found in response.context["objects"]}

    def test_first_before_and_last_after(self, console: Client, portal: Portal) -> None:
        for name in ("one", "two", "gone"):
            add_cluster(portal, name)
        start = timezone.now()
        for region in ("north", "south"):
            portal.call("patch", "clusters/one", {"spec": {"region": region}})
        for environment in ("prod", ""):
            portal.call("patch", "clusters/two", {"spec": {"environment": environment}})
        entries = AuditEntry.objects.filter(timestamp__gte=start).order_by("pk")
        (one, *rest) = [found for found in changed(entries) if found.name == "one"]
        assert not rest
        assert one.fields["region"] == ["", "south"]
        assert (one.word, one.people, one.entries) == ("changed", ["admin"], 2)
        two = next((found for found in changed(entries) if found.name == "two"), None)
        assert two is None or "environment" not in two.fields  # it ended as it began
        assert self.page(console, "kind=Cluster")["one"].word == "created"
        assert set(self.page(console, "cluster=one")) == {"one"}
        assert self.page(console, "object=absent") == {}

    def test_members_that_come_and_go_cancel(self) -> None:
        from django.contrib.auth.models import Group

        user = User.objects.create_user("ann")
        groups = [Group.objects.create(name=name) for name in ("a", "b", "c")]
        user.groups.add(groups[2])
        after = AuditEntry.objects.latest("pk").pk
        user.groups.add(groups[0], groups[1])
        user.groups.remove(groups[1], groups[2])
        entries = AuditEntry.objects.filter(pk__gt=after, kind="User").order_by("pk")
        (one,) = changed(entries)
        assert one.fields["groups"] == ["c", "a"]

    def test_created_and_deleted(self, console: Client) -> None:
        kept, passed = User.objects.create_user("kept"), User.objects.create_user("passed")
        passed.delete()
        found = self.page(console, "kind=User")
        assert found["kept"].word == "created"
        assert "passed" not in found or found["passed"].word == "passed"
        assert kept.pk


class TestExport:
    def test_as_it_is_filtered(self, console: Client, portal: Portal) -> None:
        add_cluster(portal, "one")
        response: Any = console.post(f"{_STREAM}export/?kind=Cluster", {"form": "csv"})
        archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
        assert len(archive.read("entries.csv").decode().splitlines()) == 2
        assert AuditEntry.objects.get(event="audit-exported").channel == "console"

    def test_by_post_with_its_token_only(self, console: Client, admin_user: User) -> None:
        assert console.get(f"{_STREAM}export/").status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(admin_user)
        assert strict.post(f"{_STREAM}export/").status_code == 403
        assert not AuditEntry.objects.filter(event="audit-exported").exists()

    def test_who_may_not(self, console: Client, monkeypatch: Any) -> None:
        monkeypatch.setattr(
            access, "may_somewhere", lambda user, permission: not permission.endswith("export")
        )
        assert "export/" not in console.get(_STREAM).content.decode()
        assert console.post(f"{_STREAM}export/").status_code == 403
