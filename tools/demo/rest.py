"""The portal's public API, as far as the demo uses it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Final

from tools.demo.errors import DemoError

Json = dict[str, Any]

_SECONDS: Final = 60.0
#: The portal is on this machine: never through a proxy.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RefusedError(DemoError):
    """The portal answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Rest:
    """Requests with an API token; raises RefusedError, DemoError."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self._token = token

    def get(self, path: str) -> Json:
        return self._call("GET", path, b"", "")

    def find(self, path: str) -> Json | None:
        """None when it is not there."""
        try:
            return self.get(path)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def send(self, method: str, path: str, body: Json) -> Json:
        return self._call(method, path, json.dumps(body).encode(), "application/json")

    def upload(self, path: str, archive: bytes) -> Json:
        return self._call("POST", path, archive, "application/gzip")

    def ready(self) -> bool:
        """Whether every part of the portal works."""
        try:
            with _DIRECT.open(f"{self.url}/readyz", timeout=_SECONDS) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def _call(self, method: str, path: str, body: bytes, type_: str) -> Json:
        request = urllib.request.Request(  # noqa: S310 - http on this machine
            f"{self.url}/api/v1/{path}", data=body or None, method=method
        )
        request.add_header("Accept", "application/json")
        if type_:
            request.add_header("Content-Type", type_)
        if self._token:
            request.add_header("Authorization", f"Token {self._token}")
        try:
            with _DIRECT.open(request, timeout=_SECONDS) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
            raise RefusedError(
                error.code, f"{method} {path}: {error.code} {_message(said)}"
            ) from error
        except OSError as error:
            raise DemoError(f"the portal does not answer: {error}") from error
        return dict(json.loads(text)) if text else {}


def _message(text: str) -> str:
    """What the portal's error says."""
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
