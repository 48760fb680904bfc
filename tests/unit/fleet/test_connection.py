"""A connection keeps its secrets to itself and knows when they end."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from fleet.connection import Connection, credential_expiry

from .pki import identity

TOKEN = "canary-token-0123456789"


def jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


def test_repr_shows_no_secret() -> None:
    admin = identity()
    connection = Connection(
        "https://a.example", token=TOKEN, client_cert_pem=admin.cert, client_key_pem=admin.key
    )
    assert TOKEN not in repr(connection)
    assert "PRIVATE" not in repr(connection)
    assert connection.secrets() == (TOKEN, admin.key)


@pytest.mark.parametrize(
    ("server", "host", "port", "path"),
    [
        ("https://a.example", "a.example", 443, ""),
        ("https://a.example:6443", "a.example", 6443, ""),
        ("https://a.example/k8s/clusters/c-1", "a.example", 443, "/k8s/clusters/c-1"),
        ("https://[2001:db8::1]:6443", "2001:db8::1", 6443, ""),
    ],
)
def test_parts_of_the_server(server: str, host: str, port: int, path: str) -> None:
    connection = Connection(server)
    assert (connection.host, connection.port, connection.base_path) == (host, port, path)


def test_certificate_and_token_expiry_the_earlier_counts() -> None:
    admin = identity()
    early = datetime(2026, 6, 2, tzinfo=UTC)
    connection = Connection(
        "https://a.example",
        token=jwt(exp=early.timestamp()),
        client_cert_pem=admin.cert,
        client_key_pem=admin.key,
    )
    assert credential_expiry(connection) == early


@pytest.mark.parametrize(
    "token", [TOKEN, "a.b.c", jwt(), jwt(exp="soon"), jwt(exp=True), jwt(exp=1e30), "..", ""]
)
def test_tokens_that_do_not_say(token: str) -> None:
    assert credential_expiry(Connection("https://a.example", token=token)) is None
