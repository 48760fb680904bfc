"""Passwords of local accounts: how they are kept, and which ones are taken."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from kubecarrier.settings import security

pytestmark = pytest.mark.django_db
_GOOD = "correct horse battery"
WRONG = {
    "short": "s3cret-pass",
    "common": "password1234",
    "a number": "8305926174035",
    "the name": "eve.adamson.1",
}


@pytest.fixture(autouse=True)
def _as_installed(settings: Settings) -> None:
    """The tests hash quickly otherwise."""
    settings.PASSWORD_HASHERS = security.PASSWORD_HASHERS


def api_login(password: str) -> int:
    body = {"username": "eve", "password": password}
    return APIClient().post("/api/v1/auth/login", body, format="json").status_code


def test_kept_by_argon2() -> None:
    user = User.objects.create_user("eve", password=_GOOD, is_staff=True)
    assert user.password.startswith("argon2$argon2id$")
    assert _GOOD not in user.password
    assert (api_login(_GOOD), api_login(_GOOD.upper())) == (200, 401)


def test_an_older_hash_is_made_anew_at_the_login() -> None:
    user = User.objects.create_user("eve", is_staff=True)
    user.password = make_password(_GOOD, hasher="pbkdf2_sha256")
    user.save()
    assert api_login("wrong") == 401
    user.refresh_from_db()
    assert user.password.startswith("pbkdf2_sha256$")
    assert api_login(_GOOD) == 200
    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$")


@pytest.mark.parametrize("why", sorted(WRONG))
class TestWeak:
    def test_for_a_new_person(self, admin_client: Client, why: str) -> None:
        given = {"username": "eve.adamson", "usable_password": "true"}
        for password, status in ((WRONG[why], 200), (_GOOD, 302)):
            form = {**given, "password1": password, "password2": password}
            answer = admin_client.post("/admin/accounts/user/add/", form)
            assert answer.status_code == status, answer.content
            assert User.objects.filter(username="eve.adamson").exists() is (status == 302)

    def test_as_ones_own(self, why: str) -> None:
        user = User.objects.create_user("eve.adamson", password=_GOOD, is_staff=True)
        client = Client()
        client.force_login(user)
        form = {"old_password": _GOOD, "new_password1": WRONG[why], "new_password2": WRONG[why]}
        assert client.post("/admin/password_change/", form).status_code == 200
        user.refresh_from_db()
        assert user.check_password(_GOOD)
