"""Who may do what on the command line: every command of tests/authorization.yaml, by the client itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from accounts.models import AuditEntry, Binding
from kubecarrier.cli import listing, waiting
from tests.authorization import commands
from tests.authorization.table import ROLES, Place, Role, Row
from tests.authorization.undone import undone
from tests.authorization.ways import COMMAND_ROLES, command_rows, exit_code
from tests.authorization.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ROWS = list(command_rows())
AT = ("own", "other project", "platform")


@pytest.fixture(autouse=True)
def _portal(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    portal = commands.Portal()
    monkeypatch.setattr(httpx2, "Client", partial(httpx2.Client, transport=portal))
    monkeypatch.setenv("KUBECARRIER_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("EDITOR", commands.editor(tmp_path))
    monkeypatch.setattr(waiting, "FIRST_POLL_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "LONGEST_POLL_SECONDS", 0.02)
    monkeypatch.setattr(listing, "_FIRST_PAUSE", 0.01)
    yield
    portal.end()


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
        monkeypatch.setenv("KUBECARRIER_TOKEN", commands.token_of(world.people[role.name]))
        line = commands.line_of(row, place, name, tmp_path, world)
        with undone():
            done = commands.run(line)
        wanted = exit_code(role, row, place)
        said = f"{role.name} at {place.name} ({name}): {' '.join(line)}: {done.exit_code}"
        if done.exit_code != wanted:
            wrong.append(f"{said} for {wanted}: {done.output[:110]!r} {done.exception!r}")
        elif wanted in {3, 4} and "error: " not in done.output:
            wrong.append(f"{said} says no error: {done.output[:80]!r}")
        elif row.form == "list" and wanted == 0:
            wrong += commands.listed_wrong(role, row, done.stdout, world)
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("name", ["none", "viewer", "project admin", "grantor", "narrow token"])
def test_a_binding_for_oneself(
    name: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a document, as `kubecarrier apply` sends it: refused, on record, and nothing is stored."""
    person = world.people[name]
    assert person.user is not None
    spec = {"role": "cluster-admin", "users": [person.user.username], "scope": {"platform": True}}
    document = {"apiVersion": "kubecarrier.io/v1", "kind": "Binding", "metadata": {"name": "mine"}}
    file = tmp_path / "binding.json"
    file.write_text(json.dumps({**document, "spec": spec}))
    monkeypatch.setenv("KUBECARRIER_TOKEN", commands.token_of(person))
    with undone():
        before = AuditEntry.objects.filter(event="denied").count()
        done = commands.run(["apply", "--filename", str(file)])
        assert done.exit_code == 4, done.output
        assert AuditEntry.objects.filter(event="denied").count() > before
        assert not Binding.objects.filter(name="mine").exists()
