"""The blocks of docs/login.md for Keycloak, Entra ID and Google, with what those products send.

Their settings are read from the page, but for the issuer's address; the tokens have the shape that each
product documents. Active Directory's block runs in test_active_directory.py.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import checks
from accounts.models import Identity, IdentityMapping, LoginSession, User
from accounts.oidc import provider
from accounts.services.rechecks import recheck_due
from tests.oidc_issuer import ACCESS_TOKEN, Issuer, half_hash, running

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
Json = dict[str, Any]
_CHECKOUT = Path(__file__).parents[2]
_PAGE = (_CHECKOUT / "docs" / "login.md").read_text()
_SETTINGS = _CHECKOUT / "kubecarrier" / "settings" / "oidc.py"
_GROUP = "7f3c1f2e-6a41-4b3e-9d52-0d3f8c7f1a10"  # Entra's object ids are GUIDs


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running() as found:
        provider.forget()
        yield found
        provider.forget()


@pytest.fixture
def configured(
    issuer: Issuer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Issuer]:
    def configure(heading: str) -> Issuer:
        block = _PAGE.split(f"### {heading}\n")[1].split("```")[1]
        said = dict(line.split("=", 1) for line in block.split())
        assert said["KUBECARRIER_OIDC_ISSUER"].startswith("https://")
        for name, value in said.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KUBECARRIER_OIDC_ISSUER", issuer.url)
        for name, value in runpy.run_path(str(_SETTINGS)).items():
            if name.startswith("KUBECARRIER_OIDC_"):
                setattr(settings, name, value)
        assert [found.id for found in checks.check_oidc() if found.level >= 40] == []
        return issuer

    return configure


def login(issuer: Issuer, **claims: Any) -> tuple[Client, Json, Any]:
    """A browser that went there and back; what it asked for, and what it was answered."""
    client = Client()
    response = client.get("/oidc/login")
    sent = {k: v[0] for k, v in parse_qs(urlsplit(response["Location"]).query).items()}
    issuer.nonce = sent["nonce"]
    base = {"aud": sent["client_id"], "groups": ..., "preferred_username": ..., "sid": ...}

    def answer(form: Json) -> tuple[int, Any]:
        refreshed = {"nonce": ...} if form["grant_type"] == "refresh_token" else {}
        status, body = issuer.answer(issuer.sign(issuer.claims(**{**base, **claims, **refreshed})))
        return status, body

    issuer.token_answer = answer
    back = client.get("/oidc/callback", {"code": "c", "state": sent["state"]})
    return client, sent, back


def mapped(value: str) -> Group:
    group = Group.objects.create(name=f"here {value}")
    IdentityMapping.objects.create(name=f"m{group.pk}", source="oidc", value=value, group=group)
    return group


def asked_again(client: Client) -> bool:
    """Whether somebody is still in after the provider was asked again."""
    Identity.objects.update(check_due_at=timezone.now())
    assert recheck_due() == 1
    return client.get("/admin/").status_code == 200


def test_keycloak(configured: Callable[[str], Issuer]) -> None:
    issuer = configured("Keycloak")
    team = mapped("/platform")
    mapped("/elsewhere/platform")
    claims: Json = {
        "azp": "kubecarrier", "typ": "ID", "acr": "1", "sid": "5b1f", "at_hash": half_hash(ACCESS_TOKEN),
        "preferred_username": "ana", "email_verified": True, "given_name": "Ana",
        "groups": ["/platform", "/platform/oncall"],
    }  # fmt: skip
    client, sent, back = login(issuer, **claims)
    assert back.status_code == 302, back.content
    assert (sent["code_challenge_method"], sent["scope"]) == (
        "S256", "openid profile email offline_access",
    )  # fmt: skip
    assert list(User.objects.get().groups.all()) == [team]
    assert LoginSession.objects.get().sid == "5b1f"
    assert asked_again(client)
    assert f"{issuer.url}/end?" in client.post("/admin/logout/").content.decode()


@pytest.mark.parametrize(
    "membership", [{"groups": [_GROUP]}, {"roles": ["platform"]}], ids=["by id", "by role"]
)
def test_entra_id(configured: Callable[[str], Issuer], membership: Json) -> None:
    issuer = configured("Entra ID")
    teams = [mapped(_GROUP), mapped("platform")]
    claims: Json = {
        "ver": "2.0", "tid": "9f0e", "oid": "11aa", "rh": "0.A", "uti": "x", "name": "Ana A",
        "preferred_username": "ana@company.example", "email": ...,
    }  # fmt: skip
    client, sent, back = login(issuer, **claims, **membership)
    assert back.status_code == 302, back.content
    assert "prompt" not in sent
    assert "offline_access" in sent["scope"]
    user = User.objects.get()
    assert user.username == "ana@company.example"
    assert list(user.groups.all()) == [teams["roles" in membership]]
    assert asked_again(client)


def test_entra_id_with_too_many_groups(configured: Callable[[str], Issuer]) -> None:
    issuer = configured("Entra ID")
    mapped(_GROUP)
    issuer.userinfo = {"sub": "subject-1", "name": "Ana A"}
    overage = {
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://graph.example/getMemberObjects"}},
    }
    _, _, back = login(issuer, preferred_username="ana", **overage)
    assert "oidc_groups_overage" in back.content.decode()
    # Nobody's groups: the claim is not there at all.
    _, _, back = login(issuer, preferred_username="ana")
    assert "sso_not_admitted" in back.content.decode()


def test_google(configured: Callable[[str], Issuer]) -> None:
    issuer = configured("Google")
    # No logout there, and a refresh token at the login only.
    issuer.discovery = {"end_session_endpoint": ""}
    issuer.userinfo = {"sub": "subject-1", "email": "ana@company.example", "picture": "x"}
    client, sent, back = login(
        issuer, azp="....apps.googleusercontent.com", hd="company.example",
        email="ana@company.example", email_verified=True, given_name="Ana", family_name="A",
        at_hash=half_hash(ACCESS_TOKEN),
    )  # fmt: skip
    assert back.status_code == 302, back.content
    assert (sent["access_type"], sent["prompt"]) == ("offline", "consent")
    assert sent["scope"] == "openid profile email"
    user = User.objects.get()
    assert (user.username, user.first_name) == ("ana@company.example", "Ana")
    assert not user.groups.exists()
    assert not user.is_superuser
    good = issuer.token_answer
    issuer.token_answer = lambda form: (200, {**good(form)[1], "refresh_token": None})
    assert asked_again(client)
    assert asked_again(client)
    assert client.post("/admin/logout/").status_code == 302
