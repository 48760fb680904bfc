"""The authorization table on live objects, asked of real API servers.

The rows are those of tests/authorization.yaml that ask a cluster, run over REST, in the console and
on the command line by the people of the table. What the portal lets through, the cluster's own
RBAC decides, asked as the person: its audit log is the witness.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import AuditEntry
from accounts.trail import guard
from kubecarrier.cli import waiting
from kubecarrier.lib.audit import Outcome
from tests.authorization import commands, pages, world
from tests.authorization.asking import live_object, send
from tests.authorization.table import (
    PLACED_ROLES,
    ROLES,
    Place,
    Role,
    Row,
    admitted,
    answer,
    done_to_each,
    rest_rows,
)
from tests.authorization.undone import undone
from tests.authorization.ways import COMMAND_ROLES, CONSOLE_ROLES, command_rows, console_rows
from tests.authorization.ways import exit_code as code_of
from tests.authorization.world import World
from tests.controlplane.table_world import Log, Real
from tools.controlplane import ControlPlane, Etcd

pytestmark = pytest.mark.django_db

#: Rows about what is in a cluster; the portal's own work there has tests of its own.
REST = [row for row in rest_rows() if row.there and "{cluster}" in row.path]
COMMANDS = [row for row in command_rows() if row.there not in {"", "portal"}]
PAGES = [row for row in console_rows() if row.there]
#: Whom one asks where only the place differs.
ELSEWHERE = [*PLACED_ROLES, ROLES["platform admin"]]
#: What the portal reads for itself: whether it speaks to the cluster it means, and how the API is
#: described, which is the same for everybody.
OF_NOBODY = "/api/v1/namespaces/kube-system", "/openapi/"


@pytest.fixture(scope="module")
def real(
    clusters: dict[str, ControlPlane], etcd: Etcd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp("old")
    with ControlPlane(name="old", dir=folder, etcd=etcd, controllers=False) as old:
        found = Real({**clusters, "old": old})
        yield found
        found.clean()


@pytest.fixture(scope="module")
def inhabited(real: Real, django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The world, for good: reconcilers put it into the clusters; emptied at the end of the file."""
    with django_db_blocker.unblock():
        try:
            yield world.places_and_people(real)
        finally:
            with guard.opened(connection):
                call_command("flush", verbosity=0, interactive=False, reset_sequences=False)


class Witness:
    """Every answer, and at the end what the clusters say of who asked."""

    def __init__(self, row: Row, inhabited: World, real: Real) -> None:
        self.wrong: list[str] = []
        self._row = row
        self._world = inhabited
        self._real = real
        self._logs = {name: Log.now(plane) for name, plane in real.planes.items()}
        self._let_through: dict[str, set[str]] = defaultdict(set)
        self._refused: set[tuple[str, str]] = set()

    def asked(self, role: Role, place: Place, wrong: str, denied: int) -> None:
        """One case: what was wrong with its answer, and how many entries say that it was refused."""
        said = f"{role.name} at {place.name}: "
        if wrong:
            self.wrong.append(said + wrong)
        through = answer(role, self._row, place) == 503 or self._row.there == "each"
        user = self._world.people[role.name].user
        if through and user is not None:
            self._let_through[place.cluster].add(f"kubecarrier:{user.username}")
            if self._row.there not in {"anybody", "portal", "each"} and not admitted(
                role, self._row, place
            ):
                self._refused.add((place.cluster, f"kubecarrier:{user.username}"))
        if answer(role, self._row, place, live=True) == 403 and not denied:
            self.wrong.append(said + "refused, and not on record")

    def hear(self) -> None:
        """The clusters' audit logs: nobody but people, only those let through, and the refused."""
        for name, log in self._logs.items():
            refused = set()
            for entry in log.since():
                uri = entry["requestURI"]
                acted = entry.get("impersonatedUser", {}).get("username", "")
                code = entry.get("responseStatus", {}).get("code")
                if code == 403:
                    refused.add((name, acted))
                if acted and acted not in self._let_through[name]:
                    self.wrong.append(f"{name}: {acted} was let through to {uri}")
                if not acted and not self._of_the_portal(entry):
                    self.wrong.append(f"{name}: as the portal: {entry['verb']} {uri}")
            missing = {one for one in self._refused if one[0] == name} - refused
            if missing and "first" not in self._row.more and not self._row.more.get("then"):
                self.wrong.append(f"{name}: not refused by the cluster: {sorted(missing)}")
        assert not self.wrong, "\n".join(["", *self.wrong])

    def _of_the_portal(self, entry: Any) -> bool:
        if self._row.there == "portal":
            return True
        review = (entry.get("objectRef") or {}).get("resource") == "subjectaccessreviews"
        if self._row.more.get("then") and review:  # can-i, which asks about the person
            return True
        which, description = OF_NOBODY
        uri = entry["requestURI"]
        return bool(entry["verb"] == "get" and (uri == which or uri.startswith(description)))


@pytest.fixture
def witness(row: Row, inhabited: World, real: Real) -> Witness:
    return Witness(row, inhabited, real)


def cases(
    row: Row, inhabited: World, first: Iterable[Role], others: Iterable[Role]
) -> Iterator[tuple[Role, Place, str]]:
    for number, (place, name) in enumerate(row.places(inhabited.names)):
        if number and place.cluster == "old" and row.more.get("of") == "pods":
            continue  # nothing runs there
        for role in others if number else first:
            yield role, place, name


def denied() -> int:
    """How many refusals are on record."""
    found: int = AuditEntry.objects.filter(result=Outcome.DENIED).count()
    return found


def ids(rows: list[Row]) -> list[str]:
    return [row.id for row in rows]


@pytest.mark.parametrize("row", REST, ids=ids(REST))
def test_row(row: Row, inhabited: World, real: Real, witness: Witness) -> None:
    """What is allowed is done, by the person; what is not, the portal or the cluster refuses."""
    for role, place, name in cases(row, inhabited, ROLES.values(), ELSEWHERE):
        wanted, wrong = answer(role, row, place, live=True), ""
        if place.cluster == "old" and "{node}" in row.path and wanted == row.ok:
            wanted = 404  # it has none
        with undone():
            before = denied()
            client = inhabited.people[role.name].client()
            response = send(client, row, place, name, inhabited)
            said = b"".join(response) if response.streaming else response.content
            if response.status_code != wanted:
                wrong = f"{response.status_code} for {wanted}: {said[:160]!r}"
            elif "each" in row.more and wanted == row.ok:
                wrong = each_wrong(role, row, place, real, response.json()["items"])
            witness.asked(role, place, wrong, denied() - before)
        if wanted == row.ok and row.method != "GET":
            real.mend(place)
    witness.hear()


def each_wrong(role: Role, row: Row, place: Place, real: Real, items: Any = None) -> str:
    """Whether it was done to the object exactly when the person may."""
    may = done_to_each(role, row, place)
    done = real.found(place).get("data") != {"a": "b"}
    if items is not None and (items[0]["error"] is None) != may:
        return f"said {items[0]['error']} for {may}"
    return "" if done == may else f"done: {done} for {may}"


@pytest.fixture(scope="module")
def browsers(inhabited: World) -> dict[str, Client]:
    return {role.name: pages.browser(inhabited.people[role.name]) for role in CONSOLE_ROLES}


def form_of(row: Row, place: Place, real: Real) -> dict[str, Any]:
    """What somebody sends by the page's form."""
    at = f"{place.namespace}|web|"
    if row.path.endswith("bulk/"):
        return {"action": "delete", "chosen": [at], "confirmed": "1", "propagation": "Background"}
    if row.path.endswith("check/"):
        return {"yaml": json.dumps(live_object(place))}
    if row.path.endswith("new/"):
        new = json.dumps({**live_object(place, "another")})
        return {"document": new, "base": "{}", "op": "save", "yaml": new}
    if row.path.endswith("edit/"):
        base = real.found(place)
        text = json.dumps({**base, "data": {"a": "c"}})
        return {"document": text, "base": json.dumps(base), "op": "save", "yaml": text}
    return {"replicas": "2"}


@pytest.mark.parametrize("row", PAGES, ids=ids(PAGES))
def test_page(
    row: Row, inhabited: World, real: Real, witness: Witness, browsers: dict[str, Client]
) -> None:
    """The same in the console; a form that the cluster refuses comes back with its word (422)."""
    others = [one for one in ELSEWHERE if one.name in browsers]
    for role, place, name in cases(row, inhabited, CONSOLE_ROLES, others):
        wanted, wrong = answer(role, row, place, live=True), ""
        changes = row.method == "POST" and row.there == "namespace"
        codes = (
            {403, 422}
            if wanted == 403
            else {302 if changes else 200}
            if wanted == 200
            else {wanted}
        )
        codes = codes if role.comes_in else {302}
        with undone():
            before = denied()
            path = pages.path_of(row, place, name, inhabited)
            if row.method == "GET":
                response = browsers[role.name].get(path)
            else:
                response = browsers[role.name].post(path, form_of(row, place, real))
            if response.status_code not in codes:
                wrong = f"{response.status_code} for {sorted(codes)}"
            elif "each" in row.more and wanted == row.ok:
                wrong = each_wrong(role, row, place, real)
            witness.asked(role, place, wrong, denied() - before)
        if wanted == row.ok and row.method != "GET":
            real.mend(place)
    witness.hear()


@pytest.fixture
def _portal(inhabited: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    portal = commands.Portal()
    monkeypatch.setattr(httpx2, "Client", partial(httpx2.Client, transport=portal))
    monkeypatch.setenv("KUBECARRIER_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("EDITOR", commands.editor(tmp_path))
    monkeypatch.setattr(waiting, "FIRST_POLL_SECONDS", 0.01)
    yield
    portal.end()


@pytest.mark.usefixtures("_portal")
@pytest.mark.parametrize("row", COMMANDS, ids=ids(COMMANDS))
def test_command(
    row: Row,
    inhabited: World,
    real: Real,
    witness: Witness,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same on the command line, told by the exit code."""
    others = [ROLES[name] for name in ("project admin", "cluster admin")]
    for role, place, name in cases(row, inhabited, COMMAND_ROLES, others):
        wanted = code_of(role, row, place, live=True)
        if place.cluster == "old" and "{node}" in row.path and wanted == 0:
            wanted = 3
        monkeypatch.setenv("KUBECARRIER_TOKEN", commands.token_of(inhabited.people[role.name]))
        line = commands.line_of(row, place, name, tmp_path, inhabited)
        with undone():
            before = denied()
            done = commands.run(line)
            wrong = ""
            if done.exit_code != wanted:
                wrong = f"{' '.join(line)}: {done.exit_code} for {wanted}: {done.output[:160]!r}"
            asked = denied() - before or (wanted == row.more.get("exit refused"))
            witness.asked(role, place, wrong, int(asked))
        if wanted == 0:
            real.mend(place)
    witness.hear()
