"""Coming in by OIDC, by LDAP and with a second factor, in a real browser against real servers."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django_otp.oath import totp
from pytest_django import Settings

from accounts.models import (
    ApiToken,
    AuditEntry,
    IdentityMapping,
    LoginSession,
    SecondFactor,
    User,
)
from accounts.oidc import provider as door
from accounts.services.bindings import binding_apply
from accounts.services.devices import device_begin
from accounts.services.second_factors import factor_pending
from accounts.services.tokens import token_create
from fleet.models import Cluster
from kubecarrier.lib.manifests import Wish
from tests import oidc_provider, slapd
from tests.browser.chromium import listen, log_in

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a-long-password-1"


@pytest.fixture(autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright's loop runs in this thread, in which the rows are looked at too."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture
def base(live_server: Any, settings: Settings) -> str:
    settings.ALLOWED_HOSTS = ["*"]
    return str(live_server.url)


def mapped(source: str, value: str) -> None:
    group = Group.objects.create(name="team")
    IdentityMapping.objects.create(name="m", source=source, value=value, group=group)


def shoot(page: Any, name: str) -> None:
    """Pictures for a person to look at, where KUBECARRIER_SHOTS names a folder."""
    folder = os.environ.get("KUBECARRIER_SHOTS")
    if not folder:
        return
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate(
                "s => document.documentElement.classList.toggle('dark', s === 'dark')", scheme
            )
            page.screenshot(path=str(Path(folder) / f"{name}-{width}-{scheme}.png"), full_page=True)
    page.evaluate("document.documentElement.classList.remove('dark')")
    page.set_viewport_size({"width": 1440, "height": 900})


@pytest.fixture
def provider(base: str, settings: Settings) -> Iterator[oidc_provider.Provider]:
    back = f"{base}/oidc/backchannel-logout"
    with oidc_provider.running(f"{base}/oidc/callback", back) as found:
        settings.KUBECARRIER_OIDC_ISSUER = found.url
        settings.KUBECARRIER_OIDC_CLIENT_ID = oidc_provider.CLIENT_ID
        settings.KUBECARRIER_OIDC_CLIENT_SECRET = oidc_provider.CLIENT_SECRET
        settings.KUBECARRIER_OIDC_LABEL = "Example ID"
        door.forget()
        yield found
        door.forget()


def at_the_provider(page: Any, who: str) -> None:
    page.fill("input[name=login]", who)
    page.fill("input[name=password]", "x")
    page.click("button[type=submit]")
    page.get_by_role("button", name="Continue").click()


def test_oidc_a_token_and_out_again(page: Any, base: str, provider: oidc_provider.Provider) -> None:
    mapped("oidc", "platform")
    said = listen(page)
    stranger = User.objects.create_user("eve", password=PASSWORD, is_staff=True)
    foreign, _ = token_create(user=stranger, name="foreign")
    page.goto(f"{base}/admin/accounts/apitoken/add/")
    shoot(page, "login")
    page.get_by_role("link", name="Log in with Example ID").click()
    at_the_provider(page, "ana")
    page.wait_for_url(f"{base}/admin/accounts/apitoken/add/")
    said.clear()  # the provider's own pages want fonts from elsewhere
    shoot(page, "token-new")
    page.fill("input[name=name]", "laptop")
    page.fill("textarea[name=scopes]", "read-only")
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("#kc-secret").inner_text()
    assert secret.startswith("kc_")
    shoot(page, "token-made")
    assert ApiToken.objects.get(title="laptop").scopes == ["read-only"]
    page.goto(f"{base}/admin/accounts/apitoken/")
    assert page.get_by_text("laptop").first.is_visible()
    assert page.get_by_text("foreign").count() == 0
    shoot(page, "tokens")
    assert page.goto(f"{base}/admin/accounts/apitoken/{foreign.pk}/change/").status == 404
    page.goto(f"{base}/account")
    assert page.get_by_text("this one").is_visible()
    shoot(page, "account-oidc")
    errors = [text for text in said if "404" not in text]
    assert errors == []


def test_out_here_and_at_the_provider(
    page: Any, base: str, provider: oidc_provider.Provider
) -> None:
    """RP-initiated logout: after it the provider asks for the password again."""
    mapped("oidc", "platform")
    page.goto(f"{base}/account")
    page.get_by_role("link", name="Log in with Example ID").click()
    at_the_provider(page, "ana")
    page.wait_for_url(f"{base}/account")
    page.evaluate(
        "document.querySelector('form#logout-form, form[action=\"/admin/logout/\"]').submit()"
    )
    page.wait_for_url(re.compile(f"^{re.escape(provider.url)}/session/end"))
    assert not LoginSession.objects.exists()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(re.compile(f"^{re.escape(base)}/admin/login/"))
    page.get_by_role("link", name="Log in with Example ID").click()
    page.wait_for_selector("input[name=password]")


def test_the_provider_ends_the_session(
    page: Any, base: str, provider: oidc_provider.Provider
) -> None:
    """Back-channel logout by a real provider: logged out there, the session here is over."""
    mapped("oidc", "platform")
    page.goto(f"{base}/account")
    page.get_by_role("link", name="Log in with Example ID").click()
    at_the_provider(page, "ana")
    page.wait_for_url(f"{base}/account")
    row = LoginSession.objects.get()
    assert row.sid
    token_create(user=row.user, name="laptop")
    page.goto(f"{provider.url}/session/end")
    page.get_by_role("button", name="Yes, sign me out").click()
    page.get_by_text("Sign-out Success").wait_for()
    entry = AuditEntry.objects.filter(event="logout").latest("pk")
    assert (entry.object_repr, entry.channel) == ("ana", "console")
    assert not LoginSession.objects.exists()
    page.goto(f"{base}/account")
    page.wait_for_url(re.compile(f"^{re.escape(base)}/admin/login/"))


def test_oidc_sees_ones_own(page: Any, base: str, provider: oidc_provider.Provider) -> None:
    mapped("oidc", "platform")
    page.goto(f"{base}/admin/")
    page.get_by_role("link", name="Log in with Example ID").click()
    at_the_provider(page, "ana")
    page.wait_for_url(f"{base}/admin/")
    sees_ones_own(page, base, User.objects.get(is_superuser=False).username)


def sees_ones_own(page: Any, base: str, name: str) -> None:
    """By the mapped group: one cluster of two is there, the other is 404, and the review says why."""
    one, two = (
        Cluster.objects.create(name=n, server=f"https://{n}.example.org") for n in ("one", "two")
    )
    spec = {"role": "viewer", "users": [], "groups": ["team"], "scope": {"clusters": ["one"]}}
    binding_apply(actor=None, wish=Wish("team-one", {}, spec))
    page.goto(f"{base}/admin/fleet/cluster/")
    assert page.locator("#result_list").get_by_role("link", name="one", exact=True).is_visible()
    assert page.locator("#result_list").get_by_role("link", name="two", exact=True).count() == 0
    for row, status in ((one, 200), (two, 404)):
        address = reverse("admin:fleet_cluster_change", args=[row.pk])
        assert page.goto(f"{base}{address}").status == status
    page.goto(f"{base}/admin/access-review/")
    line = page.locator(".kc-audit tbody tr")
    assert line.count() == 1
    for text in (name, "viewer", "clusters one", "team-one", "team"):
        assert text in line.inner_text()


def test_oidc_without_a_mapped_group(
    page: Any, base: str, provider: oidc_provider.Provider
) -> None:
    mapped("oidc", "platform")
    page.goto(f"{base}/admin/")
    page.get_by_role("link", name="Log in with Example ID").click()
    at_the_provider(page, "ben")
    page.get_by_text("sso_not_admitted").wait_for()
    shoot(page, "refused")
    page.get_by_role("link", name="Back to the login").click()
    page.wait_for_url(re.compile("/admin/login/"))


def test_ldap_and_a_terminal_let_in(
    page: Any, base: str, settings: Settings, tmp_path: Path
) -> None:
    with slapd.running(tmp_path) as directory:
        settings.KUBECARRIER_LDAP_URL = [directory.ldaps]
        settings.KUBECARRIER_LDAP_CA_FILE = str(directory.ca_file)
        settings.KUBECARRIER_LDAP_BIND_DN = slapd.BIND_DN
        settings.KUBECARRIER_LDAP_BIND_PASSWORD = slapd.BIND_PASSWORD
        settings.KUBECARRIER_LDAP_USER_BASE = slapd.PEOPLE
        settings.KUBECARRIER_LDAP_GROUP_BASE = slapd.GROUPS
        mapped("ldap", "outer")
        log_in(page, base, "u0001", f"{slapd.PASSWORD}u0001")
    sees_ones_own(page, base, "u0001")
    begun = device_begin(client="laptop of u0001", scopes=["read-only"], address="192.0.2.7")
    page.goto(f"{base}/device")
    shoot(page, "device-empty")
    page.fill("input[name=code]", begun.user_code)
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("192.0.2.7").wait_for()
    shoot(page, "device")
    page.get_by_role("button", name="Let it in").click()
    page.get_by_text("is let in").wait_for()
    begun.row.refresh_from_db()
    assert begun.row.answer == "approved"


def test_a_second_factor(page: Any, base: str) -> None:
    ada = User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    log_in(page, base, "ada", PASSWORD)
    page.goto(f"{base}/account")
    page.get_by_role("button", name="Set up").click()
    page.locator(".kc-qr svg").wait_for()
    shoot(page, "factor-picture")
    key = base64.b32decode(factor_pending(ada))
    page.fill("input[name=code]", f"{totp(key):06d}")
    page.get_by_role("button", name="Confirm").click()
    assert len(page.locator("#kc-recovery").inner_text().split()) == 10
    shoot(page, "factor-recovery")
    page.context.clear_cookies()
    SecondFactor.objects.update(last_step=0)
    page.goto(f"{base}/admin/login/?next=/admin/")
    page.fill("input[name=username]", "ada")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{base}/login/code")
    shoot(page, "code")
    page.fill("input[name=code]", f"{totp(key):06d}")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{base}/admin/")
    page.goto(f"{base}/account")
    shoot(page, "account")
