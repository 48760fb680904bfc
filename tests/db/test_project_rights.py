"""What a binding on a project gives in the project's own namespaces, and that others give nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from fleet.choices import NamespaceState
from fleet.grants.deriving import project_changed
from fleet.models import Cluster, ClusterGrant, Namespace, Project, ProjectNamespace
from kubecarrier.lib import access, audit
from kubecarrier.lib.errors import DeniedError
from tests.db.conftest import add_cluster
from tests.db.rights import bind, client_of, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db
RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]


@pytest.fixture
def ann(portal: Portal) -> User:
    """Looks at `shop`, which has a namespace of its own, and names one that was there before."""
    for name in ("one", "two"):
        add_cluster(portal, name)
    spec = {
        "namespaces": [{"name": "shop"}, {"name": "before"}],
        "placement": {"clusters": ["one"]},
    }
    portal.call("put", "projects/shop", {"spec": spec}, code=201)
    one = Cluster.objects.get(name="one")
    for name in ("shop", "before", "elsewhere"):
        Namespace.objects.create(cluster=one, name=name, state="Active", seen_at=timezone.now())
    user = User.objects.create_user("ann", "ann@example.org", "a-long-password")
    role("look", "clusters.view", "resources.view", "projects.view", "namespaces.view", rules=RULES)
    bind(user, "look", project="shop")
    return user


def stands(**states: str) -> None:
    """The reconciler saw the namespaces so."""
    with audit.unaudited("as the reconciler writes it"):
        for name, state in states.items():
            ProjectNamespace.objects.filter(name=name).update(state=state)
    project_changed(Project.objects.get(name="shop"))


def namespaces(user: User) -> set[str]:
    return set(access.visible(Namespace.objects.all(), user).values_list("name", flat=True))


def test_nothing_is_held_where_nothing_is_the_projects_yet(ann: User) -> None:
    assert namespaces(ann) == set()
    assert client_of(ann).get("/api/v1/clusters/one").status_code == 404
    assert ClusterGrant.objects.get(binding__name="ann-look").wanted["namespaces"] == []


def test_its_own_namespaces_and_their_cluster_are_seen(ann: User) -> None:
    stands(shop=NamespaceState.READY, before=NamespaceState.FOREIGN)
    one = Cluster.objects.get(name="one")
    assert namespaces(ann) == {"shop"}
    assert client_of(ann).get("/api/v1/clusters/one").status_code == 200
    assert client_of(ann).get("/api/v1/clusters/two").status_code == 404
    assert access.may(ann, "resources.view", one)  # which of them, the cluster's RBAC knows
    assert ClusterGrant.objects.get(binding__name="ann-look").wanted["namespaces"] == ["shop"]


def test_what_was_there_before_is_not_given_away(ann: User) -> None:
    """A namespace that a project only names gives its people nothing, here and in the cluster."""
    stands(shop=NamespaceState.READY, before=NamespaceState.FOREIGN)
    assert "before" not in namespaces(ann)
    stands(before=NamespaceState.READY)  # adopted
    assert namespaces(ann) == {"shop", "before"}
    assert ClusterGrant.objects.get(binding__name="ann-look").wanted["namespaces"] == [
        "before",
        "shop",
    ]
    stands(before=NamespaceState.FOREIGN)
    assert namespaces(ann) == {"shop"}


def test_it_is_taken_back_with_the_namespace(ann: User, portal: Portal) -> None:
    stands(shop=NamespaceState.READY)
    spec = {"namespaces": [], "placement": {"clusters": ["one"]}}
    portal.call("put", "projects/shop", {"spec": spec}, code=202)
    assert namespaces(ann) == set()
    assert client_of(ann).get("/api/v1/clusters/one").status_code == 404


def test_who_gives_in_a_project_must_hold_what_counts_in_its_namespaces(ann: User) -> None:
    stands(shop=NamespaceState.READY)
    role("giver", "bindings.create", "bindings.view", "projects.view", "roles.view", rules=RULES)
    giver = User.objects.create_user("gil", "gil@example.org", "a-long-password")
    bind(giver, "giver", project="shop")
    answer = _give(giver)
    assert answer.status_code == 403
    assert "clusters.view" in str(answer.json()) or "resources.view" in str(answer.json())
    with pytest.raises(DeniedError):
        access.require(ann, "bindings.create", Project.objects.get())


def _give(user: User) -> Any:
    spec = {"role": "look", "users": ["ann"], "scope": {"project": "shop"}}
    return client_of(user).put("/api/v1/bindings/more", {"spec": spec}, format="json")
