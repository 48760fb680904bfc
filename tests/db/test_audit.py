"""The audit trail: who, through what, why, before and after; and no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from auditlog.registry import auditlog
from django.contrib.auth.models import Group
from django.core.serializers.json import DjangoJSONEncoder
from django.forms.models import model_to_dict
from rest_framework.test import APIClient

from accounts.models import ApiToken, AuditEntry, User
from apps.models import Application, Release
from fleet.models import Cluster
from kubecarrier.lib import audit
from kubecarrier.lib.audit import AuditContext, Channel, UnauditedWriteError, acting, because
from tests.db.conftest import add_cluster, application, error
from tests.db.rights import bind
from tests.portal import Portal

pytestmark = pytest.mark.django_db
PASSWORD = "canary-password-long"


def entries(row: Any = None, **filters: Any) -> list[AuditEntry]:
    found = AuditEntry.objects.order_by("timestamp", "id")
    if row is not None:
        found = found.filter(object_pk=str(row.pk))
    return list(found.filter(**filters))


def everything_kept() -> str:
    """Every column of every entry as text."""
    return json.dumps([model_to_dict(e) for e in AuditEntry.objects.all()], cls=DjangoJSONEncoder)


class TestChanges:
    def test_created_changed_and_deleted_through_the_api(
        self, portal: Portal, admin_user: User
    ) -> None:
        headers = {
            "X-Request-ID": "request-1234",
            "X-KubeCarrier-Reason": "a drill",
            "X-KubeCarrier-Channel": "cli",
        }
        add_cluster(portal, "one", environment="test")
        row = Cluster.objects.get()
        portal.call("patch", "clusters/one", {"spec": {"environment": "prod"}}, **headers)
        created, changed = entries(row)
        assert (created.action, changed.action) == (
            AuditEntry.Action.CREATE,
            AuditEntry.Action.UPDATE,
        )
        assert changed.changes["environment"] == ["test", "prod"]
        assert (changed.actor, changed.actor_email) == (admin_user, "admin@example.org")
        assert (changed.channel, created.channel) == ("cli", "api")
        assert (changed.request_id, changed.reason) == ("request-1234", "a drill")
        portal.call("delete", "clusters/one", **headers)
        assert entries(row)[-1].action == AuditEntry.Action.DELETE

    def test_status_leaves_no_entry(self, portal: Portal) -> None:
        add_cluster(portal, "one")
        before = AuditEntry.objects.count()
        Cluster.objects.all().status_update(version="v1.35", ready="True")
        assert AuditEntry.objects.count() == before

    def test_a_dry_run_and_a_refusal_leave_no_entry(self, fleet: Portal) -> None:
        before = AuditEntry.objects.count()
        fleet.call("put", "applications/shop?dryRun=All", {"spec": application()})
        error(fleet, "put", "applications/shop", {"spec": application(chart="local/no")}, code=404)
        assert AuditEntry.objects.count() == before

    def test_the_same_document_again_leaves_no_entry(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        before = AuditEntry.objects.count()
        fleet.apply("shop", **application())
        assert AuditEntry.objects.count() == before

    def test_an_entry_that_cannot_be_written_refuses_the_change(
        self, portal: Portal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(self: AuditEntry, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("the disk is full")

        monkeypatch.setattr(AuditEntry, "save", broken)
        portal.client.raise_request_exception = False
        response = portal.client.put(
            "/api/v1/clusters/one",
            {"spec": {"server": "https://x.example.org", "credential": {"token": "t"}}},
            format="json",
        )
        assert response.status_code == 500
        assert not Cluster.objects.exists()


def test_a_new_row_s_entry_holds_its_own_columns_only(portal: Portal) -> None:
    add_cluster(portal, "one")
    (entry,) = entries(Cluster.objects.get())
    columns = {field.name for field in Cluster._meta.concrete_fields}
    assert set(entry.changes) <= columns


class TestContext:
    def test_nested_acting_returns_to_the_outer(self) -> None:
        ann, bob = User.objects.create_user("ann"), User.objects.create_user("bob")
        with acting(AuditContext(Channel.API, lambda: ann, "outer")):
            with acting(AuditContext(Channel.GIT, lambda: bob, "inner")), because("why"):
                inner = User.objects.create_user("made-inside")
            outer = User.objects.create_user("made-outside")
        after = User.objects.create_user("made-after")
        said = [
            (e.actor, e.channel, e.request_id, e.reason)
            for e in [entries(u)[0] for u in (inner, outer, after)]
        ]
        assert said == [
            (bob, "git", "inner", "why"),
            (ann, "api", "outer", ""),
            (None, "command", "", ""),
        ]

    def test_the_context_ends_with_an_error(self) -> None:
        with pytest.raises(ValueError, match="x"), acting(AuditContext(Channel.GIT)):
            raise ValueError("x")
        assert audit.current().channel == Channel.COMMAND

    @pytest.mark.parametrize(
        "header", ["short", "with blank here", "a" * 65, "<script>xx", "-leading-dash"]
    )
    def test_odd_request_ids_are_replaced(self, portal: Portal, header: str) -> None:
        response = portal.client.get("/api/v1/whoami", headers={"X-Request-ID": header})
        assert response["X-Request-ID"] != header
        assert len(response["X-Request-ID"]) == 32

    def test_the_address_is_the_peer_s_whatever_headers_say(self, portal: Portal) -> None:
        headers = {
            "X-Forwarded-For": "203.0.113.9",
            "X-Real-IP": "203.0.113.9",
            "Forwarded": "for=203.0.113.9",
        }
        portal.client.put(
            "/api/v1/repositories/r", {"spec": {"type": "local"}}, format="json", headers=headers
        )
        assert {e.remote_addr for e in entries(channel="api")} == {"127.0.0.1"}

    def test_no_header_makes_somebody_else_act(self, portal: Portal, admin_user: User) -> None:
        User.objects.create_superuser("root", "root@example.org", PASSWORD)
        headers = {"Impersonate-User": "root", "X-Remote-User": "root", "Remote-User": "root"}
        assert portal.client.get("/api/v1/whoami", headers=headers).json()["username"] == "admin"
        portal.client.put(
            "/api/v1/repositories/r", {"spec": {"type": "local"}}, format="json", headers=headers
        )
        assert {e.actor for e in entries(channel="api")} == {admin_user}


class TestGuard:
    @pytest.mark.parametrize("model", [Cluster, Application, Release])
    def test_bulk_writes_are_refused(self, model: Any) -> None:
        with pytest.raises(UnauditedWriteError):
            model.objects.all().update(namespace="x")
        with pytest.raises(UnauditedWriteError):
            model.objects.bulk_create([])
        with pytest.raises(UnauditedWriteError):
            model.objects.bulk_update([], ["namespace"])

    def test_status_update_writes_no_spec(self) -> None:
        with pytest.raises(UnauditedWriteError, match="server"):
            Cluster.objects.all().status_update(server="https://evil.example.org")

    def test_named_exception_ends_with_its_block(self) -> None:
        with audit.unaudited("test"):
            Cluster.objects.all().update(description="x")
        with pytest.raises(UnauditedWriteError):
            Cluster.objects.all().update(description="x")

    def test_every_audited_model_of_ours_with_spec_is_registered(self) -> None:
        for model in (Cluster, Application, User, ApiToken):
            assert auditlog.contains(model), model


class TestEvents:
    def login(self, username: str, password: str) -> Any:
        body = {"username": username, "password": password}
        return APIClient().post("/api/v1/auth/login", body, format="json")

    @pytest.fixture
    def ann(self) -> User:
        return User.objects.create_user("ann", "ann@example.org", PASSWORD, is_staff=True)

    def test_login_has_its_actor(self, ann: User) -> None:
        assert self.login("ann", PASSWORD).status_code == 200
        (event,) = entries(event="login")
        assert (event.actor, event.object_pk, event.channel) == (ann, str(ann.pk), "api")
        (made,) = entries(ApiToken.objects.get())
        assert (made.actor, made.action) == (ann, AuditEntry.Action.CREATE)

    def test_failed_login(self, ann: User) -> None:
        answer = self.login("ann", "canary-wrong-one")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "login_failed")
        (event,) = entries(event="login-failed")
        assert (event.actor, event.object_pk) == (None, str(ann.pk))

    def test_a_password_typed_as_name_is_not_kept(self) -> None:
        answer = self.login("canary-typed-as-name", "x")
        (event,) = entries(event="login-failed")
        assert event.object_repr == "(unknown)"
        assert "canary" not in everything_kept()
        assert "canary" not in answer.content.decode()

    def test_known_and_unknown_names_are_answered_alike(self, ann: User) -> None:
        known, unknown = self.login("ann", "x").json(), self.login("nobody", "x").json()
        known["error"].pop("requestId"), unknown["error"].pop("requestId")
        assert known == unknown

    def test_logout_revokes_and_is_on_record(self, ann: User) -> None:
        secret = self.login("ann", PASSWORD).json()["token"]
        token = ApiToken.objects.get()
        client = APIClient(headers={"Authorization": f"Token {secret}"})
        assert client.get("/api/v1/whoami").json()["username"] == "ann"
        assert client.post("/api/v1/auth/logout").status_code == 204
        assert client.get("/api/v1/whoami").status_code == 401
        assert entries(token)[-1].action == AuditEntry.Action.DELETE

    def test_denied(self, fleet: Portal) -> None:
        user = User.objects.create_user("visitor", password=PASSWORD)
        bind(user, "viewer")
        client = APIClient()
        client.force_authenticate(user)
        assert client.delete("/api/v1/clusters/one").status_code == 403
        (event,) = entries(event="denied")
        assert (event.actor, event.changes_text) == (
            user,
            "DELETE /api/v1/clusters/one (clusters.delete)",
        )

    def test_nobody_is_nobody(self) -> None:
        assert APIClient().get("/api/v1/clusters").status_code == 401
        assert AuditEntry.objects.count() == 0

    def test_credential_rotated_and_probe(self, portal: Portal, admin_user: User) -> None:
        add_cluster(portal, "one")
        portal.call("post", "clusters/one/rotate", {"token": "canary-next"})
        portal.call("post", "clusters/one/probe")
        events = [e.event for e in entries(Cluster.objects.get()) if e.event]
        assert events == ["credential-rotated", "probe-asked"]

    def test_chart_uploaded(self, fleet: Portal) -> None:
        assert [e.changes_text for e in entries(event="chart-uploaded")] == [
            "web 0.1.0",
            "web 0.2.0",
        ]


def test_no_secret_in_any_entry(fleet: Portal) -> None:
    """Every way by which a secret comes in; then every entry is read."""
    fleet.apply(
        "shop", **application(secrets=[{"name": "s", "data": {"password": "canary-secret"}}])
    )
    fleet.apply(
        "shop", **application(secrets=[{"name": "s", "data": {"password": "canary-second"}}])
    )
    fleet.call("post", "clusters/one/rotate", {"token": "canary-rotated"})
    spec = {"type": "oci", "url": "oci://127.0.0.1:1/charts", "password": "canary-repository"}
    fleet.call("put", "repositories/oci", {"spec": spec})
    fleet.call("put", "repositories/oci", {"spec": {**spec, "password": "canary-repository-2"}})
    user = User.objects.create_user("ann", password="canary-password", is_staff=True)
    user.set_password("canary-password-2")
    user.save()
    answer = APIClient().post(
        "/api/v1/auth/login", {"username": "ann", "password": "canary-password-2"}, format="json"
    )
    kept = everything_kept()
    assert AuditEntry.objects.count() > 10
    assert "canary" not in kept
    assert answer.json()["token"] not in kept


def test_memberships_are_on_record_and_tokens_are_not() -> None:
    from accounts.services.tokens import token_create

    user = User.objects.create_user("member", "m@example.org", "a-long-password")
    user.groups.add(Group.objects.create(name="operators"))
    assert AuditEntry.objects.filter(object_pk=str(user.pk), changes__has_key="groups").exists()
    token, secret = token_create(user=user, name="laptop")
    entries = AuditEntry.objects.filter(object_pk=str(token.pk))
    assert entries.exists()
    assert not any(secret[:15] in str(entry.changes) for entry in entries)


_SOUNDS_SECRET = re.compile(r"pass|secret|token|credential|digest|key|sealed|private|cert", re.I)
# Columns that sound like a secret and were looked at: names and types, no values.
_HARMLESS = {
    "apps.Application.env_key",
    "apps.Application.secrets",
    "fleet.ConfigConflict.keys",
    "fleet.Cluster.credential_rotated_at",
    "fleet.ConfigItem.certificate_expires_at",
    "fleet.ConfigItem.ignored_keys",
    "fleet.ConfigItem.keys",
    "fleet.ConfigItem.secret_type",
}


def test_no_column_that_may_hold_a_secret_is_audited() -> None:
    """A new column that sounds like one is excluded, or written down here after a look at it."""
    found = {
        f"{model._meta.label}.{field.name}"
        for model in auditlog.get_models()
        for field in model._meta.concrete_fields
        if _SOUNDS_SECRET.search(field.name)
        and field.name not in auditlog.get_model_fields(model)["exclude_fields"]
    }
    assert found - _HARMLESS == set()


class TestAccounts:
    """People, groups and tokens are guarded like every other audited kind, and so are relations."""

    @pytest.mark.parametrize("model", [User, Group, ApiToken])
    def test_bulk_writes_are_refused(self, model: Any) -> None:
        writes: list[Callable[[], Any]] = [
            lambda: model.objects.update(pk=1),
            lambda: model.objects.bulk_create([]),
            lambda: model.objects.bulk_update([], ["pk"]),
        ]
        for write in writes:
            with pytest.raises(UnauditedWriteError):
                write()

    @pytest.mark.parametrize("through", [User.groups.through, Group.permissions.through])
    def test_relations_are_not_written_behind_their_back(self, through: Any) -> None:
        writes: list[Callable[[], Any]] = [
            lambda: through.objects.bulk_create([]),
            lambda: through.objects.update(pk=1),
            lambda: through.objects.all().delete(),
        ]
        for write in writes:
            with pytest.raises(UnauditedWriteError):
                write()

    def test_members_before_and_after_from_either_side(self) -> None:
        ann, bob = User.objects.create_user("ann"), User.objects.create_user("bob")
        one, two = Group.objects.create(name="one"), Group.objects.create(name="two")
        start = AuditEntry.objects.latest("pk").pk
        ann.groups.set([one, two])
        one.user_set.add(bob)  # from the other side it is still the person who is in a group
        ann.groups.clear()
        one.user_set.clear()
        said = [
            (e.kind, e.object_repr, e.changes["groups"])
            for e in AuditEntry.objects.filter(pk__gt=start).order_by("pk")
        ]
        assert said == [
            ("User", "ann", {"gone": [], "came": ["one", "two"]}),
            ("User", "bob", {"gone": [], "came": ["one"]}),
            ("User", "ann", {"gone": ["one", "two"], "came": []}),
            ("User", "bob", {"gone": ["one"], "came": []}),
        ]

    def test_nothing_changed_leaves_none(self) -> None:
        ann, one = User.objects.create_user("ann"), Group.objects.create(name="one")
        ann.groups.add(one)
        before = AuditEntry.objects.count()
        ann.groups.add(one)
        ann.groups.set([one])
        ann.user_permissions.clear()
        assert AuditEntry.objects.count() == before

    def test_a_person_or_group_that_is_deleted_takes_its_memberships_along(self) -> None:
        ann, one = User.objects.create_user("ann"), Group.objects.create(name="one")
        ann.groups.add(one)
        one.delete()
        assert not ann.groups.exists()
        ann.groups.add(Group.objects.create(name="two"))
        ann.delete()
        assert not User.objects.exists()
