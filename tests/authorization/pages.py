"""A row of the table as a page of the console: its path, who opens it, and what a list shows."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.test import Client

from accounts.models import AuditEntry
from tests.authorization.asking import NAME, live_parts
from tests.authorization.people import Person
from tests.authorization.table import PLACES, PLATFORM, Place, Role, Row, sees
from tests.authorization.world import World


def browser(person: Person) -> Client:
    """Logged in, where there is somebody."""
    client = Client()
    if person.user is not None:
        client.force_login(person.user)
    return client


def model_of(path: str) -> Any:
    """The model whose pages lie below it."""
    app, model, *_ = path.split("/")
    return apps.get_model(app, model)


def key_of(model: Any, name: str) -> str:
    """The primary key of what the world calls so."""
    columns = {field.name for field in model._meta.concrete_fields}
    column = "uid" if model.__name__ == "InventoryObject" else "name" if "name" in columns else "pk"
    if model.__name__ == "Group":
        column = "pk"
    return str(model._default_manager.get(**{column: name}).pk)


def path_of(row: Row, place: Place, name: str, world: World) -> str:
    """The row's path to the page of one object."""
    key = key_of(model_of(row.path), name) if name else "1"
    given = {"id": key, "pk": key, "name": NAME, "action": "scale", **live_parts(row, place, world)}
    return f"/admin/{row.path.format(**given)}"


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
