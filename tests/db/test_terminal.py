"""`kubecarrier login`, `whoami` and `logout` as processes, for people of a directory and of a provider.

The code is confirmed in a browser's session, however one logs in there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ApiToken, Identity, IdentityMapping, User
from accounts.oidc import provider as door
from accounts.services import ldap_rechecks, rechecks
from tests import oidc_provider, slapd

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
_CODE = re.compile(r"confirm the code ([A-Z]{4}-[A-Z]{4})")
Leave = Callable[[], None]


@pytest.fixture
def directory(tmp_path: Path, settings: Settings) -> Iterator[tuple[Client, Leave]]:
    """In by LDAP; and out of the directory."""
    with slapd.running(tmp_path) as found:
        settings.KUBECARRIER_LDAP_URL = [found.ldaps]
        settings.KUBECARRIER_LDAP_CA_FILE = str(found.ca_file)
        settings.KUBECARRIER_LDAP_BIND_DN = slapd.BIND_DN
        settings.KUBECARRIER_LDAP_BIND_PASSWORD = slapd.BIND_PASSWORD
        settings.KUBECARRIER_LDAP_USER_BASE = slapd.PEOPLE
        settings.KUBECARRIER_LDAP_GROUP_BASE = slapd.GROUPS
        _mapped("ldap", "outer")
        client = Client()
        given = {"username": "u0001", "password": f"{slapd.PASSWORD}u0001"}
        assert client.post("/admin/login/", given).status_code == 302

        def leave() -> None:
            found.delete(f"uid=u0001,{slapd.PEOPLE}")
            Identity.objects.update(check_due_at=timezone.now())
            assert ldap_rechecks.ldap_recheck_due() == 1

        yield client, leave


@pytest.fixture
def provider(settings: Settings) -> Iterator[tuple[Client, Leave]]:
    """In by OIDC; and away from the provider."""
    with oidc_provider.running("http://testserver/oidc/callback") as found:
        settings.KUBECARRIER_OIDC_ISSUER = found.url
        settings.KUBECARRIER_OIDC_CLIENT_ID = oidc_provider.CLIENT_ID
        settings.KUBECARRIER_OIDC_CLIENT_SECRET = oidc_provider.CLIENT_SECRET
        door.forget()
        _mapped("oidc", "platform")
        client = Client()
        there = client.get("/oidc/login")["Location"]
        back = found.log_in(there, "ana").removeprefix("http://testserver")
        assert client.get(back).status_code == 302

        def leave() -> None:
            found.switch("gone", "ana")
            Identity.objects.update(check_due_at=timezone.now())
            assert rechecks.recheck_due() == 1

        yield client, leave
        door.forget()


def _mapped(source: str, value: str) -> None:
    group = Group.objects.create(name="team")
    IdentityMapping.objects.create(name="m", source=source, value=value, group=group)


@pytest.mark.parametrize("way", ["directory", "provider"])
def test_in_and_out_again(
    request: pytest.FixtureRequest, live_server: Any, tmp_path: Path, way: str
) -> None:
    client, leave = request.getfixturevalue(way)
    name = User.objects.get().username

    def command(*args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "kubecarrier.cli", *args],
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "NO_COLOR": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def done(child: subprocess.Popen[str]) -> tuple[int, str]:
        out, said = child.communicate(timeout=60)
        return child.returncode, out + said

    def let_in() -> None:
        child = command("login", live_server.url, "--scope", "read-only")
        said = ""
        while not _CODE.search(said):
            line = child.stderr.readline() if child.stderr else ""
            assert line, said
            said += line
        found = _CODE.search(said)
        assert found
        assert client.post("/device", {"code": found[1], "answer": "approve"}).status_code == 302
        code, out = done(child)
        assert code == 0, out

    assert done(command("whoami"))[0] == 4
    let_in()
    assert done(command("whoami")) == (0, f"{name}\n")
    assert ApiToken.objects.get().scopes == ["read-only"]
    assert done(command("logout"))[0] == 0
    assert not ApiToken.objects.exists()
    assert done(command("whoami"))[0] == 4
    let_in()
    leave()
    assert not ApiToken.objects.exists()
    code, said = done(command("whoami"))
    assert code == 4, said
