"""The objects of the table: one of each kind at each place, saved through the services.

A place is a project, a cluster and a namespace of it. `old` was there before under the
same name and is another object now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditEntry, AuditSeal, LoginSession, User
from accounts.services import tokens
from accounts.services.seals import seal_all
from apps.models import Application
from fleet.configs.changes import to_inbox
from fleet.configs.object import Author
from fleet.grants import deriving as granting
from fleet.models import (
    Cluster,
    ConfigConflict,
    ConfigCopy,
    InventoryObject,
    Kubeconfig,
    Operation,
    Project,
    ResourceType,
    ServedResource,
)
from kubecarrier.lib import audit
from tests.authorization import people
from tests.authorization.people import Person
from tests.authorization.servers import Servers, Silent
from tests.authorization.table import PLACES, Names, Place
from tests.portal import Portal, web_chart

Json = dict[str, Any]
CANARY = "canary-value-of-a-secret"
UID = "00000000-0000-4000-8000-0000000000{:02d}"


@dataclass(frozen=True, slots=True)
class World:
    """What the objects are called by kind and place, who is there, and `root` who made it all."""

    names: Names
    people: dict[str, Person]
    portal: Portal
    servers: Servers


def build() -> World:
    """Everything, in the transaction that is open; no network is touched."""
    world = places_and_people(Silent())
    _objects(world.portal, world.names)
    return world


def places_and_people(servers: Servers) -> World:
    """The clusters and projects of the table, and everybody in it."""
    root = User.objects.create_superuser("root", password="a-long-password")
    client = APIClient()
    client.force_authenticate(root)
    portal = Portal(client)
    names = Names()
    _clusters_and_projects(portal, servers)
    everybody = people.build()
    ghost = everybody["of the old"].user
    assert ghost is not None
    people.hold_the_old(portal, ghost)
    _again(portal, servers)
    for place in PLACES.values():
        names.add("clusters", place.name, place.cluster)
        names.add("namespaces", place.name, place.namespace)
        names.add("nodes", place.name, servers.node(place.cluster))
        if place.project:
            names.add("projects", place.name, place.project)
            names.add("projectcopies", place.name, f"{place.project}.{place.cluster}")
    servers.settle(portal)
    return World(names, everybody, portal, servers)


def _objects(portal: Portal, names: Names) -> None:
    portal.local_repository(web_chart("0.1.0"), web_chart("0.2.0"), name="charts")
    for kind, name in (("repositories", "charts"), ("charts", "charts.web")):
        names.add(kind, "platform", name)
    for place in PLACES.values():
        _placed(portal, place, names)
    _people(portal, names)
    _records(portal, User.objects.get(username="root"), names)


def _again(portal: Portal, servers: Servers) -> None:
    """Project and cluster `old` go, and others take their names."""
    portal.call("delete", "projects/old")
    Project.objects.filter(name="old").delete()  # no controller is here to take it back
    portal.call("delete", "clusters/old")
    _cluster(portal, "old", servers)
    _project(portal, "old")


def _clusters_and_projects(portal: Portal, servers: Servers) -> None:
    for name in ("one", "two", "old"):
        _cluster(portal, name, servers)
    for project in dict.fromkeys(place.project for place in PLACES.values() if place.project):
        _project(portal, project)


def _cluster(portal: Portal, name: str, servers: Servers) -> None:
    document = {"metadata": {"labels": {"kept": name}}, "spec": servers.spec(name)}
    portal.call("put", f"clusters/{name}", document, code=201)


def _project(portal: Portal, name: str) -> None:
    """On its clusters, with its namespaces: each on all of them."""
    places = [place for place in PLACES.values() if place.project == name]
    namespaces = [{"name": place.namespace} for place in places]
    placement = {"clusters": [place.cluster for place in places]}
    spec = {"placement": placement, "namespaces": namespaces}
    portal.call("put", f"projects/{name}", {"spec": spec}, code=201)


def _placed(portal: Portal, place: Place, names: Names) -> None:
    """What lies at a place: an application, a config item, a pod that was seen."""
    row = Cluster.objects.get(name=place.cluster)
    metadata = {"project": place.project or None}
    spec = {
        "chart": "charts/web", "version": "0.1.0", "namespace": place.namespace,
        "placement": {"clusters": [place.cluster]},
    }  # fmt: skip
    web = f"{place.namespace}-web"
    portal.call("put", f"applications/{web}", {"metadata": metadata, "spec": spec}, code=201)
    keys = f"{place.namespace}-keys"
    secret = {
        "type": "Secret", "namespaces": [place.namespace], "data": {"password": CANARY},
        "propagation": "inbox", "placement": {"clusters": [place.cluster]},
    }  # fmt: skip
    portal.call("put", f"configitems/{keys}", {"metadata": metadata, "spec": secret}, code=201)
    copy = f"{keys}.{place.cluster}.{place.namespace}"
    names.add("applications", place.name, web)
    names.add("releases", place.name, f"{web}.{place.cluster}")
    names.add("configitems", place.name, keys)
    names.add("configcopies", place.name, copy)
    names.add("configconflicts", place.name, _conflict(copy))
    names.add("inventory", place.name, _pod(row, place))
    operation = Operation.objects.get(object_id=Application.objects.get(name=web).pk)
    names.add("operations", place.name, str(operation.pk))


def _conflict(copy: str) -> str:
    found = {"password": b"found-by-somebody"}
    author = Author("kubectl-edit", datetime(2026, 1, 1, tzinfo=UTC))
    to_inbox(ConfigCopy.objects.get(name=copy), found, author, "7")
    return str(ConfigConflict.objects.get(copy__name=copy).pk)


def _pod(row: Cluster, place: Place) -> str:
    uid = UID.format(list(PLACES).index(place.name))
    with audit.unaudited("a test"):
        InventoryObject.objects.create(
            cluster=row, version="v1", kind="Pod", namespace=place.namespace, uid=uid,
            name=f"{place.namespace}-pod", health="Healthy", seen_at=timezone.now(), text="pod",
        )  # fmt: skip
    return uid


def _people(portal: Portal, names: Names) -> None:
    """Somebody, a group, a role, a mapping, a machine, and a binding at each place."""
    other = User.objects.create_user("somebody", "s@example.org", "a-long-password")
    names.add("users", "platform", str(other.pk))
    names.add("groups", "platform", str(Group.objects.create(name="team").pk))
    portal.call("put", "roles/seeing", {"spec": {"permissions": ["applications.view"]}}, code=201)
    portal.call("put", "roles/unused", {"spec": {"permissions": ["applications.view"]}}, code=201)
    names.add("roles", "platform", "unused")
    scopes: dict[str, Json] = {
        place.name: {"project": place.project} if place.project else {"clusters": [place.cluster]}
        for place in PLACES.values()
    }
    for number, (place, scope) in enumerate({**scopes, "platform": {"platform": True}}.items()):
        spec = {"role": "seeing", "users": ["somebody"], "groups": [], "scope": scope}
        portal.call("put", f"bindings/given-{number}", {"spec": spec}, code=201)
        names.add("bindings", place, f"given-{number}")
    for place in ("own", "other cluster", "recreated"):
        names.add("clustergrants", place, f"administrators.{PLACES[place].cluster}")
        names.add("kubeconfigs", place, _kubeconfig(PLACES[place].cluster))
    granting.place(_administrators())
    mapping = {"source": "oidc", "value": "everybody", "group": "team"}
    portal.call("put", "identitymappings/staff", {"spec": mapping}, code=201)
    names.add("identitymappings", "platform", "staff")
    portal.call("put", "auditpolicies/legal", {"spec": {"retentionDays": 400}}, code=201)
    names.add("auditpolicies", "platform", "legal")
    owners = {place.project: place.name for place in reversed(PLACES.values()) if place.project}
    for project, place in {"": "platform", **owners}.items():
        machine = f"{project}-robot" if project else "robot"
        spec = {"description": "a machine", "project": project}
        portal.call("put", f"serviceaccounts/{machine}", {"spec": spec}, code=201)
        names.add("serviceaccounts", place, machine)


def _kubeconfig(cluster: str) -> str:
    """As it stands once the cluster made its account: of nobody in the table."""
    row = Kubeconfig.objects.create(
        cluster=Cluster.objects.get(name=cluster), username="gone", account=f"gone-{cluster}",
        account_uid="u", expires_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    return str(row.pk)


def _administrators() -> Any:
    from accounts.models import Binding

    return Binding.objects.get(name="administrators")


def _records(portal: Portal, root: User, names: Names) -> None:
    """Of `root`: a token, a session, an entry of the audit, a seal; and a kind that is served."""
    token, _ = tokens.token_create(user=root, name="of root")
    names.add("apitokens", "platform", str(token.pk))
    names.add("sessions", "platform", str(_session(root).pk))
    for place in ("own", "other project", "recreated"):
        project = Project.objects.get(name=PLACES[place].project)
        names.add("auditentries", place, _entry_about(project))
    names.add("auditentries", "platform", _entry_about(token))
    seal_all()
    seal = AuditSeal.objects.order_by("number").first()
    assert seal is not None
    names.add("auditseals", "platform", str(seal.pk))
    with audit.unaudited("a test"):
        pods = ResourceType.objects.create(
            name="pods", plural="pods", kind="Pod", singular="pod", namespaced=True
        )
        for row in Cluster.objects.all():
            ServedResource.objects.create(
                cluster=row,
                type=pods,
                versions=[{"name": "v1", "verbs": ["list"]}],
                seen_at=timezone.now(),
            )
    names.add("resourcetypes", "platform", "pods")


def _session(root: User) -> LoginSession:
    return LoginSession.objects.create(
        user=root, session_key="of-root", method="password", last_seen_at=timezone.now()
    )


def _entry_about(row: Any) -> str:
    entry = AuditEntry.objects.filter(object_pk=str(row.pk)).order_by("pk").first()
    assert entry is not None
    return str(entry.pk)
