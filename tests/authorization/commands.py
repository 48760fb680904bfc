"""A row of the table on the command line: by the client itself, which asks the portal in this process."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, connections
from typer.testing import CliRunner, Result

from kubecarrier.cli.app import app
from tests.authorization.asking import live_object, live_parts, new_document
from tests.authorization.people import Person
from tests.authorization.table import PLACES, PLATFORM, Place, Role, Row, sees
from tests.authorization.world import World
from tests.portal import web_chart

Json = dict[str, Any]


class Portal(httpx2.BaseTransport):
    """The portal's own WSGI application, in the transaction of the world.

    A command asks several clusters at once, from threads. Each would have a connection of its own to
    the database, which sees nothing of a transaction; here they take turns with that of the test.
    """

    def __init__(self) -> None:
        self._wsgi = httpx2.WSGITransport(app=WSGIHandler())
        self._turn = threading.Lock()
        self._of_the_test = connection._connections[connection._alias]  # type: ignore[attr-defined]
        self._of_the_test.inc_thread_sharing()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        with self._turn:
            connections["default"] = self._of_the_test
            answer = self._wsgi.handle_request(request)
            answer.read()
            return answer

    def end(self) -> None:
        """The connection is the test's alone again."""
        self._of_the_test.dec_thread_sharing()


def run(line: list[str]) -> Result:
    """One command; nothing that it does closes the connection of the test."""
    for signal in (request_started, request_finished):  # Django's own client connects them
        signal.disconnect(close_old_connections)
    try:
        return CliRunner().invoke(app, line, input="another-token\n")
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def token_of(person: Person) -> str:
    """What the command shows at the door."""
    return person.token or "nobodys-token"


def line_of(row: Row, place: Place, name: str, folder: Path, world: World) -> list[str]:
    """The command line; what it names in braces and is a file is written."""
    given = {"name": name, "new": name, **live_parts(row, place, world)}
    given |= {key: getattr(place, key) for key in ("project", "cluster", "namespace")}
    given |= _files(row, place, name, folder, world)
    line = [part.format(**given) for part in row.path.split()]
    return [*line, "-o", "name"] if row.form == "list" else line


def _files(row: Row, place: Place, name: str, folder: Path, world: World) -> dict[str, str]:
    found: dict[str, str] = {}
    if "{file}" in row.path:
        head = {"apiVersion": "kubecarrier.io/v1", "kind": "Application"}
        found["file"] = _written(folder / "new.json", {**head, **new_document(row, place, name)})
    if "{stored}" in row.path:
        stored = world.portal.call("get", f"applications/{name}")
        found["stored"] = _written(folder / "stored.json", stored)
    if "{object}" in row.path:
        found["object"] = _written(folder / "object.json", live_object(place))
    if "{chart}" in row.path:
        file = folder / "web.tgz"
        file.write_bytes(web_chart("0.3.0"))
        found["chart"] = str(file)
    return found


def _written(file: Path, document: Json) -> str:
    file.write_text(json.dumps(document))
    return str(file)


def editor(folder: Path) -> str:
    """An editor that changes one thing in whatever it is given."""
    file = folder / "editor.py"
    file.write_text(
        "import sys, pathlib\n"
        "file = pathlib.Path(sys.argv[-1])\n"
        "text = file.read_text().replace('description: \\'\\'', 'description: edited')\n"
        "file.write_text(text.replace('a: b', 'a: edited'))\n"
    )
    return f"{sys.executable} {file}"


def listed_wrong(role: Role, row: Row, output: str, world: World) -> list[str]:
    """What a list prints of the world, against what this role sees."""
    assert row.sort is not None
    known = world.names.of(row.sort)
    printed = {line.strip().rpartition("/")[2] for line in output.splitlines()}
    shown = printed & set(known.values())
    seen = {at for at in known if sees(role, row.sort, PLACES.get(at, PLATFORM))}
    wanted = {known[at] for at in seen}
    return [] if shown == wanted else [f"{role.name} lists {sorted(shown)}, sees {sorted(wanted)}"]
