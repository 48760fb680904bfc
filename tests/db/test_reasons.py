"""Where a project demands a reason, every edge can give one and is refused without."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from apps.models import Application
from fleet.models import ConfigItem
from tests.db.conftest import application, error
from tests.portal import Portal

pytestmark = pytest.mark.django_db
REASON = {"X-KubeCarrier-Reason": "ticket 4711"}
Json = dict[str, Any]


@pytest.fixture
def strict(fleet: Portal) -> Portal:
    """The project `shop` demands reasons."""
    spec = {
        "placement": {"clusters": ["one"]},
        "namespaces": [{"name": "shop"}],
        "requireReason": True,
    }
    fleet.call("put", "projects/shop", {"spec": spec}, **REASON)
    return fleet


@pytest.fixture
def console(strict: Portal, client: Client) -> Client:
    client.force_login(User.objects.get(username="admin"))
    return client


def document(**spec: Any) -> Json:
    wanted = application(placement={"clusters": ["one"]}, **spec)
    return {"metadata": {"project": "shop"}, "spec": wanted}


def given(**more: str) -> dict[str, str]:
    return {
        "name": "web", "project": "shop", "chart": "local/web", "version": "0.1.0",
        "namespace": "shop", "clusters": "one", "on_failure": "keep", "drift_policy": "detect",
        "timeout_seconds": "300", "max_history": "10", **more,
    }  # fmt: skip


def reasons(name: str) -> set[str]:
    return set(AuditEntry.objects.filter(object_repr=name).values_list("reason", flat=True))


class TestRest:
    def test_every_write(self, strict: Portal) -> None:
        steps: list[tuple[str, str, Any]] = [
            ("put", "applications/web", document()),
            ("patch", "applications/web", {"spec": {"description": "x"}}),
            ("put", "applications/web", document(version="0.2.0")),
            ("post", "applications/web/rollback", {"revision": 1}),
            ("post", "applications/web/redeploy", None),
            ("post", "applications/web/suspend", None),
            ("post", "applications/web/resume", None),
            ("delete", "applications/web", None),
        ]
        for method, path, body in steps:
            refused = error(strict, method, path, body, code=400)
            assert (refused["code"], refused["field"]) == ("reason_required", "reason"), path
            assert "--reason" in refused["hint"]
            strict.call(method, path, body, **REASON)
        assert reasons("web") == {"ticket 4711"}

    def test_a_value_is_revealed_with_one(self, strict: Portal) -> None:
        spec = {
            "type": "Secret", "namespaces": ["shop"], "data": {"a": "canary"},
            "placement": {"clusters": ["one"]},
        }  # fmt: skip
        body = {"metadata": {"project": "shop"}, "spec": spec}
        strict.call("put", "configitems/key", body, **REASON)
        refused = error(strict, "post", "configitems/key/reveal", {}, code=400)
        assert refused["code"] == "reason_required"
        shown = strict.call("post", "configitems/key/reveal", {}, **REASON)
        assert shown["data"] == {"a": "canary"}
        assert AuditEntry.objects.get(event="secret-revealed").reason == "ticket 4711"

    def test_elsewhere_none_is_needed(self, strict: Portal) -> None:
        strict.call("put", "applications/free", {"spec": application(namespace="free")})
        assert reasons("free") == {""}


class TestConsole:
    def test_adding_and_changing(self, console: Client, strict: Portal) -> None:
        add = reverse("admin:apps_application_add")
        refused = console.post(add, given())
        assert refused.status_code == 200
        assert "reason" in refused.context["adminform"].form.errors
        assert not Application.objects.exists()
        assert console.post(add, given(reason="ticket 4711")).status_code == 302
        row = Application.objects.get()
        page = reverse("admin:apps_application_change", args=[row.pk])
        shown = console.get(f"{page}?tab=spec").content.decode()
        assert 'placeholder="asked for here"' in shown
        again = given(description="new", read_generation=str(row.generation))
        refused = console.post(page, again)
        assert "A reason is asked for here." in refused.content.decode()
        assert console.post(page, {**again, "reason": "ticket 4711"}).status_code == 302
        assert reasons("web") == {"ticket 4711"}

    def test_actions(self, console: Client, strict: Portal) -> None:
        strict.call("put", "applications/web", document(), **REASON)
        row = Application.objects.get()
        pause = reverse("admin:apps_application_do", args=[row.pk, "pause"])
        assert 'placeholder="asked for here"' in console.get(pause).content.decode()
        assert console.post(pause, {}).status_code == 422
        assert console.post(pause, {"reason": "ticket 4711"}).status_code == 302
        row.refresh_from_db()
        assert row.suspended

    def test_where_none_is_asked_for(self, console: Client, strict: Portal) -> None:
        spec = {"namespaces": ["free"], "data": {"a": "b"}, "placement": {"clusters": ["one"]}}
        strict.call("put", "configitems/free", {"spec": spec})
        row = ConfigItem.objects.get()
        page = reverse("admin:fleet_configitem_change", args=[row.pk])
        shown = console.get(f"{page}?tab=spec").content.decode()
        assert 'name="reason"' in shown
        assert "asked for here" not in shown
