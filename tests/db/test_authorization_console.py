"""Who may do what in the console: every page of tests/authorization.yaml, for everybody in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.template.response import SimpleTemplateResponse
from django.test import Client

from accounts.models import AuditEntry
from tests.authorization import pages
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

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ROWS = list(console_rows())
#: Where a project's, a cluster's and the deleted one's holders are told apart.
AT = ("own", "other project", "recreated", "platform")
PLACED = [ROLES[name] for name in ("project admin", "cluster admin", "of the old")]


@pytest.fixture
def _unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may is decided before a page is drawn; drawing thousands would tell nothing more."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    monkeypatch.setattr(admin.AdminSite, "get_app_list", lambda *_, **__: [])


@pytest.fixture(scope="module")
def browsers(world: World) -> dict[str, Client]:
    """Everybody's, logged in once."""
    return {role.name: pages.browser(world.people[role.name]) for role in ROLES.values()}


def cases(row: Row, world: World) -> Iterator[tuple[Role, Place, str]]:
    listed = [(place, name) for place, name in row.places(world.names) if place.name in AT]
    first = FEW_ROLES if row.more.get("few") else CONSOLE_ROLES
    if row.form == "superusers":
        first = [*first, ROLES["superuser"]]
    for number, (place, name) in enumerate(listed):
        for role in PLACED if number else first:
            yield role, place, name


def refusals() -> int:
    """How many are on record."""
    found: int = AuditEntry.objects.filter(event="denied").count()
    return found


@pytest.mark.usefixtures("_unrendered")
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_page(row: Row, world: World, browsers: dict[str, Client]) -> None:
    """Each role at each place gets what the table says; a refusal is on record."""
    wrong, model = [], pages.model_of(row.path)
    before = refusals()  # what a case adds is taken back with it
    for role, place, name in cases(row, world):
        path = pages.path_of(row, place, name, world)
        with undone():
            response = getattr(browsers[role.name], row.method.lower())(path)
            found, wanted = response.status_code, shown(role, row, place)
            kept = found != 403 or refusals() > before
        if found not in wanted:
            wrong.append(f"{role.name} at {place.name} ({name}): {found} for {sorted(wanted)}")
        elif found == 403 and not kept:
            wrong.append(f"{role.name} at {place.name} ({name}): 403 left no entry")
        elif found == 302 and not role.comes_in and "/login/" not in response["Location"]:
            wrong.append(f"{role.name}: sent to {response['Location']}")
        elif row.form == "list" and found == 200:
            wrong += pages.listed_wrong(role, row, model, response, world)
    assert not wrong, "\n".join(["", *wrong])


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
    model, wrong = pages.model_of(path), []
    kind = TABLE["console"][path]["kind"]
    sort = SORTS[kind]
    for place_name, name in world.names.of(sort).items():
        if place_name not in AT:
            continue
        place = PLACES.get(place_name, PLATFORM)
        for role in PLACED if place.name != "own" else CONSOLE_ROLES:
            body = {
                "action": slug, "_selected_action": [pages.key_of(model, name)], "_confirmed": "1",
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
