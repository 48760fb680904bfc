"""The smallest client of the Kubernetes API: enough to set a cluster up and look at it.

Not the product's client on purpose: tests of that one must not trust their own subject.
"""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any, Final

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.ports import LOOPBACK

TIMEOUT_SECONDS: Final = 10.0
_CONFLICT: Final = 409


class Api:
    """Requests to one API server with a client certificate, one connection per request."""

    def __init__(self, *, port: int, ca_pem: str, certificate: Path, key: Path) -> None:
        self._port = port
        self._tls = ssl.create_default_context(cadata=ca_pem)
        self._tls.load_cert_chain(certificate, key)

    def ready(self) -> bool:
        """Does /readyz answer 200? Any failure to connect counts as not ready."""
        try:
            return self._send("GET", "/readyz", None)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str) -> dict[str, Any]:
        return self._expect("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._expect("POST", path, body)

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._expect("PUT", path, body)

    def delete(self, path: str) -> dict[str, Any]:
        return self._expect("DELETE", path, None)

    def create(self, path: str, body: dict[str, Any]) -> None:
        """Create `body` in the collection `path`; one that exists already stays as it is."""
        status, answer = self._send("POST", path, body)
        if status >= 300 and status != _CONFLICT:
            raise _refused("POST", path, status, answer)

    def _expect(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            status, answer = self._send(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise ControlPlaneError(f"{method} {path}: {error}") from error
        if status >= 300:
            raise _refused(method, path, status, answer)
        content: dict[str, Any] = json.loads(answer)
        return content

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(
            LOOPBACK, self._port, timeout=TIMEOUT_SECONDS, context=self._tls
        )
        try:
            payload = None if body is None else json.dumps(body).encode()
            connection.request(method, path, payload, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _refused(method: str, path: str, status: int, answer: bytes) -> ControlPlaneError:
    return ControlPlaneError(f"{method} {path}: {status} {answer.decode(errors='replace')[:500]}")
