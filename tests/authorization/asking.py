"""A row of the table as a request over REST: its path, its body, and what a list answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.authorization.table import PLACES, PLATFORM, Place, Role, Row, sees
from tests.authorization.world import World
from tests.portal import Json, web_chart

#: What lies in a namespace of a cluster is called `web`, and is of one of these kinds.
LIVE: Final = {
    "configmaps": ("core/v1", "ConfigMap"),
    "secrets": ("core/v1", "Secret"),
    "pods": ("core/v1", "Pod"),
    "deployments": ("apps/v1", "Deployment"),
    "cronjobs": ("batch/v1", "CronJob"),
}
NAME: Final = "web"


def live_parts(row: Row, place: Place, world: World) -> dict[str, str]:
    """What a path to a live object holds in braces."""
    plural = row.more.get("of", "configmaps")
    group, _, version = LIVE[plural][0].partition("/")
    return {
        "group": group, "version": version, "plural": plural,
        "namespace": place.namespace, "node": world.servers.node(place.cluster),
    }  # fmt: skip


def path_of(row: Row, place: Place, name: str, world: World) -> str:
    """The row's path to one object."""
    called = NAME if "{cluster}" in row.path else name
    given = {
        "cluster": name,
        "name": called,
        "new": name,
        "pk": name,
        **live_parts(row, place, world),
    }
    if row.path.startswith("charts/"):
        given["version"] = "0.1.0"
    return row.path.format(**given)


def filled(document: Any, place: Place) -> Any:
    """The document with the names of the place in it."""
    text = json.dumps(document)
    for key in ("project", "cluster", "namespace"):
        text = text.replace(f"{{{key}}}", getattr(place, key))
    return json.loads(text)


def new_document(row: Row, place: Place, name: str) -> Json:
    """The `new` document of the row's kind."""
    assert row.sort is not None
    document: Json = filled(row.sort.new, place)
    document["metadata"] = {"name": name, **document.get("metadata", {})}
    return document


def live_object(place: Place, name: str = NAME, **metadata: str) -> Json:
    """A ConfigMap."""
    named = {"name": name, "namespace": place.namespace, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {"a": "b"}}


def body_of(row: Row, place: Place, name: str, world: World) -> Any:
    """What the request carries: as the row says, or the kind's `new` document, filled in."""
    if row.body == "stored":
        document = world.portal.call("get", path_of(row, place, name, world))
        document["metadata"]["labels"] = {**document["metadata"]["labels"], "touched": "yes"}
        return {key: document[key] for key in ("metadata", "spec")}
    if row.body == "object":
        return live_object(place, resourceVersion=world.servers.version(place))
    if row.body == "new object":
        return live_object(place, "another")
    if row.body is None and row.form == "make" and row.sort is not None and row.sort.new:
        return new_document(row, place, name)
    return filled(row.body, place) if isinstance(row.body, Mapping) else row.body


def send(client: Any, row: Row, place: Place, name: str, world: World) -> Any:
    """The answer of the portal."""
    method, path = row.method.lower(), f"/api/v1/{path_of(row, place, name, world)}"
    if row.body == "chart":
        return client.post(path, web_chart("0.3.0"), content_type="application/gzip")
    path += "?limit=500" if row.form == "list" else ""
    path += f"?{filled(row.more['query'], place)}" if "query" in row.more else ""
    body = None if method == "get" else body_of(row, place, name, world)
    return getattr(client, method)(path, body, format="json")


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
