"""A portal with many rows, and its list pages asked for by an administrator and by somebody else.

`measure OBJECTS ROUNDS`: rows are made for a tenth of the objects, the pages are measured, then
the rest is made and they are measured again. Requests go through the whole of Django, without
a network. Bindings are made where the portal has them: 500 people with 40 clusters each.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.services.tokens import token_create
from apps.models import Application, ApplicationRevision, Release
from bench.frame import median, percentile
from fleet.inventory.shapes import Shape
from fleet.inventory.upsert import upsert, values_of
from fleet.models import Cluster, InventoryKind, Namespace, ResourceType, ServedResource
from kubecarrier.lib import audit
from kubecarrier.lib.watching import Event, EventType, WatchSpec

Json = dict[str, Any]

_CLUSTERS = 80
_CLUSTERS_EACH = 40
_USERS = 500
_RELEASES = 10_000
_RELEASES_PER_APPLICATION = 20
_CHUNK = 2000
_HOST = "127.0.0.1"
_KINDS = (("v1", "Pod", "pods"), ("apps/v1", "Deployment", "deployments.apps"),
          ("v1", "ConfigMap", "configmaps"), ("v1", "Service", "services"))  # fmt: skip

API = {
    "inventory": "inventory",
    "inventory, kind": "inventory?kind=deploy",
    "inventory, cluster and kind": "inventory?cluster=cluster-08&kind=pods",
    "inventory, namespace": "inventory?namespace=team-3",
    "inventory, health": "inventory?health=Degraded",
    "inventory, search for one": "inventory?search=needle",
    "inventory, search for many": "inventory?search=shop",
    "inventory, search and filter": "inventory?search=shop-1&kind=pods&cluster=cluster-08",
    "inventory, search for none": "inventory?search=nowhere-to-be-found",
    "inventory, labels": "inventory?labelSelector=app%3Dshop-17",
    "releases": "releases",
    "releases, filter": "releases?ready=True",
    "releases, search": "releases?search=app-123",
}
ADMIN = {
    "inventory": "fleet/inventoryobject/",
    "inventory, kind": "fleet/inventoryobject/?kind=Deployment",
    "inventory, page 3": "fleet/inventoryobject/?p=3",
    "inventory, search for one": "fleet/inventoryobject/?q=needle",
    "inventory, search for many": "fleet/inventoryobject/?q=shop",
    "releases": "apps/release/",
    "releases, search": "apps/release/?q=app-123",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Milliseconds by page, and the most queries that a page took."""

    times: Mapping[str, list[float]]
    queries: int

    @property
    def p95(self) -> float:
        """Of the slowest page."""
        return max(percentile(one, 95) for one in self.times.values())

    @property
    def typical(self) -> dict[str, float]:
        """The median of each page."""
        return {page: median(one) for page, one in self.times.items()}


def measure(objects: int, rounds: int) -> Json:
    """Everything that the benchmark says."""
    call_command("migrate", interactive=False, verbosity=0)
    admin = User.objects.create_superuser("bench", "bench@example.org", None)
    with transaction.atomic(), audit.unaudited("rows of a benchmark"):
        clusters = _clusters()
        _releases(clusters)
        _objects(clusters, 0, objects // 10)
    granted = _bindings(admin)
    few = _api(admin, rounds)
    with transaction.atomic(), audit.unaudited("rows of a benchmark"):
        _objects(clusters, objects // 10, objects)
    _analyzed()
    many, pages = _api(admin, rounds), _console(admin, rounds)
    found = {
        "api_p95_ms": many.p95,
        "admin_p95_ms": pages.p95,
        "queries": max(many.queries, pages.queries),
        "growth_10x": _times(many, few),
        "slowest_page": max(many.typical.items(), key=lambda item: item[1])[0],
        "pages": {**many.typical, **{f"admin, {k}": v for k, v in pages.typical.items()}},
    }
    if granted:
        found["non_admin"] = _times(_api(User.objects.get(username="user-0"), rounds), many)
        found["grants"] = granted
        found["team"] = _times(_api(User.objects.get(username="team"), rounds), many)
    return found


def _times(ours: Asked, others: Asked) -> float:
    """The median over the pages, so that one odd page is not the answer."""
    return median([ours.typical[page] / others.typical[page] for page in ours.typical])


# --- asking --------------------------------------------------------------------------------------


def _api(user: User, rounds: int) -> Asked:
    _, secret = token_create(user=user, name=f"bench-{uuid.uuid4().hex[:6]}")
    client = Client(headers={"authorization": f"Token {secret}", "host": _HOST})
    return _asked(client, {page: f"/api/v1/{path}" for page, path in API.items()}, rounds)


def _console(user: User, rounds: int) -> Asked:
    client = Client(headers={"host": _HOST})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return _asked(client, {page: f"/admin/{path}" for page, path in ADMIN.items()}, rounds)


def _asked(client: Client, pages: Mapping[str, str], rounds: int) -> Asked:
    queries = 0
    for path in pages.values():  # once for the caches, and to count
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.content[:300]!r}")
        queries = max(queries, len(captured))
    times: dict[str, list[float]] = {page: [] for page in pages}
    for _ in range(rounds):
        for page, path in pages.items():
            begun = time.perf_counter()
            client.get(path).content  # noqa: B018 - rendered
            times[page].append((time.perf_counter() - begun) * 1000)
    return Asked(times, queries)


def _analyzed() -> None:
    """What a database does by itself some time after many rows came."""
    with connections["default"].cursor() as cursor:
        cursor.execute("ANALYZE")


# --- rows ----------------------------------------------------------------------------------------


def _clusters() -> list[Cluster]:
    made = [
        Cluster(name=f"cluster-{number:02d}", server=f"https://c{number}.example.org", ready="True")
        for number in range(_CLUSTERS)
    ]
    Cluster.objects.bulk_create(made)
    for api_version, kind, name in _KINDS:
        group, _, version = api_version.rpartition("/")
        plural, short = name.partition(".")[0], ["deploy"] if kind == "Deployment" else []
        row = ResourceType.objects.create(
            name=name, group=group, plural=plural, kind=kind, short_names=short
        )
        now = timezone.now()
        ServedResource.objects.bulk_create(
            ServedResource(cluster=one, type=row, versions=[{"name": version}], seen_at=now)
            for one in made
        )
        InventoryKind.objects.bulk_create(
            InventoryKind(
                cluster=one, group=group, version=version, kind=kind, listed_at=now, heard_at=now
            )
            for one in made
        )
    return made


def _releases(clusters: list[Cluster]) -> None:
    for start in range(0, _RELEASES, _CHUNK):
        applications, revisions, releases = [], [], []
        for number in range(start, start + _CHUNK, _RELEASES_PER_APPLICATION):
            name = f"app-{number}"
            one = Application(name=name, chart="local/web", namespace="shop")
            revision = ApplicationRevision(application=one, number=1, spec={})
            applications.append(one)
            revisions.append(revision)
            releases += [
                Release(
                    application=one, revision=revision, cluster=clusters[place % _CLUSTERS],
                    name=f"{name}.{clusters[place % _CLUSTERS].name}", release_name=name,
                    namespace="shop", wanted_version="1.0.0", desired_digest="d", ready="True",
                )
                for place in range(number, number + _RELEASES_PER_APPLICATION)
            ]  # fmt: skip
        Application.objects.bulk_create(applications)
        ApplicationRevision.objects.bulk_create(revisions)
        Release.objects.bulk_create(releases)


def _objects(clusters: list[Cluster], first: int, end: int) -> None:
    """As the watch writes them."""
    now = timezone.now()
    rows: list[Json] = []
    for number in range(first, end):
        api_version, kind, _name = _KINDS[number % len(_KINDS)]
        event = _event(api_version, kind, number)
        rows.append(values_of(clusters[number % _CLUSTERS].pk, event, now))
        if len(rows) == _CHUNK or number == end - 1:
            upsert(rows)
            rows = []


def _event(api_version: str, kind: str, number: int) -> Event:
    shape = Shape(api_version, kind)
    name = "needle-in-a-haystack" if number == 5 else f"shop-{number % 1000}-{number:06d}"
    failed = {"phase": "Failed"} if kind == "Pod" and number % 97 == 0 else {"phase": "Running"}
    obj = {
        "metadata": {
            "uid": str(uuid.uuid4()), "name": name, "namespace": f"team-{number % 50}",
            "resourceVersion": str(number), "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {"app": f"shop-{number % 1000}", "tier": "backend"},
        },
        "status": failed,
    }  # fmt: skip
    return Event(EventType.ADDED, WatchSpec(api_version, kind, shape=shape), shape(obj))


def _bindings(admin: User) -> int:
    """How many rights they became; 0 where the portal has no bindings."""
    client = Client(headers={"host": _HOST})
    _, secret = token_create(user=admin, name="bindings")
    client = Client(headers={"authorization": f"Token {secret}", "host": _HOST})
    plurals = {kind["plural"] for kind in client.get("/api/v1/kinds").json()["items"]}
    if "bindings" not in plurals:
        return 0
    with audit.unaudited("rows of a benchmark"):
        User.objects.bulk_create(
            User(username=f"user-{number}", is_staff=True) for number in range(_USERS)
        )
    for number, (people, names) in enumerate(_shares()):
        spec = {"role": "viewer", "users": people, "scope": {"clusters": names}}
        _bind(client, f"bench-{number}", spec)
    _bind_team(client)
    return _USERS * _CLUSTERS_EACH


def _bind_team(client: Client) -> None:
    """Somebody of an application team: two namespaces of one cluster, of 50 on each of 80."""
    cluster = Cluster.objects.get(name="cluster-08")
    names = ["team-8", "team-18"]
    with audit.unaudited("rows of a benchmark"):
        User.objects.create(username="team", is_staff=True)
        Namespace.objects.bulk_create(
            Namespace(cluster=cluster, name=name, state="Active", seen_at=timezone.now())
            for name in names
        )
    scope = {"clusters": [cluster.name], "namespaces": names}
    _bind(client, "team", {"role": "viewer", "users": ["team"], "scope": scope})


def _bind(client: Client, name: str, spec: Json) -> None:
    answer = client.put(f"/api/v1/bindings/{name}", {"spec": spec}, content_type="application/json")
    if answer.status_code >= 300:
        raise RuntimeError(f"binding: {answer.status_code} {answer.content[:300]!r}")


def _shares() -> Iterator[tuple[list[str], list[str]]]:
    """Twenty people each, on every second cluster, even or odd."""
    for start in range(0, _USERS, 20):
        clusters = range(start // 20 % 2, 2 * _CLUSTERS_EACH, 2)
        people = [f"user-{number}" for number in range(start, start + 20)]
        yield people, [f"cluster-{number:02d}" for number in clusters]


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[2]), int(sys.argv[3]))))
