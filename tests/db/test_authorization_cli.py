"""Who may do what on the command line: every command of tests/authorization.yaml, by the client itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from typer.testing import CliRunner

from kubecarrier.cli import listing, waiting
from kubecarrier.cli.app import app
from tests.authorization.table import PLACES, PLATFORM, ROLES, Place, Role, Row, sees
from tests.authorization.undone import undone
from tests.authorization.ways import COMMAND_ROLES, command_rows, exit_code
from tests.authorization.world import World
from tests.portal import web_chart

pytestmark = pytest.mark.django_db
ROWS = list(command_rows())
AT = ("own", "other project", "platform")


@pytest.fixture(autouse=True)
def _portal(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command talks to the portal's own WSGI application, in the transaction of the world."""
    transport = httpx2.WSGITransport(app=WSGIHandler())
    monkeypatch.setattr(httpx2, "Client", partial(httpx2.Client, transport=transport))
    monkeypatch.setenv("KUBECARRIER_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("EDITOR", f"{sys.executable} {_editor(tmp_path)}")
    monkeypatch.setattr(waiting, "FIRST_POLL_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "LONGEST_POLL_SECONDS", 0.02)
    monkeypatch.setattr(listing, "_FIRST_PAUSE", 0.01)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def _editor(folder: Path) -> Path:
    """Puts one more line into whatever it is given."""
    file = folder / "editor.py"
    file.write_text(
        "import sys, pathlib\n"
        "file = pathlib.Path(sys.argv[-1])\n"
        "text = file.read_text()\n"
        "file.write_text(text.replace('description: \\'\\'', 'description: edited'))\n"
    )
    return file


def files(row: Row, place: Place, name: str, folder: Path, world: World) -> dict[str, str]:
    """What a command line names in braces and is a file."""
    found: dict[str, str] = {}
    if "{file}" in row.path and row.sort is not None:
        text = json.dumps(row.sort.new)
        for key in ("project", "cluster", "namespace"):
            text = text.replace(f"{{{key}}}", getattr(place, key))
        document = json.loads(text)
        document["metadata"] = {"name": name, **document.get("metadata", {})}
        document = {"apiVersion": "kubecarrier.io/v1", "kind": "Application", **document}
        found["file"] = _written(folder / "new.json", json.dumps(document))
    if "{stored}" in row.path:
        stored = world.portal.call("get", f"applications/{name}")
        found["stored"] = _written(folder / "stored.json", json.dumps(stored))
    if "{object}" in row.path:
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "b"}}
        found["object"] = _written(folder / "object.json", json.dumps(obj))
    if "{chart}" in row.path:
        file = folder / "web.tgz"
        file.write_bytes(web_chart("0.3.0"))
        found["chart"] = str(file)
    return found


def _written(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)


def cases(row: Row, world: World) -> Iterator[tuple[Role, Place, str]]:
    listed = [(place, name) for place, name in row.places(world.names) if place.name in AT]
    for number, (place, name) in enumerate(listed):
        for role in [ROLES["project admin"]] if number else COMMAND_ROLES:
            yield role, place, name


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_command(row: Row, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each role at each place ends as the table says; a refusal has a code."""
    wrong = []
    for role, place, name in cases(row, world):
        monkeypatch.setenv("KUBECARRIER_TOKEN", world.people[role.name].token or "nobodys-token")
        given = {"name": name, "new": name, **files(row, place, name, tmp_path, world)}
        for key in ("project", "cluster", "namespace"):
            given[key] = getattr(place, key)
        line = [part.format(**given) for part in row.path.split()]
        if row.form == "list":
            line += ["-o", "name"]
        with undone():
            for signal in (request_started, request_finished):  # Django's own client connects them
                signal.disconnect(close_old_connections)
            done = CliRunner().invoke(app, line, input="another-token\n")
        wanted = exit_code(role, row, place)
        said = f"{role.name} at {place.name} ({name}): {' '.join(line)}: {done.exit_code}"
        if done.exit_code != wanted:
            wrong.append(f"{said} for {wanted}: {done.output[:110]!r} {done.exception!r}")
        elif wanted in {3, 4} and "error: " not in done.output:
            wrong.append(f"{said} says no error: {done.output[:80]!r}")
        elif row.form == "list" and wanted == 0:
            wrong += listed_wrong(role, row, done.stdout, world)
    assert not wrong, "\n".join(["", *wrong])


def listed_wrong(role: Role, row: Row, output: str, world: World) -> list[str]:
    """What a list prints of the world, against what this role sees."""
    assert row.sort is not None
    known = world.names.of(row.sort)
    printed = {line.strip().rpartition("/")[2] for line in output.splitlines()}
    shown = printed & set(known.values())
    seen = {at for at in known if sees(role, row.sort, PLACES.get(at, PLATFORM))}
    wanted = {known[at] for at in seen}
    return [] if shown == wanted else [f"{role.name} lists {sorted(shown)}, sees {sorted(wanted)}"]
