"""Login by OIDC against a real provider (npm's oidc-provider)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ApiToken, Identity, IdentityMapping, LoginSession, User
from accounts.oidc import provider as door
from accounts.services.rechecks import recheck_due
from accounts.services.tokens import token_create
from tests import oidc_provider
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with oidc_provider.running("http://testserver/oidc/callback") as found:
        yield found


@pytest.fixture
def provider(running: Provider, settings: Settings) -> Provider:
    settings.KUBECARRIER_OIDC_ISSUER = running.url
    settings.KUBECARRIER_OIDC_CLIENT_ID = CLIENT_ID
    settings.KUBECARRIER_OIDC_CLIENT_SECRET = CLIENT_SECRET
    group = Group.objects.create(name="platform-team")
    IdentityMapping.objects.create(name="p", source="oidc", value="platform", group=group)
    running.switch("groups", "ana", "platform", "ops")
    door.forget()
    return running


def login(provider: Provider, who: str = "ana") -> tuple[Client, Any]:
    client = Client()
    there = client.get("/oidc/login", {"next": "/device"})["Location"]
    back = provider.log_in(there, who)
    assert back.startswith("http://testserver/oidc/callback?")
    return client, client.get(back.removeprefix("http://testserver"))


def test_the_whole_way(provider: Provider) -> None:
    client, answer = login(provider)
    assert (answer.status_code, answer["Location"]) == (302, "/device"), answer.content
    user = User.objects.get()
    assert (user.username, user.email, user.first_name) == ("ana", "ana@example.org", "Ana")
    assert [group.name for group in user.groups.all()] == ["platform-team"]
    assert client.get("/admin/").status_code == 200
    assert Identity.objects.get().refresh_token


def test_without_a_mapped_group(provider: Provider) -> None:
    client, answer = login(provider, "ben")
    assert answer.status_code == 403
    assert "sso_not_admitted" in answer.content.decode()
    assert client.get("/admin/").status_code == 302


def test_groups_are_read_again_at_a_refresh(provider: Provider) -> None:
    other = Group.objects.create(name="ops-team")
    IdentityMapping.objects.create(name="o", source="oidc", value="ops", group=other)
    client, _ = login(provider)
    user = User.objects.get()
    assert user.groups.count() == 2
    provider.switch("groups", "ana", "ops")
    Identity.objects.update(check_due_at=timezone.now())
    assert recheck_due() == 1
    assert list(user.groups.all()) == [other]
    assert client.get("/admin/").status_code == 200
    Identity.objects.update(check_due_at=timezone.now())
    assert recheck_due() == 1  # with the token that the refresh gave
    assert client.get("/admin/").status_code == 200


def test_a_logout_leads_to_the_provider(provider: Provider) -> None:
    client, _ = login(provider)
    text = client.post("/admin/logout/").content.decode()
    assert f"{provider.url}/session/end?id_token_hint=" in text
    assert client.get("/admin/").status_code == 302


def test_zz_somebody_who_is_gone_there(provider: Provider) -> None:
    """The last: the provider does not take people back."""
    client, _ = login(provider)
    token_create(user=User.objects.get(), name="t")
    provider.switch("gone", "ana")
    Identity.objects.update(check_due_at=timezone.now())
    assert recheck_due() == 1
    assert client.get("/admin/").status_code == 302
    assert not ApiToken.objects.exists()
    assert not LoginSession.objects.exists()
