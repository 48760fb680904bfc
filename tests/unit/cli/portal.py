"""A small real HTTP server that speaks the API's contract from canned documents.

It stands in for the portal only because the same contract is tested against
the real one in tests/db/test_api_contract.py: what is asserted here about the
server's side must be asserted there too.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TOKEN = "token-of-ana"

COLUMNS = [
    {"name": "Name", "path": "metadata.name", "type": "string", "priority": 0},
    {"name": "Ready", "path": "status.ready", "type": "ready", "priority": 0},
    {"name": "Labels", "path": "metadata.labels", "type": "string", "priority": 1},
    {"name": "Age", "path": "metadata.createdAt", "type": "date", "priority": 0},
]
SCHEMA = {
    "type": "object",
    "required": ["chart"],
    "properties": {
        "chart": {"type": "string", "description": "repository/chart"},
        "values": {"type": "string", "description": "Values of the chart, as YAML."},
        "onFailure": {"type": "string", "enum": ["keep", "remove"], "default": "keep"},
        "placement": {
            "type": "object",
            "description": "Where it runs.",
            "properties": {
                "clusters": {"type": "array", "items": {"type": "string"}},
                "overrides": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Over"}},
            },
        },
    },
    "$defs": {"Over": {"type": "object", "properties": {"values": {"type": "string"}}}},
}
READ = ["list", "get", "watch"]
WRITE = [*READ, "apply", "patch", "delete"]


def _kind(kind: str, plural: str, short: str, verbs: list[str]) -> dict[str, Any]:
    return {
        "kind": kind,
        "plural": plural,
        "singular": kind.lower(),
        "shortNames": [short] if short else [],
        "description": f"What a {kind} is.",
        "verbs": verbs,
        "actions": [],
        "columns": COLUMNS,
        "schema": SCHEMA,
    }


KINDS = [
    _kind("Cluster", "clusters", "cl", WRITE),
    _kind("ChartRepository", "repositories", "repo", WRITE),
    _kind("Chart", "charts", "", READ),
    _kind("Application", "applications", "app", WRITE),
    _kind("Release", "releases", "rel", READ),
    _kind("Operation", "operations", "op", READ),
    _kind("Node", "nodes", "", READ),
    _kind("Namespace", "namespaces", "", READ),
]


def document(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """A document whose present generation was observed and is ready."""
    return {
        "apiVersion": "kubecarrier.io/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "labels": {"env": "prod"},
            "generation": 2,
            "createdAt": "2020-01-01T00:00:00Z",
            **more.get("metadata", {}),
        },
        "spec": more.get("spec", {}),
        "status": {"ready": "True", "observedGeneration": 2, **more.get("status", {})},
    }


@dataclass
class Reply:
    """A canned answer; `body` bytes are sent as they are."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """One request the server got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON that was sent, or None."""
        return json.loads(self.raw) if self.raw else None


class Portal:
    """Documents by plural and name; `replies` overrule them per `METHOD /path`."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, dict[str, Any]]] = {k["plural"]: {} for k in KINDS}
        self.replies: dict[str, list[Reply]] = {}
        # One list of changes per stream; after the last, streams stay open.
        self.events: list[list[Any]] = []
        self.hang_after_events = threading.Event()
        self.seen: list[Seen] = []
        self.url = ""

    def add(self, plural: str, *documents: dict[str, Any]) -> None:
        """Store documents."""
        for each in documents:
            self.documents[plural][each["metadata"]["name"]] = each

    def on(self, request: str, *replies: Reply) -> None:
        """Answer `METHOD /path` so; of several, each once and the last for ever."""
        self.replies[request] = list(replies)

    def requests(self, method: str, path: str = "") -> list[Seen]:
        """What was asked, in order."""
        return [s for s in self.seen if s.method == method and (not path or s.path == path)]

    def answer(self, seen: Seen) -> Reply:
        """The contract, in small."""
        self.seen.append(seen)
        if canned := self.replies.get(f"{seen.method} {seen.path}"):
            return canned.pop(0) if len(canned) > 1 else canned[0]
        if seen.path == "/auth/login":
            return self._login(seen)
        if seen.headers.get("authorization") != f"Token {TOKEN}":
            return error(401, "not_authenticated", "Your token is not valid.")
        fixed = {
            "/kinds": Reply(body={"items": KINDS}),
            "/whoami": Reply(body={"username": "ana", "isSuperuser": False}),
            "/auth/logout": Reply(204),
        }
        return fixed.get(seen.path) or self._documents(seen)

    def _login(self, seen: Seen) -> Reply:
        if seen.body["password"] != "correct":
            return error(401, "login_failed", "The name or the password is wrong.")
        return Reply(body={"token": TOKEN, "expiry": None})

    def _documents(self, seen: Seen) -> Reply:
        plural, *rest = seen.path.strip("/").split("/")
        rows = self.documents.get(plural)
        if rows is None or len(rest) > 1:
            return error(404, "not_found", "Not found.")
        if rest:
            return self._one(rows, seen, unquote(rest[0]))
        if seen.method == "POST":
            return self._put(rows, seen, seen.body["metadata"]["name"], create=True)
        return self._page(plural, rows, seen)

    def _one(self, rows: dict[str, Any], seen: Seen, name: str) -> Reply:
        if seen.method == "PUT" or (seen.method == "PATCH" and name in rows):
            return self._put(rows, seen, name, create=False)
        if name not in rows:
            return error(404, "not_found", f"There is no “{name}”.")
        if seen.method == "DELETE":
            return Reply(202, rows[name] if seen.query.get("dryRun") else rows.pop(name))
        return Reply(200, rows[name], {"ETag": '"uid.2"'})

    def _page(self, plural: str, rows: dict[str, Any], seen: Seen) -> Reply:
        start, limit = int(seen.query.get("continue", 0)), int(seen.query.get("limit", 50))
        items = sorted(rows.values(), key=lambda row: str(row["metadata"]["name"]))
        if application := seen.query.get("application"):
            items = [i for i in items if i["metadata"]["name"].startswith(f"{application}.")]
        more = str(start + limit) if len(items) > start + limit else None
        return Reply(
            body={
                "apiVersion": "kubecarrier.io/v1",
                "kind": f"{plural}List",
                "metadata": {"continue": more},
                "items": items[start : start + limit],
            }
        )

    def _put(self, rows: dict[str, Any], seen: Seen, name: str, *, create: bool) -> Reply:
        if create and name in rows:
            return error(409, "exists", f"“{name}” exists already.", field="metadata.name")
        spec = seen.body.get("spec") or {}
        if "bad" in spec:
            return error(
                400, "field_unknown", "Unknown field.", field="spec.bad", hint="Remove it."
            )
        before = rows.get(name)
        if seen.method == "PATCH" and before:
            spec = {**before["spec"], **spec}
        result = "created" if before is None else "configured"
        result = "unchanged" if before and before["spec"] == spec else result
        kind = next(k["kind"] for k in KINDS if self.documents[k["plural"]] is rows)
        row = document(kind, name, spec=spec)
        if not seen.query.get("dryRun"):
            rows[name] = row
        status = {"created": 201, "configured": 202, "unchanged": 200}[result]
        return Reply(status, row, {"X-KubeCarrier-Result": result})


def error(status: int, code: str, message: str, **more: Any) -> Reply:
    """An error in the portal's one form."""
    inner = {"code": code, "message": message, "requestId": "req-1234", "data": {}, **more}
    return Reply(status, {"error": inner})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    portal: Portal

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self._chunks() if self.headers.get("Transfer-Encoding") else self.rfile.read(length)
        headers = {key.lower(): value for key, value in self.headers.items()}
        path = parts.path.removeprefix("/api/v1")
        seen = Seen(self.command, path, dict(parse_qsl(parts.query)), headers, raw)
        if seen.query.get("watch"):
            self._stream(seen)
        else:
            self._send(self.portal.answer(seen))

    # The names that http.server looks for.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, reply: Reply) -> None:
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        raw = b"" if reply.body is None else raw
        self.send_response(reply.status)
        for key, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(key, value)
        self.send_header("X-Request-ID", "req-header")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self, seen: Seen) -> None:
        self.portal.seen.append(seen)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for change in self.portal.events.pop(0) if self.portal.events else []:
            self.wfile.write(f"event: change\ndata: {json.dumps(change)}\n\n".encode())
        self.wfile.flush()
        if not self.portal.events:
            self.portal.hang_after_events.wait(20)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@contextmanager
def running() -> Iterator[Portal]:
    """A portal on a free port of this machine."""
    portal = Portal()
    handler = type("Handler", (_Handler,), {"portal": portal})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    portal.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield portal
    finally:
        portal.hang_after_events.set()
        server.shutdown()
        server.server_close()
        thread.join()
