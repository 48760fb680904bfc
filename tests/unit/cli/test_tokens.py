"""token: list, create, revoke."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import Portal, Reply, document

ID = "5f0c1c3e-6d0b-4a4e-9d0b-2f5c8a1b7e11"
OTHER = "6f0c1c3e-6d0b-4a4e-9d0b-2f5c8a1b7e11"


def token(name: str = ID, title: str = "ci") -> dict[str, Any]:
    return document("ApiToken", name, status={"title": title, "expiresAt": "2030-01-01T00:00:00Z"})


def page(*documents: dict[str, Any]) -> Reply:
    return Reply(body={"metadata": {"continue": None}, "items": list(documents)})


def test_create_prints_the_secret_alone(portal: Portal, run: Run) -> None:
    portal.on("POST /apitokens", Reply(201, {"token": "kc_secret", "object": token()}))
    result = run(
        "token", "create", "ci", "--scope", "read-only", "--network", "10.0.0.0/8",
        "--expires", "30d", "--service-account", "bot",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, "kc_secret\n")
    assert "2030-01-01" in result.stderr
    (sent,) = portal.requests("POST", "/apitokens")
    assert sent.body == {
        "title": "ci",
        "scopes": ["read-only"],
        "networks": ["10.0.0.0/8"],
        "lifetimeSeconds": 30 * 86400,
        "serviceAccount": "bot",
    }


@pytest.mark.parametrize("wrong", ["30", "d", "1y", "-1d", "1.5h"])
def test_a_lifetime_has_a_unit(portal: Portal, run: Run, wrong: str) -> None:
    assert run("token", "create", "ci", f"--expires={wrong}").exit_code == 2
    assert portal.requests("POST") == []


def test_revoke_by_id_or_by_the_only_title(portal: Portal, run: Run) -> None:
    portal.on(f"DELETE /apitokens/{ID}", Reply(202, token()))
    assert run("token", "revoke", ID, "-y").exit_code == 0
    portal.on("GET /apitokens", page(token()))
    assert run("token", "revoke", "ci", "-y").exit_code == 0
    assert len(portal.requests("DELETE", f"/apitokens/{ID}")) == 2
    portal.on("GET /apitokens", page(token(), token(OTHER)))
    result = run("token", "revoke", "ci", "-y")
    assert (result.exit_code, OTHER in result.stderr) == (2, True)
    portal.on("GET /apitokens", page())
    assert run("token", "revoke", "ci", "-y").exit_code == 3


def test_revoking_asks(portal: Portal, run: Run) -> None:
    assert run("token", "revoke", ID).exit_code == 2
    assert portal.requests("DELETE") == []
