"""The console over HTTP: what it shows, what it refuses, and that every change goes through a service."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    ApiToken,
    AuditEntry,
    AuditPolicy,
    Binding,
    IdentityMapping,
    ServiceAccount,
    User,
)
from apps.models import Application, ChartRepository, Release
from fleet.grants import deriving as granting
from fleet.models import Cluster, ClusterGrant, Kubeconfig, Operation
from kubecarrier.lib.spec import ReconciledModel
from tests.browser import fleet
from tests.db.rights import bind, role

pytestmark = pytest.mark.django_db
QUERIES_PER_LIST = 15
FEW_CLUSTERS = fleet.CLUSTERS[:2] + fleet.CLUSTERS[5:]
FEW_APPLICATIONS = (fleet.APPLICATIONS[1], fleet.APPLICATIONS[2], fleet.APPLICATIONS[5])


@pytest.fixture
def ada() -> User:
    """A superuser with a small fleet."""
    return fleet.build(clusters=FEW_CLUSTERS, applications=FEW_APPLICATIONS)


@pytest.fixture
def console(ada: User) -> Client:
    """Her browser, with CSRF checked as in real life only where a test asks for it."""
    client = Client()
    client.force_login(ada)
    return client


def url(model: type[Any], what: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def registered() -> list[tuple[type[Any], Any]]:
    return list(admin.site._registry.items())


def first(model: type[Any]) -> Any:
    if model is ApiToken:
        return ApiToken.objects.create(user=User.objects.get(username="ada"), title="laptop")[0]
    if model is IdentityMapping:
        group = Group.objects.create(name="mapped")
        return IdentityMapping.objects.create(name="m", source="oidc", value="v", group=group)
    if model is Kubeconfig:
        return Kubeconfig.objects.create(
            cluster=Cluster.objects.all()[0], username="gone", account="gone", account_uid="u",
            expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
    if model is AuditPolicy:
        return AuditPolicy.objects.create(name="legal", retention_days=400)
    if model is ServiceAccount:
        user = User.objects.create_user("sa:ci", is_staff=True)
        return ServiceAccount.objects.create(name="ci", user=user)
    if model.__name__ == "Group":
        return model.objects.create(name="team")
    if model is Kubeconfig:
        return Kubeconfig.objects.create(
            user=User.objects.get(username="ada"), username="ada", account="ada-1",
            cluster=Cluster.objects.all()[0], expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
    if model is ClusterGrant:
        granting.place(Binding.objects.get(name="administrators"))
    return model._default_manager.first()


def text(response: Any) -> str:
    return str(response.content.decode())


def snapshot() -> dict[str, Any]:
    """Everything that a change would move."""
    models = (Cluster, Application, ChartRepository, Release)
    found = {
        model.__name__: sorted(map(str, model.objects.values_list("pk", "generation", "suspended")))
        for model in models
    }
    changes = AuditEntry.objects.exclude(event="denied")  # a refusal is on record itself
    return {**found, "audit": changes.count(), "operations": Operation.objects.count()}


def test_foreign_admins_are_not_mounted() -> None:
    labels = {model._meta.app_label for model, _ in registered()}
    assert labels == {"accounts", "apps", "auth", "fleet"}
    assert all(
        not type(found).__module__.startswith(("auditlog", "knox", "axes"))
        for _, found in registered()
    )


@pytest.mark.parametrize(
    ("model", "page"), registered(), ids=lambda value: getattr(value, "__name__", "")
)
def test_every_page_of_every_kind(
    model: type[Any], page: Any, console: Client, rf: Any, ada: User
) -> None:
    row = first(model)
    assert row is not None
    assert console.get(url(model, "changelist")).status_code == 200
    assert console.get(url(model, "change", row.pk)).status_code == 200
    history = console.get(url(model, "history", row.pk), follow=True)
    assert history.status_code == 200
    request = rf.get("/")
    request.user = ada
    assert console.get(url(model, "add")).status_code == (
        200 if page.has_add_permission(request) else 403
    )
    assert console.get(url(model, "delete", row.pk)).status_code == (
        200 if page.has_delete_permission(request) else 403
    )
    if issubclass(model, ReconciledModel):
        for tab in ("status", "spec", "history"):
            assert console.get(url(model, "change", row.pk) + f"?tab={tab}").status_code == 200
        assert console.get(url(model, "live", row.pk)).status_code == 200


@pytest.mark.parametrize(
    "model", [model for model, _ in registered()], ids=lambda model: model.__name__
)
def test_who_holds_nothing_finds_nothing(model: type[Any], ada: User) -> None:
    row = first(model)
    pk = row.pk if row else uuid.uuid4()
    paths = [url(model, "changelist"), url(model, "change", pk), url(model, "delete", pk)]
    for path in paths:
        response = Client().get(path)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
    visitor = Client()
    visitor.force_login(User.objects.create_user("eve", "eve@example.org", "a-long-password-2"))
    listed, *others = [visitor.get(path) for path in paths]
    if model is AuditEntry:  # one's own acts are one's own to see
        assert {line["entry"].actor.username for line in listed.context["entries"]} <= {"eve"}
    elif listed.status_code == 200:
        assert not list(listed.context["cl"].result_list)
    assert {response.status_code for response in others} <= {403, 404}


@pytest.mark.parametrize("path", ["/admin/", "/admin/matrix/", "/admin/live/"])
def test_overviews(path: str, console: Client) -> None:
    assert console.get(path).status_code == 200
    assert Client().get(path).status_code == 302


def test_administrators_who_are_no_superusers_cannot_promote_themselves(ada: User) -> None:
    staff = User.objects.create_user("sam", "sam@example.org", "a-long-password-3", is_staff=True)
    bind(staff, "cluster-admin")
    client = Client()
    client.force_login(staff)
    assert client.get(url(Cluster, "changelist")).status_code == 200
    assert client.get(url(User, "change", staff.pk)).status_code == 403
    assert (
        client.post(
            url(User, "change", staff.pk), {"username": "sam", "is_superuser": "on"}
        ).status_code
        == 403
    )


def test_a_list_asks_again_for_its_rows_only(console: Client) -> None:
    """And hears 304 while nothing changed."""
    row = first(ChartRepository)
    ChartRepository.objects.all().status_update(refreshed_at=None)  # no “3 s ago”, which moves
    path = url(ChartRepository, "changelist")
    asked = console.get(path, headers={"HX-Request": "true"})
    text = asked.content.decode()
    assert row.name in text
    assert "csrfmiddlewaretoken" not in text
    assert "<html" not in text
    again = {"HX-Request": "true", "If-None-Match": asked["ETag"]}
    assert console.get(path, headers=again).status_code == 304
    type(row).objects.filter(pk=row.pk).status_update(chart_count=4321)
    changed = console.get(path, headers=again)
    assert changed.status_code == 200
    assert changed["ETag"] != asked["ETag"]


def test_lists_take_few_queries(console: Client) -> None:
    for model, _ in registered():
        first(model)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert console.get(url(model, "changelist")).status_code == 200
        assert len(asked) <= QUERIES_PER_LIST, (model, [one["sql"][:120] for one in asked])


def test_overviews_do_not_ask_per_row(console: Client) -> None:
    for path, limit in (("/admin/", 24), ("/admin/live/", 22), ("/admin/matrix/", 12)):
        with CaptureQueriesContext(connection) as asked:
            console.get(path)
        assert len(asked) <= limit, (path, len(asked))


def object_pages() -> list[tuple[type[Any], str]]:
    return [
        (model, one.slug)
        for model, page in registered()
        for one in getattr(page, "object_actions", ())
    ]


@pytest.mark.parametrize(("model", "slug"), object_pages())
def test_get_of_an_action_changes_nothing(
    model: type[Any], slug: str, console: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr("apps.live.application_preview", lambda **_: [])
    row = first(model)
    before = snapshot()
    assert console.get(url(model, "do", row.pk, slug)).status_code == 200
    assert snapshot() == before


def test_a_forged_post_is_refused(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    cluster, application = Cluster.objects.earliest("name"), Application.objects.earliest("name")
    before = snapshot()
    for path in (
        url(Cluster, "do", cluster.pk, "pause"), url(Application, "delete", application.pk),
        url(Application, "change", application.pk), url(Cluster, "add"), url(ApiToken, "add"),
        url(Application, "changelist"),
    ):  # fmt: skip
        assert client.post(path, {"policy": "orphan"}).status_code == 403
    assert snapshot() == before


def test_what_is_not_there_is_404(console: Client) -> None:
    missing = "00000000-0000-0000-0000-000000000000"
    for what, more in (("change", ()), ("delete", ()), ("live", ()), ("do", ("pause",))):
        expected = 286 if what == "live" else 404
        assert console.get(url(Cluster, what, missing, *more)).status_code == expected
    assert (
        console.get(url(Cluster, "do", Cluster.objects.earliest("name").pk, "explode")).status_code
        == 404
    )


def test_pause_is_audited_with_channel_and_reason(console: Client) -> None:
    cluster = Cluster.objects.earliest("name")
    response = console.post(
        url(Cluster, "do", cluster.pk, "pause"), {"reason": "maintenance"}, follow=True
    )
    assert "Paused" in text(response)
    cluster.refresh_from_db()
    assert cluster.suspended
    entry = AuditEntry.objects.latest("pk")
    assert (entry.channel, entry.reason, entry.actor.username) == ("console", "maintenance", "ada")


def repository_form(**more: Any) -> dict[str, Any]:
    return {"name": "second", "type": "local", "refresh_seconds": "3600", **more}


def test_a_repository_is_saved_by_its_service(console: Client) -> None:
    response = console.post(url(ChartRepository, "add"), repository_form(labels="team=shop"))
    assert response.status_code == 302, text(response)
    row = ChartRepository.objects.get(name="second")
    assert (row.labels, row.generation) == ({"team": "shop"}, 1)
    assert AuditEntry.objects.filter(object_pk=str(row.pk), channel="console").exists()


def test_a_refused_save_shows_why_at_its_field(console: Client) -> None:
    response = console.post(
        url(ChartRepository, "add"), repository_form(url="https://charts.example.org")
    )
    assert response.status_code == 200
    assert "A local repository has no URL." in text(response)
    assert not ChartRepository.objects.filter(name="second").exists()


def application_form(**more: Any) -> dict[str, Any]:
    return {
        "name": "fresh", "chart": "acme/web", "version": "2.4.1", "namespace": "shop", "values": "replicaCount: 2\n",
        "selector": "*", "env_key": "env", "on_failure": "keep", "drift_policy": "detect",
        "timeout_seconds": "300", "max_history": "10", **more,
    }  # fmt: skip


def test_an_application_is_saved_placed_and_recorded(console: Client) -> None:
    response = console.post(
        url(Application, "add"),
        application_form(env="LEVEL: 3", config_maps="- name: conf\n  data: {a: b}\n"),
    )
    assert response.status_code == 302, text(response)
    row = Application.objects.get(name="fresh")
    assert row.releases.count() == len(FEW_CLUSTERS)
    assert row.env == {"LEVEL": "3"}
    assert row.revisions.get().channel == "console"
    assert AuditEntry.objects.filter(object_pk=str(row.pk), channel="console").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"chart": "acme/none"}, "There is no chart"),
        ({"version": "99.0.0"}, "No version of"),
        ({"values": "a: [1"}, "line 2"),
        ({"overrides": "- a"}, "a mapping"),
        ({"selector": "!!x"}, "Not a label selector"),
        ({"name": "Upper"}, "lower-case"),
        ({"secrets": "- name: UPPER"}, "This value does not match"),
    ],
)
def test_a_wrong_application_says_what_is_wrong(
    given: dict[str, str], said: str, console: Client
) -> None:
    response = console.post(url(Application, "add"), application_form(**given))
    assert response.status_code == 200
    assert said in text(response)
    assert not Application.objects.filter(name__iexact="fresh").exists()


def stored_form(row: Application, **more: Any) -> dict[str, Any]:
    placement = row.placement
    return application_form(
        name=row.name, chart=row.chart, version=row.version, namespace=row.namespace, values=row.values,
        selector=placement["selector"], labels="team=shop", description=row.description, env="LOG_LEVEL: info",
        secrets=f"- name: {row.name}-keys\n", read_generation=str(row.generation), **more,
    )  # fmt: skip


def test_who_holds_a_part_of_edit_changes_that_part(ada: User) -> None:
    """The form locks the rest; what a forged form sends for it changes nothing, or is refused."""
    row = Application.objects.earliest("name")
    tia = User.objects.create_user("tia", is_staff=True)
    role("tags", "applications.view", "applications.image", "charts.view", "clusters.view")
    bind(tia, "tags")
    client = Client()
    client.force_login(tia)
    page = text(client.get(url(Application, "change", row.pk) + "?tab=spec"))
    inputs = {name: tag for tag, name in re.findall(r'(<[^>]* name="(\w+)"[^>]*>)', page)}
    locked = {name for name, tag in inputs.items() if re.search(r"\sdisabled[\s>]", tag)}
    assert "values" not in locked
    assert locked >= {"namespace", "chart", "version", "description", "env", "secrets"}

    tagged = f"{row.values.rstrip()}\nimage: {{tag: v9}}\n"
    forged = stored_form(row) | {"values": tagged, "namespace": "elsewhere", "description": "mine"}
    before = (row.namespace, row.description)
    assert client.post(url(Application, "change", row.pk), forged).status_code == 302
    row.refresh_from_db()
    assert "v9" in row.values
    assert (row.namespace, row.description) == before

    beyond = stored_form(row) | {"values": f"{row.values}debug: true\n"}
    refused = client.post(url(Application, "change", row.pk), beyond)
    assert refused.status_code in {200, 403}
    row.refresh_from_db()
    assert "debug" not in row.values


def test_secrets_never_come_out_and_empty_keeps_them(console: Client) -> None:
    from apps.queries import secret_data

    row = Application.objects.get(name="catalog")
    for tab in ("status", "spec", "history"):
        assert "canary-secret-1" not in text(
            console.get(url(Application, "change", row.pk) + f"?tab={tab}")
        )
    response = console.post(url(Application, "change", row.pk), stored_form(row, max_history="5"))
    assert response.status_code == 302, text(response)
    row.refresh_from_db()
    assert row.max_history == 5
    assert secret_data(row) == {"catalog-keys": {"API_KEY": "canary-secret-1"}}


def test_two_people_do_not_overwrite_each_other(console: Client) -> None:
    row = Application.objects.get(name="catalog")
    form = stored_form(row, max_history="5")
    console.post(url(Application, "do", row.pk, "pause"))
    response = console.post(url(Application, "change", row.pk), form)
    assert "Somebody saved this meanwhile" in text(response)
    row.refresh_from_db()
    assert row.max_history == 10


def test_a_preview_saves_nothing(console: Client, monkeypatch: Any) -> None:
    group = {
        "clusters": ["one"],
        "diff": "+added <b>",
        "summary": {"added": 1, "changed": 0, "removed": 0},
        "error": None,
    }
    monkeypatch.setattr("apps.live.application_preview", lambda **_: [group])
    before = snapshot()
    response = console.post(url(Application, "add"), application_form(_preview="1"))
    assert response.status_code == 200
    assert "+added &lt;b&gt;" in text(response)
    assert snapshot() == before


@pytest.mark.parametrize(
    ("slug", "given", "verb"),
    [
        ("scale", {"replicas": "4"}, "scale"),
        ("upgrade", {"version": "2.2.0"}, "upgrade"),
        ("rollback", {"revision": "1"}, "rollback"),
        ("redeploy", {"cluster": "fra-prod-1"}, "redeploy"),
    ],
)
def test_actions_go_through_services(
    slug: str, given: dict[str, str], verb: str, console: Client
) -> None:
    row = Application.objects.get(name="payments")
    response = console.post(url(Application, "do", row.pk, slug), given)
    assert response.status_code == 302, text(response)
    operation = Operation.objects.latest("created_at")
    assert (operation.verb, operation.channel, operation.object_id) == (verb, "console", row.pk)


def test_delete_asks_for_the_objects(console: Client) -> None:
    row = Application.objects.get(name="catalog")
    waiting = Application.objects.filter(deletion_requested_at__isnull=False)
    console.get(url(Application, "delete", row.pk))
    assert not waiting.exists()
    console.post(url(Application, "delete", row.pk), {"keep_resources": "on"})
    assert waiting.get() == row
    assert all(release.keep_resources for release in row.releases.all())


def test_a_used_repository_is_not_deleted(console: Client) -> None:
    row = ChartRepository.objects.get()
    response = console.post(url(ChartRepository, "delete", row.pk))
    assert "Applications use its charts" in text(response)
    assert ChartRepository.objects.filter(pk=row.pk).exists()


def test_a_dead_cluster_is_removed_at_once(console: Client) -> None:
    row = Cluster.objects.get(name="berlin-edge")
    page = console.get(url(Cluster, "delete", row.pk))
    assert "image-resizer" not in text(page) or "On this cluster" in text(page)
    response = console.post(url(Cluster, "delete", row.pk), {"policy": "orphan"}, follow=True)
    assert "left the fleet" in text(response)
    assert not Cluster.objects.filter(pk=row.pk).exists()


def test_bulk_asks_first_and_answers_per_object(console: Client) -> None:
    rows = list(Application.objects.all())
    chosen = {"action": "pause", "_selected_action": [str(row.pk) for row in rows]}
    before = snapshot()
    page = console.post(url(Application, "changelist"), chosen)
    assert page.status_code == 200
    assert all(row.name in text(page) for row in rows)
    assert snapshot() == before
    result = console.post(
        url(Application, "changelist"), {**chosen, "_confirmed": "1", "reason": "freeze"}
    )
    assert f"{len(rows)} done, 0 refused" in text(result)
    assert Application.objects.filter(suspended=True).count() == len(rows)


def test_bulk_goes_on_after_a_refusal(console: Client) -> None:
    row = ChartRepository.objects.get()
    console.post(url(ChartRepository, "add"), repository_form())
    other = ChartRepository.objects.get(name="second")
    chosen = {
        "action": "delete",
        "_confirmed": "1",
        "_selected_action": [str(row.pk), str(other.pk)],
    }
    result = console.post(url(ChartRepository, "changelist"), chosen)
    assert "1 done, 1 refused" in text(result)
    assert "delete_selected" not in text(console.get(url(ChartRepository, "changelist")))


def test_a_token_is_shown_once(console: Client) -> None:
    response = console.post(url(ApiToken, "add"), {"name": "ci"})
    assert "kc_" in text(response)
    assert "no-store" in response["Cache-Control"]
    row = ApiToken.objects.get(title="ci")
    assert "kc-secret" not in text(console.get(url(ApiToken, "change", row.pk)))
    console.post(url(ApiToken, "delete", row.pk))
    assert not ApiToken.objects.filter(pk=row.pk).exists()


def test_import_shows_contexts_and_refuses_programs(console: Client) -> None:
    config = "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n"
    path = reverse("admin:fleet_cluster_contexts")
    assert console.get(path).status_code == 403
    assert console.post(path, {"kubeconfig": config}).status_code == 200
    program = (
        "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, "
        "cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: a, user: {exec: {command: /bin/true}}}]\n"
        "contexts: [{name: a, context: {cluster: a, user: a}}]\n"
    )
    response = console.post(url(Cluster, "add"), {"method": "kubeconfig", "kubeconfig": program})
    assert response.status_code == 422
    assert "runs a program" in text(response)


def test_the_matrix_filters(console: Client) -> None:
    page = text(console.get("/admin/matrix/?cluster=berlin&q=image"))
    assert "stale since" in page
    assert "fra-prod-1" not in page
    assert "Not a label selector" in text(console.get("/admin/matrix/?selector=!!x"))
    assert "berlin-edge" not in text(
        console.get("/admin/matrix/?selector=kubecarrier.io/environment=prod")
    )
    assert "Nothing fits" in text(console.get("/admin/matrix/?q=nothing-of-this-name"))


def test_the_empty_portal_says_how_to_begin(admin_client: Client) -> None:
    page = text(admin_client.get("/admin/"))
    assert "Three steps" in page
    assert reverse("admin:fleet_cluster_add") in page


def test_charts_show_what_is_in_them(console: Client) -> None:
    from apps.models import Chart

    chart = Chart.objects.get(chart="web")
    page = text(console.get(reverse("admin:apps_chart_contents", args=[chart.pk])))
    assert "<h4>Values</h4>" in page
    assert "replicaCount: 1" in page
    assert "chart=acme%2Fweb" in page
    form = text(
        console.get(
            url(Application, "add") + "?chart=acme/web&version=2.4.1&name=web&namespace=web"
        )
    )
    assert 'value="acme/web"' in form
