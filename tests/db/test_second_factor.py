"""Local accounts: second factor, sessions, lock-out."""

from __future__ import annotations

import base64
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiToken, AuditEntry, Identity, LoginSession, SecondFactor, User
from accounts.services import second_factors as factors
from accounts.services.bindings import binding_apply
from accounts.services.roles import role_apply
from accounts.services.tokens import token_create
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.manifests import Wish
from tests.db.rights import bind
from tests.portal import Portal

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password"


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", "root@example.org", PASSWORD)


def code_of(secret: str, drift: int = 0) -> str:
    return f"{totp(base64.b32decode(secret), drift=drift):06d}"


@pytest.fixture
def secret(root: User) -> str:
    text = factors.factor_begin(user=root)
    factors.factor_confirm(user=root, code=code_of(text))
    SecondFactor.objects.update(last_step=0)
    return text


def login(password: str = PASSWORD, following: str = "", **headers: Any) -> tuple[Client, Any]:
    client = Client(headers=headers or None)
    path = f"/admin/login/?next={following}" if following else "/admin/login/"
    return client, client.post(path, {"username": "root", "password": password})


def api_login(**more: Any) -> Any:
    body = {"username": "root", "password": PASSWORD, **more}
    return APIClient().post("/api/v1/auth/login", body, format="json")


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def is_in(client: Client) -> bool:
    return bool(client.get("/admin/").status_code == 200)


class TestConsole:
    def test_the_whole_way(self, root: User) -> None:
        client, _ = login()
        assert client.post("/account", {"do": "begin"}).status_code == 302
        page = client.get("/account").content.decode()
        text = factors.factor_pending(root)
        assert text in page
        assert "<svg" in page
        assert "http" not in page.split("<svg")[1].split("</svg>")[0].replace(
            "http://www.w3.org", ""
        )
        assert text not in str(SecondFactor.objects.values().get())
        done = client.post("/account", {"do": "confirm", "code": code_of(text)}).content.decode()
        codes = done.split('id="kc-recovery"')[1].split(">")[1].split("<")[0].split()
        assert len(codes) == 10
        SecondFactor.objects.update(last_step=0)
        other, answer = login(following="/device")
        assert (answer.status_code, answer["Location"]) == (302, "/login/code")
        assert not is_in(other)
        assert "console/console" in other.get("/login/code").content.decode()
        answer = other.post("/login/code", {"code": code_of(text)})
        assert (answer.status_code, answer["Location"]) == (302, "/device")
        assert is_in(other)
        third, _ = login()
        third.post("/login/code", {"code": codes[0].upper()})
        assert is_in(third)
        fourth, _ = login()
        fourth.post("/login/code", {"code": codes[0]})
        assert not is_in(fourth)
        assert AuditEntry.objects.filter(event="second-factor-added").count() == 1

    @pytest.mark.parametrize("code", ["", "000000", "12345", "abcdef", "１２３４５６", "x" * 41])
    def test_wrong_codes(self, secret: str, code: str) -> None:
        client, _ = login()
        assert client.post("/login/code", {"code": code}).status_code == 200
        assert not is_in(client)

    def test_a_code_works_once(self, secret: str) -> None:
        code = code_of(secret)
        first, _ = login()
        first.post("/login/code", {"code": code})
        second, _ = login()
        second.post("/login/code", {"code": code})
        assert (is_in(first), is_in(second)) == (True, False)

    def test_a_code_needs_the_password_shortly_before(
        self, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stranger = Client()
        assert (
            stranger.post("/login/code", {"code": code_of(secret)})["Location"] == "/admin/login/"
        )
        client, _ = login()
        later = time.time() + 301
        monkeypatch.setattr("accounts.admin.code.time.time", lambda: later)
        assert client.post("/login/code", {"code": code_of(secret)})["Location"] == "/admin/login/"
        assert not is_in(client)

    def test_guessing_ends(self, secret: str) -> None:
        client, _ = login()
        for _ in range(10):
            client.post("/login/code", {"code": "000000"})
        page = client.post("/login/code", {"code": code_of(secret)}).content.decode()
        assert "Too many tries" in page
        assert not is_in(client)

    def test_next_stays_here(self, secret: str) -> None:
        client, _ = login(following="https://evil.example/")
        answer = client.post("/login/code", {"code": code_of(secret)})
        assert answer["Location"] == "/admin/"

    def test_removed_with_a_code_only(self, root: User, secret: str) -> None:
        client, _ = login()
        client.post("/login/code", {"code": code_of(secret)})
        client.post("/account", {"do": "remove", "code": "000000"})
        assert factors.factor_of(root)
        client.post("/account", {"do": "remove", "code": code_of(secret, drift=1)})
        assert factors.factor_of(root) is None

    def test_required(self, root: User, settings: Settings) -> None:
        settings.KUBECARRIER_REQUIRE_SECOND_FACTOR = "superusers"
        client, _ = login()
        assert client.get("/admin/")["Location"] == "/account"
        assert client.get("/api/v1/clusters").status_code == 403
        assert client.get("/account").status_code == 200
        text = factors.factor_begin(user=root)
        client.post("/account", {"do": "confirm", "code": code_of(text)})
        assert is_in(client)


class TestApi:
    def test_asks_for_the_code(self, secret: str) -> None:
        assert error(api_login()) == (401, "second_factor_needed")
        assert error(api_login(code="000000")) == (401, "login_failed")
        assert error(api_login(password="wrong", code=code_of(secret))) == (401, "login_failed")
        assert api_login(code=code_of(secret)).status_code == 200
        assert ApiToken.objects.count() == 1

    def test_required(self, root: User, settings: Settings) -> None:
        settings.KUBECARRIER_REQUIRE_SECOND_FACTOR = "everyone"
        assert error(api_login()) == (403, "second_factor_missing")
        assert not ApiToken.objects.exists()


def test_secrets_stay_out_of_the_audit(root: User, secret: str) -> None:
    kept = str(list(AuditEntry.objects.values()))
    row = SecondFactor.objects.get()
    assert secret not in kept
    assert all(one not in kept for one in row.recovery)


def test_confirming_twice_is_refused(root: User, secret: str) -> None:
    with pytest.raises(InvalidError):
        factors.factor_confirm(user=root, code=code_of(secret))


class TestByRole:
    """A role may require it of whoever has it, anywhere, directly or by a group."""

    @pytest.fixture
    def ann(self) -> User:
        user = User.objects.create_user("ann", password=PASSWORD)
        role_apply(
            actor=None,
            wish=Wish(
                "strict", {}, {"permissions": [], "rules": [], "requires_second_factor": True}
            ),
        )
        return user

    def reached(self) -> Any:
        client = Client()
        client.post("/admin/login/", {"username": "ann", "password": PASSWORD})
        return client.get("/admin/")

    def test_whoever_has_it(self, ann: User) -> None:
        assert self.reached().status_code == 200
        bind(ann, "strict")
        assert self.reached()["Location"] == "/account"
        body = {"username": "ann", "password": PASSWORD}
        answer = APIClient().post("/api/v1/auth/login", body, format="json")
        assert error(answer) == (403, "second_factor_missing")
        text = factors.factor_begin(user=ann)
        factors.factor_confirm(user=ann, code=code_of(text))
        assert not factors.factor_missing(ann)

    def test_by_a_group(self, ann: User) -> None:
        group = Group.objects.create(name="team")
        spec = {"role": "strict", "users": [], "groups": ["team"], "scope": {"platform": True}}
        binding_apply(actor=None, wish=Wish("b", {}, spec))
        assert not factors.factor_missing(ann)
        ann.groups.add(group)
        assert factors.factor_missing(ann)

    def test_people_of_a_provider_prove_themselves_there(self, ann: User) -> None:
        bind(ann, "strict")
        Identity.objects.create(user=ann, source="oidc", issuer="https://x", subject="1")
        assert not factors.factor_missing(ann)

    def test_the_document_and_the_form(self, portal: Portal, admin_client: Client) -> None:
        spec = {"permissions": ["clusters.view"], "requiresSecondFactor": True}
        made = portal.call("put", "roles/careful", {"spec": spec})
        assert made["spec"]["requiresSecondFactor"] is True
        page = reverse("admin:accounts_role_change", args=[made["metadata"]["uid"]])
        assert "requires_second_factor" in admin_client.get(f"{page}?tab=spec").content.decode()
        given = {"permissions": ["clusters.view"], "read_generation": "1"}
        assert admin_client.post(page, given).status_code == 302
        assert portal.call("get", "roles/careful")["spec"]["requiresSecondFactor"] is False


class TestSessions:
    def test_listed_and_ended(self, root: User) -> None:
        one, _ = login(**{"User-Agent": "Browser One"})
        two, _ = login()
        page = two.get("/account").content.decode()
        assert "Browser One" in page
        row = LoginSession.objects.get(agent="Browser One")
        assert two.post("/account", {"do": "end", "session": row.pk}).status_code == 302
        assert (is_in(one), is_in(two)) == (False, True)

    def test_everywhere_else(self, root: User) -> None:
        clients = [login()[0] for _ in range(3)]
        clients[0].post("/account", {"do": "end-others"})
        assert [is_in(client) for client in clients] == [True, False, False]

    def test_a_strangers_session(self, root: User) -> None:
        client, _ = login()
        User.objects.create_superuser("eve", "eve@example.org", PASSWORD)
        eve = Client()
        eve.post("/admin/login/", {"username": "eve", "password": PASSWORD})
        row = LoginSession.objects.get(user=root)
        assert eve.post("/account", {"do": "end", "session": row.pk}).status_code == 404
        assert is_in(client)

    def test_over_rest(self, root: User) -> None:
        client, _ = login()
        _, made = token_create(user=root, name="t")
        rest = APIClient(headers={"Authorization": f"Token {made}"})
        (item,) = rest.get("/api/v1/sessions").json()["items"]
        assert rest.delete(f"/api/v1/sessions/{item['id']}").status_code == 204
        assert rest.delete(f"/api/v1/sessions/{item['id']}").status_code == 404
        assert not is_in(client)
        again, _ = login()
        assert rest.post("/api/v1/auth/logout-everywhere").status_code == 204
        assert not is_in(again)
        assert rest.get("/api/v1/whoami").status_code == 401

    def test_logins_and_logouts_are_on_record(self, root: User) -> None:
        login("wrong-password")
        client, _ = login()
        client.post("/admin/logout/")
        events = AuditEntry.objects.exclude(event="").order_by("timestamp")
        assert [e.event for e in events] == ["login-failed", "login", "logout"]
        assert {e.channel for e in events} == {"console"}
        assert not is_in(client)

    def test_last_seen(self, root: User) -> None:
        client, _ = login()
        long_ago = timezone.now() - timedelta(hours=1)
        LoginSession.objects.update(last_seen_at=long_ago)
        is_in(client)
        assert LoginSession.objects.get().last_seen_at > long_ago


class TestLockOut:
    @pytest.fixture(autouse=True)
    def _on(self, settings: Settings) -> None:
        settings.AXES_ENABLED = True
        settings.AXES_FAILURE_LIMIT = 3

    def test_over_the_api_and_the_console_alike(self, root: User) -> None:
        for _ in range(3):
            answer = api_login(password="wrong")
        assert error(answer) == (429, "login_locked")
        assert error(api_login()) == (429, "login_locked")
        _, answer = login()
        assert answer.status_code == 429
        assert "login_locked" in answer.content.decode()
        assert "console/console" in answer.content.decode(), "it looks like the console"
        assert AuditEntry.objects.filter(event="login-locked").exists()
        assert not ApiToken.objects.exists()

    def test_by_name_and_address(self, root: User) -> None:
        for _ in range(3):
            api_login(password="wrong")
        body = {"username": "root", "password": PASSWORD}
        elsewhere = APIClient().post(
            "/api/v1/auth/login", body, format="json", REMOTE_ADDR="192.0.2.7"
        )
        assert elsewhere.status_code == 200
        User.objects.create_superuser("other", "o@example.org", PASSWORD)
        body["username"] = "other"
        assert APIClient().post("/api/v1/auth/login", body, format="json").status_code == 200
