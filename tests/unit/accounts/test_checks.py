"""Each wrong setting of logging in has its id."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from accounts import checks


@pytest.fixture(autouse=True)
def sound(settings: Settings) -> Settings:
    """Settings that no check complains about."""
    settings.KUBECARRIER_OIDC_ISSUER = "https://id.example.org"
    settings.KUBECARRIER_OIDC_CLIENT_ID = "kubecarrier"
    return settings


def ids() -> set[str]:
    return {str(found.id) for found in checks.check_oidc()}


def test_sound() -> None:
    assert ids() == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ISSUER", "", "W060"),
        ("ISSUER", "http://id.example.org", "E061"),
        ("ISSUER", "id.example.org", "E061"),
        ("CLIENT_ID", "", "E062"),
        ("ALGORITHMS", ["RS256", "HS256"], "E063"),
        ("ALGORITHMS", ["none"], "E063"),
        ("ALGORITHMS", [], "E063"),
        ("SCOPES", ["profile"], "E064"),
        ("ADMIT", "all", "E065"),
        ("ADMIT", "everyone", "W066"),
        ("RECHECK_SECONDS", 901, "E067"),
        ("RECHECK_SECONDS", 59, "E067"),
        ("CA_FILE", "/nowhere/ca.pem", "E068"),
        ("CLIENT_AUTH", "none", "E069"),
    ],
)
def test_wrong(settings: Settings, name: str, value: Any, expected: str) -> None:
    setattr(settings, f"KUBECARRIER_OIDC_{name}", value)
    assert ids() == {f"kubecarrier.{expected}"}


def test_http_is_for_this_machine_only(settings: Settings) -> None:
    settings.KUBECARRIER_OIDC_ISSUER = "http://127.0.0.1:8080"
    settings.KUBECARRIER_ALLOW_LOOPBACK = True
    assert ids() == set()
    settings.KUBECARRIER_ALLOW_LOOPBACK = False
    assert ids() == {"kubecarrier.E061"}


class TestLdap:
    @pytest.fixture(autouse=True)
    def sound(self, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_URL = ["ldaps://ldap.example.org"]
        settings.KUBECARRIER_LDAP_USER_BASE = "ou=people,dc=example,dc=org"
        settings.KUBECARRIER_LDAP_GROUP_BASE = "ou=groups,dc=example,dc=org"

    def ids(self) -> set[str]:
        return {str(found.id) for found in checks.check_ldap()}

    def test_sound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "find_spec", lambda name: True)
        assert self.ids() == set()
        monkeypatch.setattr(checks, "find_spec", lambda name: None)
        assert self.ids() == {"kubecarrier.E070"}

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("URL", ["http://ldap.example.org"], "E071"),
            ("URL", ["ldap://ldap.example.org"], "E072"),
            ("START_TLS", True, "E073"),
            ("USER_BASE", "", "E074"),
            ("USER_FILTER", "(uid=ana)", "E075"),
            ("USER_FILTER", "(uid=%(user)s", "E075"),
            ("USER_FILTER", "(|(uid=%(user)s)(mail=%s))", "E075"),
            ("USER_FILTER", "(&(uid=%(user)s)(cn=100%))", "E075"),
            ("USER_FILTER", "(uid=%(user)s)(o=%(organisation)s)", "E075"),
            ("GROUP_TYPE", "flat", "E076"),
            ("ADMIT", "all", "E077"),
            ("CA_FILE", "/nowhere/ca.pem", "E078"),
            ("SHRINK_PERCENT", 100, "E079"),
            ("RECHECK_SECONDS", 901, "E081"),
            ("GROUP_BASE", "", "E082"),
            ("GROUP_TYPE", "none", "E082"),
            ("KIND", "novell", "E083"),
        ],
    )
    def test_wrong(
        self,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        value: Any,
        expected: str,
    ) -> None:
        monkeypatch.setattr(checks, "find_spec", lambda name: True)
        setattr(settings, f"KUBECARRIER_LDAP_{name}", value)
        assert self.ids() == {f"kubecarrier.{expected}"}

    def test_a_name_may_stand_in_several_places(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checks, "find_spec", lambda name: True)
        settings.KUBECARRIER_LDAP_USER_FILTER = "(|(uid=%(user)s)(mail=%(user)s))"
        assert self.ids() == set()

    def test_everyone_needs_no_groups(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checks, "find_spec", lambda name: True)
        settings.KUBECARRIER_LDAP_ADMIT = "everyone"
        settings.KUBECARRIER_LDAP_GROUP_BASE = ""
        assert self.ids() == set()

    def test_off(self, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_URL = []
        settings.KUBECARRIER_LDAP_USER_BASE = ""
        assert self.ids() == set()


@pytest.mark.parametrize(("value", "found"), [("superusers", 0), ("all", 1)])
def test_second_factor(settings: Settings, value: str, found: int) -> None:
    settings.KUBECARRIER_REQUIRE_SECOND_FACTOR = value
    assert [str(one.id) for one in checks.check_second_factor()] == ["kubecarrier.E080"] * found
