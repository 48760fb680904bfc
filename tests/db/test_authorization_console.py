"""Who may do what in the console: every page of tests/authorization.yaml, for everybody in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.template.response import SimpleTemplateResponse
from django.test import Client

from accounts.models import AuditEntry
from tests.authorization.people import Person
from tests.authorization.table import (
    PLACES,
    PLATFORM,
    ROLES,
    SORTS,
    TABLE,
    Place,
    Role,
    Row,
    sees,
    within,
)
from tests.authorization.undone import undone
from tests.authorization.ways import CONSOLE_ROLES, FEW_ROLES, console_rows, shown
from tests.authorization.world import World

pytestmark = pytest.mark.django_db
ROWS = list(console_rows())
FILLED = {
    "group": "core", "version": "v1", "plural": "pods", "namespace": "blue", "name": "web",
    "action": "scale",
}  # fmt: skip
#: Where a project's, a cluster's and the deleted one's holders are told apart.
AT = ("own", "other project", "recreated", "platform")
PLACED = [ROLES[name] for name in ("project admin", "cluster admin", "of the old")]


@pytest.fixture
def _unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may is decided before a page is drawn; drawing thousands would tell nothing more."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    monkeypatch.setattr(admin.AdminSite, "get_app_list", lambda *_, **__: [])


def browser(person: Person) -> Client:
    client = Client()
    if person.user is not None:
        client.force_login(person.user)
    return client


@pytest.fixture(scope="module")
def browsers(world: World) -> dict[str, Client]:
    """Everybody's, logged in once."""
    return {role.name: browser(world.people[role.name]) for role in ROLES.values()}


def model_of(path: str) -> Any:
    app, model, *_ = path.split("/")
    return apps.get_model(app, model)


def key_of(model: Any, name: str) -> str:
    """The primary key of what the world calls so."""
    columns = {field.name for field in model._meta.concrete_fields}
    column = "uid" if model.__name__ == "InventoryObject" else "name" if "name" in columns else "pk"
    if model.__name__ == "Group":
        column = "pk"
    return str(model._default_manager.get(**{column: name}).pk)


def cases(row: Row, world: World) -> Iterator[tuple[Role, Place, str]]:
    listed = [(place, name) for place, name in row.places(world.names) if place.name in AT]
    first = FEW_ROLES if row.more.get("few") else CONSOLE_ROLES
    if row.form == "superusers":
        first = [*first, ROLES["superuser"]]
    for number, (place, name) in enumerate(listed):
        for role in PLACED if number else first:
            yield role, place, name


@pytest.mark.usefixtures("_unrendered")
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_page(row: Row, world: World, browsers: dict[str, Client]) -> None:
    """Each role at each place gets what the table says; a refusal is on record."""
    wrong, model = [], model_of(row.path)
    for role, place, name in cases(row, world):
        key = key_of(model, name) if name else "1"
        path = f"/admin/{row.path.format(**{**FILLED, 'id': key, 'pk': key})}"
        with undone():
            before = AuditEntry.objects.filter(event="denied").count()
            response = getattr(browsers[role.name], row.method.lower())(path)
            found, wanted = response.status_code, shown(role, row, place)
            kept = AuditEntry.objects.filter(event="denied").count() > before
        if found not in wanted:
            wrong.append(f"{role.name} at {place.name} ({name}): {found} for {sorted(wanted)}")
        elif found == 403 and not kept:
            wrong.append(f"{role.name} at {place.name} ({name}): 403 left no entry")
        elif found == 302 and not role.comes_in and "/login/" not in response["Location"]:
            wrong.append(f"{role.name}: sent to {response['Location']}")
        elif row.form == "list" and found == 200:
            wrong += listed_wrong(role, row, model, response, world)
    assert not wrong, "\n".join(["", *wrong])


def listed_wrong(role: Role, row: Row, model: Any, response: Any, world: World) -> list[str]:
    """What a list shows of the world, against what this role sees."""
    assert row.sort is not None
    known = {at: key_of(model, name) for at, name in world.names.of(row.sort).items()}
    context = response.context_data
    found = (
        context["cl"].result_list if "cl" in context else [e["entry"] for e in context["entries"]]
    )
    listed = {str(one.pk) for one in found} & set(known.values())
    seen = {key for at, key in known.items() if sees(role, row.sort, PLACES.get(at, PLATFORM))}
    if model is AuditEntry:  # a page of the stream holds the newest
        return [f"{role.name} lists {sorted(listed - seen)}"] if listed - seen else []
    return [] if listed == seen else [f"{role.name} lists {sorted(listed)}, sees {sorted(seen)}"]


BULK = [
    (model, slug, verb if "." in verb else f"{said['kind']}.{verb}")
    for model, said in TABLE["console"].items()
    for slug, verb in said.get("bulk", {}).items()
]


@pytest.mark.usefixtures("_unrendered")
@pytest.mark.parametrize(("path", "slug", "asks"), BULK, ids=[f"{m} {s}" for m, s, _ in BULK])
def test_action_on_a_list(
    path: str, slug: str, asks: str, world: World, browsers: dict[str, Client]
) -> None:
    """The id in the form may be anybody's: only what one may do is done."""
    model, wrong = model_of(path), []
    kind = TABLE["console"][path]["kind"]
    sort = SORTS[kind]
    for place_name, name in world.names.of(sort).items():
        if place_name not in AT:
            continue
        place = PLACES.get(place_name, PLATFORM)
        for role in PLACED if place.name != "own" else CONSOLE_ROLES:
            body = {
                "action": slug, "_selected_action": [key_of(model, name)], "_confirmed": "1",
                "policy": "orphan", "choice": slug,
            }  # fmt: skip
            with undone():
                response = browsers[role.name].post(f"/admin/{path}/", body)
            context = getattr(response, "context_data", None) or {}
            may = (
                role.comes_in
                and sees(role, sort, place)
                and role.holds(asks, within(place, sort.held_on, sort))
            )
            done = context.get("succeeded") == 1
            if done != may:
                wrong.append(f"{role.name} at {place_name}: {'done' if done else 'not done'}")
    assert not wrong, "\n".join(["", *wrong])


def test_the_site_has_the_models_of_the_table() -> None:
    assert {f"{m._meta.app_label}/{m._meta.model_name}" for m in admin.site._registry} == set(
        TABLE["console"]
    )
