"""Controls of the threat model (docs/security.md) that belong to no kind."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password"


def test_passwords_cannot_be_guessed(settings: Any) -> None:
    """After ten failures of one name and address even the right password is refused."""
    settings.AXES_ENABLED = True
    User.objects.create_user("ann", password=PASSWORD, is_staff=True)

    def login(password: str) -> int:
        body = {"username": "ann", "password": password}
        return APIClient().post("/api/v1/auth/login", body, format="json").status_code

    for number in range(settings.AXES_FAILURE_LIMIT):
        assert login(f"wrong-{number}") in {401, 403, 429}
    assert login(PASSWORD) != 200


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/"])
def test_pages_are_not_framed_and_load_nothing_foreign(admin_user: User, path: str) -> None:
    client = Client()
    client.force_login(admin_user)
    response = client.get(path)
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    rules = dict(
        part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";")
    )
    assert rules["frame-ancestors"] == "'none'"
    assert rules["object-src"] == "'none'"
    assert rules["default-src"] == "'self'"
    assert "http" not in rules["script-src"]
