"""An issuer of our own that answers whatever a test wants: each wrong token, and silence."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT_ID = "kubecarrier"
ACCESS_TOKEN = "access-token-of-ana"
Json = dict[str, Any]


def half_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Issuer:
    """Keys, claims, and answers that a test may replace."""

    def __init__(self) -> None:
        self.url = ""
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.ec384 = ec.generate_private_key(ec.SECP384R1())
        self.nonce = ""
        self.requests: list[tuple[str, Json]] = []
        self.authorizations: list[str] = []
        self.kids = ["r1", "e1"]
        self.token_answer: Callable[[Json], tuple[int, Any]] = self.good
        self.userinfo: Json | None = None
        self.discovery: Json = {}
        self.hangs = threading.Event()
        self.hanging: set[str] = set()

    def keys(self) -> list[Json]:
        listed: list[Json] = [
            {**RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True), "kid": "r1", "use": "sig"},
            {**ECAlgorithm.to_jwk(self.ec.public_key(), as_dict=True), "kid": "e1", "use": "sig"},
            {
                **ECAlgorithm.to_jwk(self.ec384.public_key(), as_dict=True),
                "kid": "e3",
                "use": "sig",
            },
            {
                **RSAAlgorithm.to_jwk(self.other.public_key(), as_dict=True),
                "kid": "r2",
                "use": "sig",
            },
        ]
        return [key for key in listed if key["kid"] in self.kids]

    def public_pem(self) -> str:
        return (
            self.rsa.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def claims(self, **more: Any) -> Json:
        now = int(time.time())
        found = {
            "iss": self.url, "aud": CLIENT_ID, "sub": "subject-1", "iat": now, "exp": now + 300,
            "nonce": self.nonce, "preferred_username": "ana", "email": "ana@example.org",
            "groups": ["platform"], "sid": "sid-1", **more,
        }  # fmt: skip
        return {key: value for key, value in found.items() if value is not ...}

    def sign(
        self, claims: Json, *, key: Any = None, alg: str = "RS256", kid: Any = "r1", **header: Any
    ) -> str:
        head = {**({"kid": kid} if kid is not None else {}), **header}
        return jwt.encode(claims, key if key is not None else self.rsa, algorithm=alg, headers=head)

    def good(self, form: Json) -> tuple[int, Any]:
        claims = self.claims()
        if form.get("grant_type") == "refresh_token":
            claims.pop("nonce")
        return self.answer(self.sign(claims))

    def answer(self, id_token: Any) -> tuple[int, Any]:
        return 200, {
            "id_token": id_token, "access_token": ACCESS_TOKEN, "token_type": "Bearer",
            "refresh_token": f"refresh-{len(self.requests)}",
        }  # fmt: skip

    def metadata(self) -> Json:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/end",
            **self.discovery,
        }

    def respond(self, path: str, form: Json) -> tuple[int, Any]:
        self.requests.append((path, form))
        if path in self.hanging:
            self.hangs.wait(30)
        match path:
            case "/.well-known/openid-configuration":
                return 200, self.metadata()
            case "/jwks":
                return 200, {"keys": self.keys()}
            case "/token":
                return self.token_answer(form)
            case "/userinfo":
                return (200, self.userinfo) if self.userinfo else (404, {})
        return 404, {}

    def asked(self, path: str) -> list[Json]:
        return [form for at, form in self.requests if at == path]


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        self._send(*self.issuer.respond(self.path, {}))

    def do_POST(self) -> None:
        self.issuer.authorizations.append(self.headers.get("Authorization") or "")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._send(*self.issuer.respond(self.path, dict(parse_qsl(raw))))

    def _send(self, status: int, body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
        except (BrokenPipeError, ConnectionResetError):
            return  # the portal did not wait

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@contextmanager
def running() -> Iterator[Issuer]:
    """The issuer on a free port of this machine."""
    issuer = Issuer()
    handler = type("Handler", (_Handler,), {"issuer": issuer})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield issuer
        finally:
            issuer.hangs.set()
            server.shutdown()
            thread.join()
