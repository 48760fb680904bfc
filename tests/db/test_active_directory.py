"""Login by a real Active Directory (Samba's domain controller), set up as docs/login.md says."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import checks
from accounts.ldap.config import config
from accounts.models import ApiToken, AuditEntry, Identity, IdentityMapping, LoginSession, User
from accounts.services import ldap_checks, ldap_rechecks, ldap_sync
from kubecarrier.lib.errors import KubeCarrierError
from tests import sambaad
from tests.sambaad import (
    BASE,
    BIND_PASSWORD,
    CLOSED,
    COUNT,
    GROUPS,
    LEAVERS,
    ODD,
    PASSWORD,
    PEOPLE,
    REALM,
    Domain,
    b64,
)
from tests.slapd import certificates

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
_CHECKOUT = Path(__file__).parents[2]
_PAGE = _CHECKOUT / "docs" / "login.md"
_SETTINGS = _CHECKOUT / "kubecarrier" / "settings" / "ldap.py"
_EVERYBODY = (
    COUNT + len(ODD) + len(CLOSED) + 5
)  # the portal's, Administrator, Guest, krbtgt, dns-dc1


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Domain]:
    with sambaad.running(tmp_path_factory.mktemp("ad")) as found:
        yield found


def how_to(domain: Domain) -> dict[str, str]:
    """The block of the page, with this domain's addresses, authority and password."""
    section = _PAGE.read_text().split("### Active Directory\n")[1].split("```")[1]
    said = dict(line.split("=", 1) for line in section.split())
    own = {"URL": domain.ldaps, "CA_FILE": str(domain.ca_file), "BIND_PASSWORD": BIND_PASSWORD}
    assert {f"KUBECARRIER_LDAP_{name}" for name in own} <= set(said)
    return said | {f"KUBECARRIER_LDAP_{name}": value for name, value in own.items()}


@pytest.fixture
def ad(running: Domain, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Domain:
    """The portal as the page says, on this domain."""
    for name, value in how_to(running).items():
        monkeypatch.setenv(name, value)
    for name, value in runpy.run_path(str(_SETTINGS)).items():
        if name.startswith("KUBECARRIER_LDAP_"):
            setattr(settings, name, value)
    mapped("staff")
    return running


def mapped(value: str, group: str = "") -> Group:
    found, _ = Group.objects.get_or_create(name=group or f"here-{value[:20]}")
    name = f"m{IdentityMapping.objects.count()}"
    IdentityMapping.objects.create(name=name, source="ldap", value=value, group=found)
    return found


def api_login(login: str, password: str) -> Any:
    body = {"username": login, "password": password}
    return APIClient().post("/api/v1/auth/login", body, format="json")


def come_in(login: str) -> User:
    response = api_login(login, PASSWORD + login)
    assert response.status_code == 200, response.content
    return User.objects.get(username=login)


def browser(login: str) -> Client:
    client = Client()
    client.post("/admin/login/", {"username": login, "password": PASSWORD + login})
    assert client.get("/admin/").status_code == 200
    return client


def code(response: Any) -> str:
    return str(response.json()["error"]["code"])


def names(groups: list[str]) -> set[str]:
    return {group for group in groups if "=" not in group}


class TestTheWay:
    def test_the_page_says_all_that_is_needed(self, ad: Domain) -> None:
        assert config().user_base == BASE
        assert config().group_type == "ad"
        assert [found.id for found in checks.check_ldap()] == []
        assert len(how_to(ad)) == 7

    def test_by_either_name(self, ad: Domain) -> None:
        user = come_in("jane")
        assert user.email == "jane@company.example"
        assert (user.first_name, user.last_name) == ("Given", ODD["jane"])
        for name in ("JANE", "d.jane@mail.example", "D.Jane@Mail.Example"):
            assert api_login(name, f"{PASSWORD}jane").status_code == 200
        assert list(User.objects.all()) == [user]
        row = Identity.objects.get()
        assert (row.source, row.issuer) == ("ldap", f"ldap:{BASE.lower()}")
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", row.subject)
        browser("jane")
        assert LoginSession.objects.get().method == "ldap"

    @pytest.mark.parametrize("login", sorted(ODD))
    def test_odd_names(self, ad: Domain, login: str) -> None:
        """Commas, a star, brackets, a hash, an apostrophe and other alphabets in the DN."""
        inner = mapped("inner")
        assert inner in come_in(login).groups.all()

    def test_an_apostrophe_in_the_name(self, ad: Domain) -> None:
        assert api_login("o.oneil@mail.example", f"{PASSWORD}oneil").status_code == 200
        ad.set(f"CN={ODD['oneil']}".replace("#", r"\#") + f",{PEOPLE}", "userPrincipalName",
               f"o'neil@{REALM}")  # fmt: skip
        assert api_login(f"o'neil@{REALM}", f"{PASSWORD}oneil").status_code == 200

    def test_start_tls(self, ad: Domain, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_URL = [ad.ldap]
        settings.KUBECARRIER_LDAP_START_TLS = True
        come_in("jane")

    def test_without_tls_the_domain_takes_no_password(self, ad: Domain, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_URL = [ad.ldap]
        response = api_login("jane", f"{PASSWORD}jane")
        assert (response.status_code, code(response)) == (503, "ldap_unreachable")

    @pytest.mark.parametrize("start_tls", [False, True])
    def test_a_certificate_of_nobody_known(
        self, ad: Domain, settings: Settings, tmp_path: Path, start_tls: bool
    ) -> None:
        certificates(tmp_path, ad.address)
        settings.KUBECARRIER_LDAP_CA_FILE = str(tmp_path / "ca.pem")
        settings.KUBECARRIER_LDAP_URL = [ad.ldap if start_tls else ad.ldaps]
        settings.KUBECARRIER_LDAP_START_TLS = start_tls
        assert code(api_login("jane", f"{PASSWORD}jane")) == "ldap_unreachable"

    def test_the_global_catalogue(self, ad: Domain, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_URL = [f"{ad.ldaps}:3269"]
        come_in("jane")

    def test_the_portal_s_account_by_its_other_name(self, ad: Domain, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_BIND_DN = f"kubecarrier@{REALM}"
        come_in("jane")

    def test_a_base_that_is_not_there(self, ad: Domain, settings: Settings) -> None:
        for base in (f"OU=Nowhere,{BASE}", "DC=elsewhere,DC=example"):
            settings.KUBECARRIER_LDAP_USER_BASE = base
            assert code(api_login("jane", f"{PASSWORD}jane")) == "ldap_wrong_base"

    def test_below_the_root_are_referrals(self, ad: Domain) -> None:
        """A search from the root is answered with references to other parts of the forest too."""
        from accounts.ldap.directory import Directory

        with Directory(config()) as directory:
            found = directory._connection.search_ext_s(BASE, 2, "(sAMAccountName=jane)", ["cn"])
            assert [dn for dn, _ in found if dn is None], "the domain sends referrals"
            person = directory.find("jane")
            assert person is not None
            assert None not in directory.groups(person)


class TestGroups:
    def test_in_groups_and_by_the_primary_group(self, ad: Domain) -> None:
        """ "Domain Users" is in no list of members, "staff" lists it alone."""
        come_in("jane")
        row = Identity.objects.get()
        assert names(row.groups) == {"inner", "middle", "Outer, größte", "everyone", "staff"}
        assert rf"CN=Outer\, größte,{GROUPS}" in row.groups

    def test_the_primary_group_itself(self, ad: Domain, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_GROUP_BASE = BASE
        group = mapped("Domain Users")
        assert group in come_in("jane").groups.all()
        assert names(Identity.objects.get().groups) >= {"Domain Users", "Users", "staff", "inner"}

    def test_another_primary_group(self, ad: Domain) -> None:
        star = f"CN={ODD['star']},{PEOPLE}"
        ad.set(star, "primaryGroupID", _rid(ad, f"CN=inner,{GROUPS}"))
        try:
            come_in("star")
            assert names(Identity.objects.get().groups) >= {"inner", "middle", "Outer, größte"}
        finally:
            ad.set(star, "primaryGroupID", 513)

    def test_level_by_level(self, ad: Domain, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_GROUP_TYPE = "nested"
        settings.KUBECARRIER_LDAP_ADMIT = "everyone"
        come_in("jane")
        found = names(Identity.objects.get().groups)
        assert found == {"inner", "middle", "Outer, größte", "everyone"}

    @pytest.mark.parametrize("value", ["Outer, größte", rf"cn=OUTER\, GRÖSSTE,{GROUPS.upper()}"])
    def test_mapped_and_taken_again(self, ad: Domain, value: str) -> None:
        group = mapped(value)
        user = come_in("ilker")
        assert group in user.groups.all()
        member = b64(f"CN={ODD['ilker']},{PEOPLE}")
        ad.change(f"dn: CN=inner,{GROUPS}\nchangetype: modify\ndelete: member\nmember:: {member}\n")
        try:
            come_in("ilker")
            assert group not in user.groups.all()
        finally:
            ad.change(
                f"dn: CN=inner,{GROUPS}\nchangetype: modify\nadd: member\nmember:: {member}\n"
            )

    def test_without_a_mapped_group(self, ad: Domain) -> None:
        IdentityMapping.objects.all().delete()
        assert code(api_login("jane", f"{PASSWORD}jane")) == "sso_not_admitted"


class TestTheSamePerson:
    def test_renamed_and_moved(self, ad: Domain) -> None:
        ad.add(sambaad.person("Ann Old", "ann", password=f"{PASSWORD}ann"))
        user = come_in("ann")
        ad.set(f"CN=Ann Old,{PEOPLE}", "sAMAccountName", "ann.new")
        ad.move(f"CN=Ann Old,{PEOPLE}", "CN=Ann New", LEAVERS)
        assert api_login("ann.new", f"{PASSWORD}ann").status_code == 200
        assert list(User.objects.all()) == [user]
        assert due() == 1
        assert ldap_sync.sync_now().ended == []
        assert User.objects.get().is_active
        ad.delete(f"CN=Ann New,{LEAVERS}")
        # A new person of the old name is somebody else, and does not get the account.
        ad.add(sambaad.person("Ann Old", "ann", password=f"{PASSWORD}ann"))
        assert code(api_login("ann", f"{PASSWORD}ann")) == "sso_name_taken"
        assert ldap_sync.sync_now().ended == ["ann"]
        ad.delete(f"CN=Ann Old,{PEOPLE}")


REFUSED = {
    "gone": "ldap_account_disabled",
    "over": "ldap_account_expired",
    "must": "ldap_password_change",
    "stale": "ldap_password_expired",
}


class TestRefused:
    @pytest.mark.parametrize("login", sorted(REFUSED))
    def test_says_why_to_who_knows_the_password(self, ad: Domain, login: str) -> None:
        response = api_login(login, PASSWORD + login)
        assert (response.status_code, code(response)) == (403, REFUSED[login])
        assert response.json()["error"]["hint"]
        page = Client().post("/admin/login/", {"username": login, "password": PASSWORD + login})
        assert page.status_code == 403
        assert REFUSED[login] in page.content.decode()
        assert code(api_login(login, "wrong")) == "login_failed"
        assert not User.objects.exists()
        entries = AuditEntry.objects.filter(event="login-failed")
        assert sorted(entry.changes_text for entry in entries) == [
            "",
            REFUSED[login],
            REFUSED[login],
        ]

    def test_locked_there(self, ad: Domain) -> None:
        for _ in range(3):
            assert code(api_login("locked", "wrong")) == "login_failed"
        assert code(api_login("locked", f"{PASSWORD}locked")) == "ldap_account_locked"
        ad.set(f"CN=locked,{PEOPLE}", "lockoutTime", 0)
        come_in("locked")

    def test_locked_here_by_whatever_name(self, ad: Domain) -> None:
        """A directory finds one person by many spellings: they share the tries."""
        spellings = ["jane", "JANE", "Jane ", "d.jane@mail.example", "D.JANE@mail.example"]
        for name in spellings * 2:
            assert code(api_login(name, "wrong")) == "login_failed"
        for name in spellings:
            response = api_login(name, f"{PASSWORD}jane")
            assert (response.status_code, code(response)) == (429, "too_many_attempts")
        body = {"username": "jane", "password": f"{PASSWORD}jane"}
        elsewhere = APIClient().post(
            "/api/v1/auth/login", body, format="json", REMOTE_ADDR="192.0.2.7"
        )
        assert elsewhere.status_code == 200

    @pytest.mark.parametrize("login", ["jan*", "COMPANY\\jane", "jane)(cn=*", "kubecarrier$"])
    def test_what_is_no_name(self, ad: Domain, login: str) -> None:
        assert code(api_login(login, f"{PASSWORD}jane")) == "login_failed"

    def test_the_portal_s_own_account(self, ad: Domain) -> None:
        own = f"CN=kubecarrier,OU=Services,{BASE}"
        ad.set(own, "userAccountControl", 514)
        try:
            response = api_login("jane", f"{PASSWORD}jane")
        finally:
            ad.set(own, "userAccountControl", 512)
        assert (response.status_code, code(response)) == (503, "ldap_bind_refused")
        assert response.json()["error"]["data"]["reason"] == "ldap_account_disabled"


def due() -> int:
    Identity.objects.update(check_due_at=timezone.now())
    return ldap_rechecks.ldap_recheck_due()


class TestLeaving:
    """Closed in the domain: out of the portal, sessions and tokens too."""

    @pytest.fixture(params=["every night", "every ten minutes", "at the next click"])
    def passing(self, request: pytest.FixtureRequest) -> Any:
        def click() -> None:
            Identity.objects.update(check_due_at=timezone.now())

        ways = {"every night": ldap_sync.sync_now, "every ten minutes": due}
        return ways.get(request.param, click)

    @pytest.mark.parametrize(
        ("attribute", "closed", "open_", "said"),
        [
            ("userAccountControl", 514, 512, "disabled in the directory"),
            ("accountExpires", 132000000000000000, 0, "expired in the directory"),
        ],
    )
    def test_closed(
        self, ad: Domain, passing: Any, attribute: str, closed: int, open_: int, said: str
    ) -> None:
        client, dn = browser("star"), f"CN={ODD['star']},{PEOPLE}"
        user = come_in("star")
        come_in("jane")
        ad.set(dn, attribute, closed)
        try:
            passing()
            assert client.get("/admin/").status_code == 302
            assert [token.user.username for token in ApiToken.objects.all()] == ["jane"]
            user.refresh_from_db()
            assert not user.is_active
            assert AuditEntry.objects.get(event="access-ended").changes_text == said
            assert code(api_login("star", f"{PASSWORD}star")).startswith("ldap_account_")
        finally:
            ad.set(dn, attribute, open_)
        come_in("star")
        user.refresh_from_db()
        assert user.is_active

    def test_a_password_that_must_be_changed_ends_nothing(self, ad: Domain) -> None:
        client, dn = browser("star"), f"CN={ODD['star']},{PEOPLE}"
        ad.set(dn, "pwdLastSet", 0)
        try:
            assert due() == 1
            assert client.get("/admin/").status_code == 200
        finally:
            ad.set(dn, "pwdLastSet", -1)

    def test_everybody_is_compared_page_by_page(self, ad: Domain) -> None:
        """More people than the domain hands out at once."""
        come_in("jane")
        result = ldap_sync.sync_now()
        assert result.people == _EVERYBODY
        assert (result.refreshed, result.ended) == (1, [])

    def test_many_at_once(self, ad: Domain) -> None:
        """Who is there and closed was closed on purpose: the guard is for who is absent."""
        logins = [f"temp{number}" for number in range(5)]
        ad.add(*(sambaad.person(one, one, password=PASSWORD + one) for one in logins))
        for one in logins:
            come_in(one)
            ad.set(f"CN={one},{PEOPLE}", "userAccountControl", 514)
        assert sorted(ldap_sync.sync_now().ended) == logins
        for one in logins:
            ad.set(f"CN={one},{PEOPLE}", "userAccountControl", 512)
            come_in(one)
            ad.delete(f"CN={one},{PEOPLE}")
        with pytest.raises(KubeCarrierError) as caught:
            ldap_sync.sync_now()
        assert (caught.value.code, caught.value.data["missing"]) == ("ldap_shrunk", 5)
        assert User.objects.filter(is_active=True).count() == 5

    def test_asked_again_within_a_quarter_of_an_hour(self, ad: Domain) -> None:
        come_in("jane")
        row = Identity.objects.get()
        assert row.check_due_at is not None
        assert row.check_due_at <= timezone.now() + timedelta(minutes=15)


def _rid(ad: Domain, dn: str) -> int:
    """The last part of an entry's sid: the number that primaryGroupID says."""
    import ldap

    from accounts.ldap.directory import Directory

    with Directory(config()) as directory:
        ((_, found),) = directory._connection.search_ext_s(
            dn, ldap.SCOPE_BASE, attrlist=["objectSid"]
        )
    return int.from_bytes(found["objectSid"][0][-4:], "little")


class TestCheck:
    """`manage.py ldap_check`: where it breaks off is what has to be mended."""

    def steps(self, name: str = "jane", password: str = "") -> list[tuple[str, str, bool]]:
        found = list(ldap_checks.ldap_steps(username=name, password=password))
        return [(step.what, step.said, step.fine) for step in found]

    def test_all_is_well(self, ad: Domain, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("ldap_check", "jane")
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in lines] == [
            "ok   server ldaps", "ok   account", "ok   people", "ok   jane", "ok   groups", "ok   mappings",
        ]  # fmt: skip
        assert "Outer, größte" in lines[4]
        assert lines[5].endswith("a member of here-staff")
        assert self.steps(password=f"{PASSWORD}jane")[-1] == ("password", "taken", True)
        assert self.steps(password="wrong")[-1] == ("password", "wrong", False)
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        ("name", "value", "last", "said"),
        [
            ("CA_FILE", "", "directory", "certificate verify failed"),
            ("URL", ["ldaps://127.0.0.1:1"], "directory", "Connection refused"),
            ("BIND_PASSWORD", "wrong", "directory", "ldap_bind_refused"),
            ("USER_BASE", f"OU=Nowhere,{BASE}", "directory", "ldap_wrong_base"),
            ("USER_FILTER", "(&(sAMAccountName=%(user)s)(sn=Nobody))", "jane", "nobody below"),
            ("GROUP_BASE", f"OU=Leavers,{BASE}", "mappings", "no identity mapping"),
        ],
    )
    def test_a_setting_is_wrong(
        self, ad: Domain, settings: Settings, name: str, value: Any, last: str, said: str
    ) -> None:
        setattr(settings, f"KUBECARRIER_LDAP_{name}", value)
        found = self.steps()
        assert found[-1][0] == last
        assert said in " ".join(text for _, text, fine in found if not fine)
        with pytest.raises(CommandError):
            call_command("ldap_check", "jane")

    @pytest.mark.parametrize(
        ("login", "what", "said"),
        [
            ("nobody", "nobody", "not found, or found more than once"),
            ("*", "*", "not found, or found more than once"),
            ("gone", "state", "disabled in the directory"),
        ],
    )
    def test_somebody_who_cannot_come_in(
        self, ad: Domain, login: str, what: str, said: str
    ) -> None:
        assert (what, said, False) in self.steps(login)

    def test_one_server_of_two(self, ad: Domain, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_URL = ["ldaps://127.0.0.1:1", ad.ldaps]
        fine = {what: fine for what, _, fine in self.steps()}
        assert fine["server ldaps://127.0.0.1:1"] is False
        assert fine["mappings"] is True

    def test_off(self) -> None:
        with pytest.raises(CommandError, match="ldap_off"):
            call_command("ldap_check")
