"""Who may do what over REST: every line of tests/authorization.yaml, for everybody in it, everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from kubecarrier import request_context
from tests.authorization.asking import body_of, listed_wrong, path_of, send
from tests.authorization.table import PLACED_ROLES, ROLES, Place, Role, Row, answer, rest_rows
from tests.authorization.undone import undone
from tests.authorization.world import World

pytestmark = pytest.mark.django_db
ROWS = list(rest_rows())


def cases(row: Row, world: World) -> Iterator[tuple[Role, Place, str]]:
    for number, (place, name) in enumerate(row.places(world.names)):
        for role in ROLES.values() if not number else PLACED_ROLES:
            yield role, place, name


def refusals() -> int:
    """How many are on record."""
    found: int = AuditEntry.objects.filter(event="denied").count()
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_row(row: Row, world: World) -> None:
    """Each role at each place gets what the table says; a refusal is on record."""
    wrong, before = [], refusals()  # what a case adds is taken back with it
    for role, place, name in cases(row, world):
        person, wanted = world.people[role.name], answer(role, row, place)
        with undone():
            response = send(person.client(), row, place, name, world)
            found = response.status_code
            if found != wanted:
                said = getattr(response, "content", b"")[:90]
                wrong.append(
                    f"{role.name} at {place.name} ({name}): {found} for {wanted}: {said!r}"
                )
            elif found == 403 and refusals() == before:
                wrong.append(f"{role.name} at {place.name} ({name}): 403 left no entry")
            elif row.form == "list" and found == 200:
                wrong += listed_wrong(role, row, response.json(), world)
    assert not wrong, "\n".join(["", *wrong])


HIDDEN = [row for row in ROWS if row.sort and row.form in {"", "put"} and row.hidden == 404]


@pytest.mark.parametrize("row", HIDDEN, ids=[row.id for row in HIDDEN])
def test_out_of_scope_is_answered_like_absent(
    row: Row, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status, body and number of queries are those of a name that nothing has."""
    # What goes on record is looked for after the answer was sent.
    monkeypatch.setattr(request_context, "_keep_hidden", lambda *_: None)
    client = world.people["none"].client()
    place, name = next(iter(row.places(world.names)))
    absent = _absent(name)
    answers = []
    for called in (absent, name):
        with undone(), CaptureQueriesContext(connection) as asked:
            method, path = row.method.lower(), f"/api/v1/{path_of(row, place, called, world)}"
            body = None if method == "get" else body_of(row, place, name, world)
            response = getattr(client, method)(path, body, format="json")
        said = json.loads(response.content)
        said["error"].pop("requestId")
        text = json.dumps(said, ensure_ascii=False).replace(f"“{called}”", "“NAME”")
        answers.append((response.status_code, text, len(asked)))
    assert answers[0] == answers[1]


def _absent(name: str) -> str:
    """A name of the same form and length."""
    if name.isdecimal():
        return "9" * len(name)
    if len(name) == 36 and name.count("-") == 4:
        return "11111111" + name[8:]
    return "x" * len(name)
