"""Login by LDAP against a real slapd with 2,000 people."""

from __future__ import annotations

import runpy
import socket
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
from accounts.models import (
    ApiToken,
    AuditEntry,
    DirectoryPass,
    Identity,
    IdentityMapping,
    LoginSession,
    User,
)
from accounts.services import ldap_rechecks, ldap_sync
from accounts.services.ldap_logins import plausible
from kubecarrier.lib.errors import KubeCarrierError
from tests import slapd as server
from tests.portal import Portal
from tests.slapd import BASE, BIND_DN, BIND_PASSWORD, COUNT, GROUPS, ODD, PASSWORD, PEOPLE, Slapd

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
_CHECKOUT = Path(__file__).parents[2]
_PAGE = _CHECKOUT / "docs" / "login.md"
_SETTINGS = _CHECKOUT / "kubecarrier" / "settings" / "ldap.py"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with server.running(tmp_path_factory.mktemp("slapd")) as found:
        yield found


@pytest.fixture
def slapd(running: Slapd, settings: Settings) -> Iterator[Slapd]:
    settings.KUBECARRIER_LDAP_URL = [running.ldaps]
    settings.KUBECARRIER_LDAP_CA_FILE = str(running.ca_file)
    settings.KUBECARRIER_LDAP_BIND_DN = BIND_DN
    settings.KUBECARRIER_LDAP_BIND_PASSWORD = BIND_PASSWORD
    settings.KUBECARRIER_LDAP_USER_BASE = PEOPLE
    settings.KUBECARRIER_LDAP_GROUP_BASE = GROUPS
    mapped("everyone")
    yield running
    running.answer_again()


def mapped(value: str, group: str = "") -> Group:
    found, _ = Group.objects.get_or_create(name=group or f"here-{value[:20]}")
    IdentityMapping.objects.create(
        name=f"m{IdentityMapping.objects.count()}", source="ldap", value=value, group=found
    )
    return found


def api_login(name: str, password: str | None = None) -> Any:
    body = {"username": name, "password": PASSWORD + name if password is None else password}
    return APIClient().post("/api/v1/auth/login", body, format="json")


def console_login(name: str, password: str) -> tuple[Client, Any]:
    client = Client()
    return client, client.post("/admin/login/", {"username": name, "password": password})


def code(response: Any) -> str:
    return str(response.json()["error"]["code"])


class TestComingIn:
    def test_the_whole_way(self, slapd: Slapd) -> None:
        made = api_login("u0001")
        assert made.status_code == 200, made.content
        user = User.objects.get()
        assert (user.username, user.email) == ("u0001", "u0001@example.org")
        assert (user.first_name, user.last_name) == ("Given", "Nr1")
        assert not user.has_usable_password()
        assert not user.is_superuser
        row = Identity.objects.get()
        assert (row.source, row.issuer) == ("ldap", f"ldap:{PEOPLE}")
        assert len(row.subject) == 36
        client, answer = console_login("u0001", PASSWORD + "u0001")
        assert answer.status_code == 302
        assert client.get("/admin/").status_code == 200
        assert LoginSession.objects.get().method == "ldap"

    def test_start_tls(self, slapd: Slapd, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_URL = [slapd.ldap]
        settings.KUBECARRIER_LDAP_START_TLS = True
        assert api_login("u0001").status_code == 200

    def test_as_the_page_says(
        self, slapd: Slapd, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """OpenLDAP's block of docs/login.md, with this directory's address, authority and account."""
        block = _PAGE.read_text().split("### OpenLDAP\n")[1].split("```")[1]
        said = dict(line.split("=", 1) for line in block.split())
        own = {
            "URL": slapd.ldap, "CA_FILE": str(slapd.ca_file), "BIND_DN": BIND_DN,
            "BIND_PASSWORD": BIND_PASSWORD,
        }  # fmt: skip
        assert {f"KUBECARRIER_LDAP_{name}" for name in own} <= set(said)
        for name, value in {**said, **{f"KUBECARRIER_LDAP_{k}": v for k, v in own.items()}}.items():
            monkeypatch.setenv(name, value)
        for name, value in runpy.run_path(str(_SETTINGS)).items():
            if name.startswith("KUBECARRIER_LDAP_"):
                setattr(settings, name, value)
        assert [found.id for found in checks.check_ldap()] == []
        assert api_login("u0001").status_code == 200
        assert "outer" in Identity.objects.get().groups

    @pytest.mark.parametrize("start_tls", [False, True])
    def test_a_certificate_of_nobody_known(
        self, slapd: Slapd, settings: Settings, start_tls: bool, tmp_path: Any
    ) -> None:
        server.certificates(tmp_path)
        settings.KUBECARRIER_LDAP_CA_FILE = str(tmp_path / "ca.pem")
        settings.KUBECARRIER_LDAP_URL = [slapd.ldap if start_tls else slapd.ldaps]
        settings.KUBECARRIER_LDAP_START_TLS = start_tls
        assert code(api_login("u0001")) == "ldap_unreachable"

    def test_the_directory_is_large_and_odd(self, slapd: Slapd) -> None:
        from accounts.ldap.directory import Directory

        with Directory(config()) as directory:
            found = {person.username: person.dn for person in directory.everybody()}
        assert len(found) == 2003
        assert {f"u{number:04d}" for number in range(2000)} <= set(found)
        assert found["comma"].startswith(r"cn=Doe\2C Jane\2C PhD,")
        assert found["star"].startswith("cn=Star *,")

    @pytest.mark.parametrize("name", sorted(ODD))
    def test_odd_names(self, slapd: Slapd, name: str) -> None:
        """Commas, a star and brackets in the DN."""
        wanted = {mapped(group) for group in ("inner", "outer")} if name != "quote" else set()
        if name == "quote":
            wanted = {mapped("quoted")}
            slapd.change(
                f"dn: cn=quoted,{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\n"
                f"cn: quoted\nmember: {ODD[name]},{PEOPLE}\n"
            )
        assert api_login(name).status_code == 200
        assert set(User.objects.get().groups.all()) == wanted

    def test_an_identity_outlives_a_rename(self, slapd: Slapd) -> None:
        api_login("u0010")
        slapd.change(
            f"dn: uid=u0010,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: new@example.org\n"
        )
        api_login("u0010")
        assert User.objects.get().email == "new@example.org"

    def test_a_local_account_is_not_taken_over(self, slapd: Slapd) -> None:
        User.objects.create_superuser("u0001", "x@example.org", "a-local-password")
        assert code(api_login("u0001")) == "sso_name_taken"
        assert api_login("u0001", "a-local-password").status_code == 200

    def test_without_a_mapped_group(self, slapd: Slapd) -> None:
        IdentityMapping.objects.all().delete()
        response = api_login("u0001")
        assert (response.status_code, code(response)) == (403, "sso_not_admitted")
        _, answer = console_login("u0001", PASSWORD + "u0001")
        assert answer.status_code == 403
        assert "sso_not_admitted" in answer.content.decode()
        assert not User.objects.exists()


class TestGroups:
    @pytest.mark.parametrize(
        ("kind", "name", "expected"),
        [
            ("nested", "u0001", {"inner", "middle", "outer", "circle", "everyone"}),
            ("nested", "u0002", {"middle", "outer", "circle", "everyone"}),
            ("nested", "u0009", {"everyone"}),
            ("posix", "u0003", {"unix"}),
            ("posix", "u0005", {"unix"}),
            ("posix", "u0009", set()),
            ("unique", "u0004", {"unique"}),
            ("none", "u0001", set()),
        ],
    )
    def test_of_every_kind(
        self, slapd: Slapd, settings: Settings, kind: str, name: str, expected: set[str]
    ) -> None:
        settings.KUBECARRIER_LDAP_GROUP_TYPE = kind
        settings.KUBECARRIER_LDAP_ADMIT = "everyone"
        assert api_login(name).status_code == 200
        groups = Identity.objects.get().groups
        assert {group for group in groups if "=" not in group} == expected
        assert {f"cn={group},{GROUPS}" for group in expected} <= set(groups)

    def test_by_dn_and_taken_again(self, slapd: Slapd) -> None:
        group = mapped(f"CN=Inner,{GROUPS.upper()}", "by-dn")
        api_login("u0001")
        user = User.objects.get()
        assert group in user.groups.all()
        slapd.change(
            f"dn: cn=inner,{GROUPS}\nchangetype: modify\ndelete: member\n"
            f"member: uid=u0001,{PEOPLE}\n"
        )
        api_login("u0001")
        assert group not in user.groups.all()
        slapd.change(
            f"dn: cn=inner,{GROUPS}\nchangetype: modify\nadd: member\nmember: uid=u0001,{PEOPLE}\n"
        )


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("u0001", "wrong"), ("nobody", "x"), ("u0001", PASSWORD + "u0002"),
            ("portal", BIND_PASSWORD), ("u000*", PASSWORD + "u0001"),
        ],
    )  # fmt: skip
    def test_wrong(self, slapd: Slapd, name: str, password: str) -> None:
        response = api_login(name, password)
        assert (response.status_code, code(response)) == (401, "login_failed")
        assert not User.objects.exists()
        assert AuditEntry.objects.filter(event="login-failed").count() == 1

    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("u0001", ""), ("*", "x"), ("u0001)(uid=*", "x"), ("*)(uid=*))(|(uid=*", "x"),
            ("u0001\0", "x"), ("u0001", "x\0"), ("a\\2a", "x"), ("uid=u0001,ou=people", "x"),
            ("sa:ci", "x"), ("", "x"), ("u" * 151, "x"), ("a|b", "x"), ("&", "x"), ("!a", "x"),
        ],
    )  # fmt: skip
    def test_before_the_directory_is_asked(self, name: str, password: str) -> None:
        assert not plausible(name, password)

    def test_names_of_people_are_asked_about(self) -> None:
        for name in ("ana", "ana.b@example.org", "jane doe", "müller", "o-n_1", "u0001"):
            assert plausible(name, "x")

    def test_one_person_under_many_names_has_the_tries_of_one(self, slapd: Slapd) -> None:
        """The directory does not look at case: each spelling would have ten tries of its own."""
        for name in ("u0001", "U0001", "u0001 ", " U0001", "ｕ0001") * 2:
            assert code(api_login(name, "wrong")) == "login_failed"
        response = api_login("U0001", PASSWORD + "u0001")
        assert (response.status_code, code(response)) == (429, "too_many_attempts")
        assert api_login("u0002").status_code == 200

    def test_an_empty_password_is_never_an_anonymous_login(self, slapd: Slapd) -> None:
        assert api_login("u0001", "").status_code == 400
        _, answer = console_login("u0001", "")
        assert answer.status_code == 200
        assert not User.objects.exists()


class TestAway:
    @pytest.fixture
    def local(self) -> User:
        return User.objects.create_superuser("root", "r@example.org", "a-local-password")

    def test_down(self, slapd: Slapd, settings: Settings, local: User) -> None:
        settings.KUBECARRIER_LDAP_URL = ["ldaps://127.0.0.1:1"]
        response = api_login("u0001")
        assert (response.status_code, code(response)) == (503, "ldap_unreachable")
        _, answer = console_login("u0001", "x")
        assert answer.status_code == 503
        assert "console/console" in answer.content.decode(), "it looks like the console"
        assert api_login("root", "a-local-password").status_code == 200

    def test_the_second_server_answers(self, slapd: Slapd, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_URL = ["ldaps://127.0.0.1:1", slapd.ldaps]
        assert api_login("u0001").status_code == 200

    def test_hanging(self, slapd: Slapd, local: User, monkeypatch: pytest.MonkeyPatch) -> None:
        slapd.stop_answering()
        response = api_login("u0001")
        assert (response.status_code, code(response)) == (503, "ldap_unreachable")
        assert api_login("root", "a-local-password").status_code == 200

    def test_silent(self, slapd: Slapd, settings: Settings) -> None:
        """It takes connections and says nothing, not even TLS's first word."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            settings.KUBECARRIER_LDAP_URL = [f"ldaps://127.0.0.1:{silent.getsockname()[1]}"]
            before = timezone.now()
            assert code(api_login("u0001")) == "ldap_unreachable"
            assert timezone.now() - before < timedelta(seconds=5)

    def test_the_portals_own_password_is_wrong(self, slapd: Slapd, settings: Settings) -> None:
        settings.KUBECARRIER_LDAP_BIND_PASSWORD = "wrong"
        response = api_login("u0001")
        assert (response.status_code, code(response)) == (503, "ldap_bind_refused")


class TestPass:
    @pytest.fixture
    def people(self, slapd: Slapd) -> list[User]:
        for number in range(20, 30):
            assert api_login(f"u{number:04d}").status_code == 200
        return list(User.objects.order_by("username"))

    def restore(self, slapd: Slapd, *numbers: int) -> None:
        for number in numbers:
            text = server._person(f"uid=u{number:04d}", f"u{number:04d}", number)
            head, rest = text.split("\n", 1)
            slapd.change(f"{head}\nchangetype: add\n{rest}\n")

    def test_who_is_gone_loses_access(self, slapd: Slapd, people: list[User]) -> None:
        client, _ = console_login("u0020", PASSWORD + "u0020")
        slapd.delete(f"uid=u0020,{PEOPLE}", f"uid=u0021,{PEOPLE}")
        result = ldap_sync.sync_now()
        assert result.people == COUNT + len(ODD) - 2
        assert sorted(result.ended) == ["u0020", "u0021"]
        assert client.get("/admin/").status_code == 302
        assert not ApiToken.objects.filter(user__username__in=result.ended).exists()
        assert ApiToken.objects.count() == 8
        inactive = User.objects.filter(is_active=False)
        assert {user.username for user in inactive} == {"u0020", "u0021"}
        assert AuditEntry.objects.filter(event="access-ended").count() == 2
        assert ldap_sync.sync_now().ended == []
        self.restore(slapd, 20, 21)

    def test_somebody_who_is_back(self, slapd: Slapd, people: list[User]) -> None:
        slapd.change(
            f"dn: uid=u0022,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=gone\ndeleteoldrdn: 1\nnewsuperior: {BASE}\n"
        )
        assert ldap_sync.sync_now().ended == ["u0022"]
        slapd.change(
            f"dn: uid=gone,{BASE}\nchangetype: modrdn\nnewrdn: uid=u0022\ndeleteoldrdn: 1\nnewsuperior: {PEOPLE}\n"
        )
        assert api_login("u0022").status_code == 200
        assert User.objects.get(username="u0022").is_active

    def test_whom_an_administrator_disabled_stays_out(
        self, slapd: Slapd, people: list[User]
    ) -> None:
        people[3].is_active = False
        people[3].save()
        ldap_sync.sync_now()
        assert code(api_login(people[3].username)) == "account_disabled"

    def test_groups_are_read_again(self, slapd: Slapd, people: list[User]) -> None:
        inner = mapped("inner")
        slapd.change(
            f"dn: cn=inner,{GROUPS}\nchangetype: modify\nadd: member\nmember: uid=u0023,{PEOPLE}\n"
        )
        ldap_sync.sync_now()
        assert [u.username for u in inner.user_set.all()] == ["u0023"]
        slapd.change(
            f"dn: cn=inner,{GROUPS}\nchangetype: modify\ndelete: member\nmember: uid=u0023,{PEOPLE}\n"
        )
        ldap_sync.sync_now()
        assert not inner.user_set.exists()

    @pytest.mark.parametrize("how", ["down", "wrong base", "nobody matches", "hanging"])
    def test_an_error_takes_nobody(
        self,
        slapd: Slapd,
        people: list[User],
        settings: Settings,
        how: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        tokens = ApiToken.objects.count()
        if how == "down":
            settings.KUBECARRIER_LDAP_URL = ["ldaps://127.0.0.1:1"]
        elif how == "wrong base":
            Identity.objects.update(issuer=f"ldap:ou=nobody,{BASE}")
            settings.KUBECARRIER_LDAP_USER_BASE = f"ou=nobody,{BASE}"
        elif how == "nobody matches":
            settings.KUBECARRIER_LDAP_USER_FILTER = "(&(uid=%(user)s)(sn=Nobody))"
        else:
            monkeypatch.setattr(ldap_sync, "_SECONDS", 0.5)
            slapd.stop_answering()
        with pytest.raises(KubeCarrierError):
            ldap_sync.sync_now()
        assert User.objects.filter(is_active=False).count() == 0
        assert ApiToken.objects.count() == tokens
        row = DirectoryPass.objects.get()
        assert not row.succeeded
        assert row.said

    def test_a_sudden_shrinking_takes_nobody(
        self, slapd: Slapd, people: list[User], settings: Settings
    ) -> None:
        settings.KUBECARRIER_LDAP_USER_FILTER = "(&(uid=%(user)s)(!(uid=u002*)))"
        with pytest.raises(KubeCarrierError) as caught:
            ldap_sync.sync_now()
        assert (caught.value.code, caught.value.data["missing"]) == ("ldap_shrunk", 10)
        assert User.objects.filter(is_active=False).count() == 0
        settings.KUBECARRIER_LDAP_SHRINK_PERCENT = 99
        settings.KUBECARRIER_LDAP_USER_FILTER = "(&(uid=%(user)s)(!(uid=u0020)))"
        assert ldap_sync.sync_now().ended == ["u0020"]

    def test_by_schedule_once(self, slapd: Slapd, people: list[User]) -> None:
        assert ldap_sync.sync_due()
        assert ldap_sync.sync_if_due() is not None
        assert not ldap_sync.sync_due()
        assert ldap_sync.sync_if_due() is None
        row = DirectoryPass.objects.get()
        assert row.due_at > timezone.now() + timedelta(hours=23)

    def test_on_demand(self, slapd: Slapd, portal: Portal, capsys: Any, settings: Settings) -> None:
        ldap_sync.sync_if_due()
        assert portal.call("get", "ldap/sync")["succeeded"]
        portal.call("post", "ldap/sync", code=202)
        assert ldap_sync.sync_due()
        call_command("ldap_sync")
        assert f"{COUNT + len(ODD)} people" in capsys.readouterr().out
        settings.KUBECARRIER_LDAP_URL = ["ldaps://127.0.0.1:1"]
        with pytest.raises(CommandError, match="ldap_unreachable"):
            call_command("ldap_sync")

    def test_the_button_of_the_console(
        self, slapd: Slapd, admin_client: Client, settings: Settings
    ) -> None:
        listed = "/admin/accounts/identitymapping/"
        assert "It was not compared yet." in admin_client.get(listed).content.decode()
        assert admin_client.post(f"{listed}directory/").status_code == 302
        assert "Comparing" in admin_client.get(f"{listed}directory/").content.decode()
        assert ldap_sync.sync_if_due() is not None
        shown = admin_client.get(f"{listed}directory/").content.decode()
        assert f"{COUNT + len(ODD)} people there" in shown
        assert "access of 0 people ended" in shown
        settings.KUBECARRIER_LDAP_URL = ["ldaps://127.0.0.1:1"]
        admin_client.post(f"{listed}directory/")
        assert ldap_sync.sync_if_due() is None
        assert "ldap_unreachable" in admin_client.get(listed).content.decode()
        nobody = Client()
        nobody.force_login(User.objects.create_user("nobody"))
        assert nobody.post(f"{listed}directory/").status_code == 403
        assert nobody.get(f"{listed}directory/").status_code == 403
        assert "kc-directory" not in nobody.get(listed).content.decode()

    def test_off(self, portal: Portal) -> None:
        assert not ldap_sync.sync_due()
        portal.call("get", "ldap/sync", code=404)
        portal.call("post", "ldap/sync", code=400)
        with pytest.raises(CommandError):
            call_command("ldap_sync")


class TestAgain:
    """Between two passes: whoever is logged in or has a token is asked about each ten minutes."""

    @pytest.fixture
    def browser(self, slapd: Slapd) -> Client:
        client, _ = console_login("u0040", PASSWORD + "u0040")
        assert api_login("u0040").status_code == 200
        assert api_login("u0041").status_code == 200
        return client

    def due(self) -> int:
        Identity.objects.update(check_due_at=timezone.now())
        return ldap_rechecks.ldap_recheck_due()

    def gone(self, slapd: Slapd, name: str) -> None:
        slapd.change(
            f"dn: uid={name},{PEOPLE}\nchangetype: modrdn\nnewrdn: uid={name}\n"
            f"deleteoldrdn: 0\nnewsuperior: {BASE}\n"
        )

    def back(self, slapd: Slapd, name: str) -> None:
        slapd.change(
            f"dn: uid={name},{BASE}\nchangetype: modrdn\nnewrdn: uid={name}\n"
            f"deleteoldrdn: 0\nnewsuperior: {PEOPLE}\n"
        )

    def test_within_a_quarter_of_an_hour(self, slapd: Slapd, browser: Client) -> None:
        due_at = Identity.objects.get(user__username="u0040").check_due_at
        assert due_at is not None
        assert due_at <= timezone.now() + timedelta(minutes=15)
        assert not ldap_rechecks.ldap_rechecks_due()

    def test_who_is_gone_loses_sessions_and_tokens(self, slapd: Slapd, browser: Client) -> None:
        self.gone(slapd, "u0040")
        try:
            assert self.due() == 2
        finally:
            self.back(slapd, "u0040")
        assert browser.get("/admin/").status_code == 302
        assert not User.objects.get(username="u0040").is_active
        assert {token.user.username for token in ApiToken.objects.all()} == {"u0041"}
        entry = AuditEntry.objects.get(event="access-ended")
        assert entry.changes_text == "not in the directory any more"
        assert not ldap_rechecks.ldap_rechecks_due()

    def test_without_a_worker_the_request_asks(self, slapd: Slapd, browser: Client) -> None:
        Identity.objects.update(check_due_at=timezone.now())
        assert browser.get("/admin/").status_code == 200
        self.gone(slapd, "u0040")
        try:
            Identity.objects.update(check_due_at=timezone.now())
            assert browser.get("/admin/").status_code == 302
        finally:
            self.back(slapd, "u0040")

    def test_out_of_the_mapped_groups(self, slapd: Slapd, browser: Client) -> None:
        IdentityMapping.objects.all().delete()
        assert self.due() == 2
        assert browser.get("/admin/").status_code == 302
        assert not ApiToken.objects.exists()
        assert User.objects.get(username="u0040").is_active

    @pytest.mark.parametrize("how", ["down", "nobody matches", "hanging"])
    def test_an_error_takes_nobody(
        self, slapd: Slapd, browser: Client, settings: Settings, how: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        if how == "down":
            settings.KUBECARRIER_LDAP_URL = ["ldaps://127.0.0.1:1"]
        elif how == "nobody matches":
            settings.KUBECARRIER_LDAP_USER_FILTER = "(&(uid=%(user)s)(sn=Nobody))"
        else:
            monkeypatch.setattr(ldap_rechecks, "_SECONDS", 0.5)
            slapd.stop_answering()
        assert self.due() == 2
        assert browser.get("/admin/").status_code == 200
        assert ApiToken.objects.count() == 2

    def test_many_missing_at_once(self, slapd: Slapd, settings: Settings) -> None:
        for number in range(50, 56):
            api_login(f"u{number:04d}")
        settings.KUBECARRIER_LDAP_USER_FILTER = "(&(uid=%(user)s)(!(uid=u005*)))"
        assert self.due() == 6
        assert ApiToken.objects.count() == 6

    def test_off(self) -> None:
        assert not ldap_rechecks.ldap_rechecks_due()
        assert ldap_rechecks.ldap_recheck_due() == 0


def test_passwords_are_nowhere(slapd: Slapd) -> None:
    api_login("u0001")
    api_login("u0001", "canary-wrong")
    kept = str(list(AuditEntry.objects.values())) + str(list(Identity.objects.values()))
    assert "canary" not in kept
    assert BIND_PASSWORD not in repr(config())
