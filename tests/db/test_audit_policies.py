"""How long the audit is kept: a row, by REST and console, and what a controller does with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditEntry, AuditPolicy, User
from accounts.services import prune, seals
from accounts.services.audit_policies import kept_days
from kubecarrier.lib import schedules
from tests.db.conftest import error
from tests.db.rights import bind, person
from tests.portal import Portal

pytestmark = pytest.mark.django_db


def put(portal: Portal, days: int, name: str = "legal", **more: Any) -> Any:
    return portal.call("put", f"auditpolicies/{name}", {"spec": {"retentionDays": days}, **more})


class TestRest:
    def test_saved_changed_and_deleted_on_record(self, portal: Portal) -> None:
        assert put(portal, 400)["status"] == {"effectiveDays": 400}
        put(portal, 500)
        portal.call("patch", "auditpolicies/legal", {"spec": {"description": "law"}})
        assert portal.call("get", "auditpolicies/legal")["spec"] == {
            "retentionDays": 500,
            "description": "law",
        }
        portal.call("delete", "auditpolicies/legal")
        entries = AuditEntry.objects.filter(kind="AuditPolicy").order_by("pk")
        assert [entry.did for entry in entries] == ["created", "changed", "changed", "deleted"]
        assert entries[1].changes["retention_days"] == ["400", "500"]

    @pytest.mark.parametrize("days", [1, 89])
    def test_not_below_the_least(self, portal: Portal, days: int) -> None:
        body = {"spec": {"retentionDays": days}}
        refused = error(portal, "put", "auditpolicies/legal", body, code=400)
        assert (refused["code"], refused["field"]) == ("retention_too_short", "spec.retentionDays")
        assert refused["data"]["least"] == 90
        assert not AuditPolicy.objects.exists()

    @pytest.mark.parametrize("days", [-1, 36_501, "x", None, 1.5])
    def test_odd_ones(self, portal: Portal, days: Any) -> None:
        body = {"spec": {"retentionDays": days}}
        assert error(portal, "put", "auditpolicies/legal", body, code=400)["field"] == (
            "spec.retentionDays"
        )

    def test_only_for_who_holds_it_on_the_platform(self, portal: Portal) -> None:
        put(portal, 400)
        auditor = Portal(person("ann", "auditentries.view", "auditentries.export"))
        error(auditor, "get", "auditpolicies/legal", code=404)
        body = {"spec": {"retentionDays": 100}}
        for name in ("editor", "viewer"):
            user = User.objects.create_user(name)
            bind(user, name)
            client = APIClient()
            client.force_authenticate(user)
            error(Portal(client), "put", "auditpolicies/mine", body, code=403)
            error(Portal(client), "put", "auditpolicies/legal", body, code=403)
        assert kept_days() == 400

    def test_a_page_asks_once_for_what_holds(self, portal: Portal) -> None:
        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                portal.call("get", "auditpolicies")
            return len(queries)

        put(portal, 400)
        few = cost()
        for number in range(5):
            put(portal, 100 + number, f"p{number}")
        assert cost() == few


class TestEffect:
    def test_the_longest_counts(self, portal: Portal, settings: Any) -> None:
        settings.KUBECARRIER_AUDIT_RETENTION_DAYS = 7
        assert kept_days() == 7
        put(portal, 100, "a")
        put(portal, 400, "b")
        assert kept_days() == 400
        put(portal, 0, "c")
        assert kept_days() == 0

    def test_the_scheduled_job_removes_by_it(
        self, portal: Portal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = User.objects.create_user("old")
        with monkeypatch.context() as clock:
            then = timezone.now() - timedelta(days=200)
            clock.setattr(timezone, "now", lambda: then)
            seals.seal_all()
        entries = AuditEntry.objects.filter(object_pk=str(old.pk))
        job = next(job for job in schedules.jobs() if job.name == "audit prune")
        assert job.seconds == prune.PRUNE_SECONDS
        put(portal, 400)
        job.run()
        assert entries.exists()
        put(portal, 100)
        job.run()
        assert not entries.exists()
        assert AuditEntry.objects.get(event="audit-pruned").channel == "reconciler"


def test_the_console(admin_client: Client) -> None:
    add = reverse("admin:accounts_auditpolicy_add")
    refused = admin_client.post(add, {"name": "legal", "retention_days": "3"})
    assert "90 days at least" in refused.content.decode()
    made = {
        "name": "legal",
        "retention_days": "400",
        "description": "law",
        "reason": "audit of 2030",
    }
    assert admin_client.post(add, made).status_code == 302
    row = AuditPolicy.objects.get()
    page = reverse("admin:accounts_auditpolicy_change", args=[row.pk])
    assert (
        "legal"
        in admin_client.get(reverse("admin:accounts_auditpolicy_changelist")).content.decode()
    )
    again = {**made, "retention_days": "500", "read_generation": str(row.generation)}
    assert admin_client.post(page, again).status_code == 302
    assert kept_days() == 500
    entry = AuditEntry.objects.filter(kind="AuditPolicy").latest("pk")
    assert (entry.channel, entry.reason) == ("console", "audit of 2030")
    delete = reverse("admin:accounts_auditpolicy_delete", args=[row.pk])
    assert admin_client.post(delete, {}).status_code == 302
    assert kept_days() == 0
