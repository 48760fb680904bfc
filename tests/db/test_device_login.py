"""Login by device code: the terminal waits, the person confirms in a browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, AuditEntry, DeviceLogin, User

pytestmark = pytest.mark.django_db
Json = dict[str, Any]


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana", password="a-long-password", is_staff=True)


@pytest.fixture
def browser(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def begin(**body: Any) -> Json:
    response = APIClient().post("/api/v1/device/code", body, format="json")
    assert response.status_code == 200, response.content
    assert response["Cache-Control"] == "no-store"
    return dict(response.json())


def poll(begun: Json) -> tuple[int, Json]:
    response = APIClient().post(
        "/api/v1/device/token", {"deviceCode": begun["deviceCode"]}, format="json"
    )
    return response.status_code, response.json()


def refusal(begun: Json) -> str:
    status, body = poll(begun)
    assert status == 400, body
    return str(body["error"]["code"])


def rest() -> None:
    """As if the terminal had waited."""
    DeviceLogin.objects.update(polled_at=timezone.now() - timedelta(minutes=1))


def answer(browser: Client, begun: Json, said: str = "approve") -> Any:
    return browser.post("/device", {"code": begun["userCode"], "answer": said})


def test_the_whole_way(browser: Client) -> None:
    begun = begin(name="laptop", scopes=["read-only"])
    assert begun["verificationUri"] == "http://testserver/device"
    assert refusal(begun) == "authorization_pending"
    page = browser.get("/device", {"code": begun["userCode"].lower().replace("-", " ")})
    text = page.content.decode()
    assert "laptop" in text
    assert "read-only" in text
    assert "127.0.0.1" in text
    assert refusal(begun) == "slow_down"
    assert answer(browser, begun).status_code == 302
    rest()
    status, made = poll(begun)
    assert status == 200
    client = APIClient(headers={"Authorization": f"Token {made['token']}"})
    assert client.get("/api/v1/whoami").json()["scopes"] == ["read-only"]
    assert refusal(begun) == "expired_token"
    assert ApiToken.objects.count() == 1
    assert [e.event for e in AuditEntry.objects.exclude(event="").order_by("timestamp")] == [
        "device-approved",
        "login",
    ]


def test_looking_confirms_nothing(browser: Client) -> None:
    begun = begin()
    browser.get("/device", {"code": begun["userCode"], "answer": "approve"})
    assert refusal(begun) == "authorization_pending"


def test_a_forged_post_confirms_nothing(ana: User) -> None:
    begun = begin()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    assert answer(strict, begun).status_code == 403
    assert refusal(begun) == "authorization_pending"


def test_refused(browser: Client) -> None:
    begun = begin()
    answer(browser, begun, "deny")
    assert refusal(begun) == "access_denied"
    assert refusal(begun) == "expired_token"
    assert not ApiToken.objects.exists()


def test_answered_once(browser: Client) -> None:
    begun = begin()
    answer(browser, begun, "deny")
    assert "No login waits" in answer(browser, begun).content.decode()
    assert refusal(begun) == "access_denied"


def test_ended(browser: Client) -> None:
    begun = begin()
    DeviceLogin.objects.update(expires_at=timezone.now())
    assert "No login waits" in answer(browser, begun).content.decode()
    assert refusal(begun) == "expired_token"


def test_slower_and_slower() -> None:
    begun = begin()
    refusal(begun)
    intervals = [poll(begun)[1]["error"]["data"]["interval"] for _ in range(3)]
    assert intervals == [10, 15, 20]


def test_strangers_are_sent_to_log_in_and_come_back() -> None:
    begun = begin()
    response = Client().get("/device", {"code": begun["userCode"]})
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/?next=/device")


def test_somebody_who_was_locked_out_meanwhile(browser: Client, ana: User) -> None:
    begun = begin()
    answer(browser, begun)
    ana.is_active = False
    ana.save()
    assert refusal(begun) == "access_denied"
    assert not ApiToken.objects.exists()


def test_codes_are_not_stored() -> None:
    begun = begin()
    kept = str(DeviceLogin.objects.values().get())
    assert begun["deviceCode"] not in kept
    assert begun["userCode"].replace("-", "") not in kept


def test_guessing_ends(browser: Client) -> None:
    for _ in range(20):
        assert "No login waits" in browser.get("/device", {"code": "BCDF-GHJK"}).content.decode()
    assert "Too many tries" in browser.get("/device", {"code": "BCDF-GHJK"}).content.decode()


def test_an_address_cannot_begin_for_ever() -> None:
    for _ in range(20):
        begin()
    response = APIClient().post("/api/v1/device/code", {}, format="json")
    assert (response.status_code, response.json()["error"]["code"]) == (429, "too_many_attempts")
    other = APIClient().post("/api/v1/device/code", {}, format="json", REMOTE_ADDR="192.0.2.1")
    assert other.status_code == 200
    assert DeviceLogin.objects.count() == 21


@pytest.mark.parametrize(
    "body", [{"name": "x" * 101}, {"scopes": ["nonsense"]}, {"other": 1}, {"scopes": "read-only"}]
)
def test_wrong_bodies(body: Json) -> None:
    assert APIClient().post("/api/v1/device/code", body, format="json").status_code == 400
    assert not DeviceLogin.objects.exists()


def test_the_name_of_a_client_is_text() -> None:
    begin(name="evil\u202e\x1b[31mname\n\n  x <script>")
    assert DeviceLogin.objects.get().client == "evil[31mname x <script>"
