"""How to reach one API server: a value, rebuilt by us, that never shows its secrets.

A kubeconfig is a program, not data. `fleet.kubeconfig` reads the few harmless
fields of it into this value; the doors (`fleet.kube`, `apps.helm`) take nothing
else.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography import x509


@dataclass(frozen=True, slots=True)
class Connection:
    """An API server and one identity on it.

    `server` is `https://host[:port][/path]`. `ca_pem` None means the machine's
    own trust store. `address` is the IP address that a guard has already
    checked: the door connects to it and nowhere else, while TLS still verifies
    the host name (a DNS answer that changes afterwards changes nothing).
    `insecure` switches certificate checks off and must be shown wherever the
    cluster is shown. `cluster_uid` is the UID of the kube-system namespace that must
    be there, once it is known: the doors write to no other cluster.
    """

    server: str
    ca_pem: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    client_cert_pem: str | None = field(default=None, repr=False)
    client_key_pem: str | None = field(default=None, repr=False)
    tls_server_name: str | None = None
    insecure: bool = False
    address: str | None = None
    cluster_uid: str = field(default="", compare=False)

    @property
    def host(self) -> str:
        """Host of `server`: a name, an IPv4 or a bare IPv6 address."""
        return urlsplit(self.server).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.server).port or 443

    @property
    def base_path(self) -> str:
        """Path in front of `/api`, without a slash at its end (proxies such as Rancher's)."""
        return urlsplit(self.server).path.rstrip("/")

    @property
    def verified_name(self) -> str:
        """The name the server's certificate must carry."""
        return self.tls_server_name or self.host

    def secrets(self) -> tuple[str, ...]:
        """Every value that must appear in no log, error or file name."""
        return tuple(value for value in (self.token, self.client_key_pem) if value)


def credential_expiry(connection: Connection) -> datetime | None:
    """When the credential stops working: the earlier of certificate and token; None: unknown.

    A token's `exp` is read without verification: it only says when to warn.
    """
    ends = [_certificate_end(connection.client_cert_pem), _token_end(connection.token)]
    return min((end for end in ends if end is not None), default=None)


def _certificate_end(pem: str | None) -> datetime | None:
    if not pem:
        return None
    try:
        return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    except ValueError:
        return None


def _token_end(token: str | None) -> datetime | None:
    claims = _jwt_claims(token or "")
    end = claims.get("exp")
    if isinstance(end, bool) or not isinstance(end, int | float):
        return None
    with suppress(OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(end, tz=UTC)
    return None


def token_subject(connection: Connection) -> str:
    """Whom the token says it is of, unverified: `system:serviceaccount:<namespace>:<name>`, or ""."""
    return str(_jwt_claims(connection.token or "").get("sub") or "")


def secret_of(connection: Connection) -> str:
    """The Secret that a service account's token is in, by its own word, unverified; "" for none."""
    claims = _jwt_claims(connection.token or "")
    return str(claims.get("kubernetes.io/serviceaccount/secret.name") or "")


def _jwt_claims(token: str) -> dict[str, Any]:
    """Claims of a JWT (RFC 7519), unverified; empty when it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
