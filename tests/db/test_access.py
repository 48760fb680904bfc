"""Who gets in: every URL of the API, for everybody who must not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.services import tokens
from apps.api import kinds as app_kinds
from apps.api.views import ChartViewSet
from fleet.api import kinds as fleet_kinds
from kubecarrier.lib.manifests import kinds
from tests.db.conftest import application
from tests.portal import Portal

pytestmark = pytest.mark.django_db
# Reachable without an account, each for a reason.
OPEN = {
    "api/v1/auth/login": "it is the way in",
    "api/v1/device/code": "it is the way in, for a command line",
    "api/v1/device/token": "the rest of that way",
}
_UUID = "00000000-0000-0000-0000-000000000000"
METHODS = ("get", "post", "put", "patch", "delete")


def urls(patterns: Any = None, prefix: str = "") -> list[str]:
    """Every URL of the API, with `one` for each variable part."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + sample(pattern)
        if isinstance(pattern, URLResolver):
            if path.startswith(("api/v1/", "helm/")) or path in {"api/v1/", "helm/"}:
                found += urls(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith(("api/v1/", "helm/")):
            found.append(path)
    return found


def sample(pattern: Any) -> str:
    """The pattern's text with its variable parts filled in."""
    text = str(pattern.pattern).strip("^").removesuffix("$").replace(r"\Z", "")
    slashes = f"(?P<name>{ChartViewSet.lookup_value_regex})"
    for variable in ("(?P<name>[^/]+)", "(?P<version>[^/]+)", slashes):
        text = text.replace(variable, "one")
    text = re.sub(r"<str:[a-z_]+>", "one", text)
    text = text.replace("<uuid:pk>", _UUID)
    assert "(" not in text, text
    assert "<" not in text, text
    return text


EVERY = sorted(set(urls()) - set(OPEN))


def test_the_list_of_urls_is_complete() -> None:
    assert len(EVERY) > 35
    for kind in kinds():
        assert f"api/v1/{kind.plural}" in EVERY
        assert f"api/v1/{kind.plural}/one" in EVERY


def visitor(**columns: Any) -> User:
    return User.objects.create_user("visitor", password="a-long-password", **columns)


def token(user: User) -> APIClient:
    _, secret = tokens.token_create(user=user, name="t")
    return APIClient(headers={"Authorization": f"Token {secret}"})


def answers(client: APIClient, path: str) -> set[int]:
    """The status codes of every method; 405 says nothing about anybody's rights."""
    return {getattr(client, method)(f"/{path}").status_code for method in METHODS} - {405}


@pytest.mark.parametrize("path", EVERY)
def test_anonymous(path: str) -> None:
    assert answers(APIClient(), path) == {401}


# Answered to everybody who logged in: they say nothing of any object but the own token.
NOBODYS = {
    "api/v1/apitokens",
    "api/v1/whoami",
    "api/v1/kinds",
    "api/v1/auth/logout",
    "api/v1/auth/logout-everywhere",
}


@pytest.mark.parametrize("path", sorted(set(EVERY) - NOBODYS))
def test_without_any_right(path: str) -> None:
    """Lists are empty, objects are not there, nothing can be made."""
    client = token(visitor())
    found = answers(client, path)
    assert found <= {200, 400, 403, 404, 415} | ({401} if path.startswith("helm/") else set()), (
        found
    )
    response = client.get(f"/{path}")
    if response.status_code == 200:
        assert response.json()["items"] == []
    assert not {201, 202} & found


@pytest.mark.parametrize("path", ["auth/logout", "auth/logout-everywhere"])
def test_everybody_may_log_out_and_nobody_else_is(path: str) -> None:
    other = token(User.objects.create_user("other", password="a-long-password"))
    client = token(visitor())
    assert client.post(f"/api/v1/{path}").status_code == 204
    assert client.get("/api/v1/whoami").status_code == 401
    assert other.get("/api/v1/whoami").status_code == 200


@pytest.mark.parametrize("path", EVERY)
def test_inactive(path: str) -> None:
    user = visitor(is_staff=True)
    client = token(user)
    user.is_active = False
    user.save()
    assert answers(client, path) == {401}


@pytest.mark.parametrize("path", EVERY)
def test_expired_token(path: str) -> None:
    user = visitor(is_staff=True)
    client = token(user)
    held = ApiToken.objects.get()
    held.expiry = timezone.now() - timedelta(seconds=1)
    held.save()
    assert answers(client, path) == {401}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Token",
        "Token x",
        "Bearer kc_x",
        "Basic YTpi",
        "Token " + "a" * 5000,
        "Token ☃".encode(),
    ],
)
def test_odd_authorisations(header: Any) -> None:
    text = header.decode("latin-1") if isinstance(header, bytes) else header
    response = APIClient().get("/api/v1/clusters", headers={"Authorization": text})
    assert response.status_code == 401
    assert response.json()["error"]["code"] in {"not_authenticated", "authentication_failed"}


def test_a_token_in_the_url_is_none() -> None:
    _, secret = tokens.token_create(user=visitor(is_staff=True), name="t")
    assert APIClient().get(f"/api/v1/clusters?token={secret}").status_code == 401


def test_a_session_writes_only_with_its_csrf_token() -> None:
    visitor(is_staff=True)
    client = APIClient(enforce_csrf_checks=True)
    assert client.login(username="visitor", password="a-long-password")
    assert client.get("/api/v1/clusters").status_code == 200
    assert (
        client.put("/api/v1/repositories/r", {"spec": {"type": "local"}}, format="json").status_code
        == 403
    )


def without_id(response: Any) -> Any:
    body = response.json()
    body["error"].pop("requestId")
    return body


def test_out_of_scope_looks_like_absent(fleet: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows disappear from under the user; every answer is that of a name that never was."""
    fleet.apply("shop", **application())
    pairs = [
        ("clusters", fleet_kinds.CLUSTER, "one"),
        ("applications", app_kinds.APPLICATION, "shop"),
        ("repositories", app_kinds.REPOSITORY, "local"),
        ("releases", app_kinds.RELEASE, "shop.one"),
        ("charts", app_kinds.CHART, "local.web"),
    ]
    for plural, kind, name in pairs:
        model: Any = kind.model
        absent = without_id(fleet.client.get(f"/api/v1/{plural}/{'x' * len(name)}"))
        with monkeypatch.context() as patch:
            patch.setattr(
                model.objects.all().__class__, "visible_to", lambda rows, user: rows.none()
            )
            response = fleet.client.get(f"/api/v1/{plural}/{name}")
            assert response.status_code == 404
            hidden = without_id(response)
        assert absent["error"].pop("message").replace("x" * len(name), name) == hidden["error"].pop(
            "message"
        )
        assert hidden == absent
