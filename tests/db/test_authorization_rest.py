"""Who may do what over REST: every line of tests/authorization.yaml, for everybody in it, everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from kubecarrier import request_context
from tests.authorization.table import (
    PLACED_ROLES,
    PLACES,
    PLATFORM,
    ROLES,
    Place,
    Role,
    Row,
    answer,
    rest_rows,
    sees,
)
from tests.authorization.undone import undone
from tests.authorization.world import World
from tests.portal import Json, web_chart

pytestmark = pytest.mark.django_db
ROWS = list(rest_rows())
FILLED = {
    "group": "core", "version": "v1", "plural": "pods", "namespace": "blue", "node": "node-one",
}  # fmt: skip
OBJECT = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "resourceVersion": "1"}}


def path_of(row: Row, name: str) -> str:
    """The row's path to one object."""
    live = "{cluster}" in row.path
    given = {**FILLED, "cluster": name, "name": "web" if live else name, "new": name, "pk": name}
    if row.path.startswith("charts/"):
        given["version"] = "0.1.0"
    return row.path.format(**given)


def body_of(row: Row, place: Place, name: str, world: World) -> Any:
    """What the request carries: as the row says, or the kind's `new` document, filled in."""
    if row.body == "stored":
        document = world.portal.call("get", path_of(row, name))
        document["metadata"]["labels"] = {**document["metadata"]["labels"], "touched": "yes"}
        return {key: document[key] for key in ("metadata", "spec")}
    if row.body == "object":
        return OBJECT
    if row.body is None and row.form == "make" and row.sort is not None and row.sort.new:
        text = json.dumps(row.sort.new)
        for key in ("project", "cluster", "namespace"):
            text = text.replace(f"{{{key}}}", getattr(place, key))
        document = json.loads(text)
        document["metadata"] = {"name": name, **document.get("metadata", {})}
        return document
    return row.body


def send(client: Any, row: Row, place: Place, name: str, world: World) -> Any:
    method, path = row.method.lower(), f"/api/v1/{path_of(row, name)}"
    if row.body == "chart":
        return client.post(path, web_chart("0.3.0"), content_type="application/gzip")
    path += "?limit=500" if row.form == "list" else ""
    path += f"?{row.more['query']}" if "query" in row.more else ""
    body = None if method == "get" else body_of(row, place, name, world)
    return getattr(client, method)(path, body, format="json")


def cases(row: Row, world: World) -> Iterator[tuple[Role, Place, str]]:
    for number, (place, name) in enumerate(row.places(world.names)):
        for role in ROLES.values() if not number else PLACED_ROLES:
            yield role, place, name


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_row(row: Row, world: World) -> None:
    """Each role at each place gets what the table says; a refusal is on record."""
    wrong = []
    for role, place, name in cases(row, world):
        person, wanted = world.people[role.name], answer(role, row, place)
        with undone():
            before = AuditEntry.objects.filter(event="denied").count()
            response = send(person.client(), row, place, name, world)
            found = response.status_code
            if found != wanted:
                said = getattr(response, "content", b"")[:90]
                wrong.append(
                    f"{role.name} at {place.name} ({name}): {found} for {wanted}: {said!r}"
                )
            elif found == 403 and AuditEntry.objects.filter(event="denied").count() == before:
                wrong.append(f"{role.name} at {place.name} ({name}): 403 left no entry")
            elif row.form == "list" and found == 200:
                wrong += listed_wrong(role, row, response.json(), world)
    assert not wrong, "\n".join(["", *wrong])


def listed_wrong(role: Role, row: Row, answered: Json, world: World) -> list[str]:
    """What a list shows of the world, against what this role sees."""
    sort = row.sort
    assert sort is not None
    known = world.names.of(sort)
    shown = {
        str(value)
        for item in answered["items"]
        for value in (item.get("metadata", item).get("name"), item.get("metadata", {}).get("uid"))
    } & set(known.values())
    seen = {name for at, name in known.items() if sees(role, sort, PLACES.get(at, PLATFORM))}
    return [] if shown == seen else [f"{role.name} lists {sorted(shown)}, sees {sorted(seen)}"]


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
            method, path = row.method.lower(), f"/api/v1/{path_of(row, called)}"
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
