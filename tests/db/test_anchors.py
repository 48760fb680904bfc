"""Where a right is held, found by one statement: few keys by name, many in place, the same answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.services.bindings import binding_apply
from fleet.models import Cluster, Namespace
from kubecarrier.lib import access, anchors
from kubecarrier.lib.manifests import Wish
from tests.db.conftest import add_cluster
from tests.db.rights import bind, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[1000, 1], ids=["few", "many"])
def limit(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """How many keys of a table are named one by one."""
    monkeypatch.setattr(anchors, "MANY", request.param)
    anchors._statement.cache_clear()
    yield request.param
    anchors._statement.cache_clear()


@pytest.fixture
def user(portal: Portal) -> User:
    """Sees a, b and c himself (b by two bindings), d by a group; e is there, too."""
    for name in "abcde":
        add_cluster(portal, name)
    found = User.objects.create_user("ann", "ann@example.org", "a-long-password")
    role("look", "clusters.view")
    bind(found, "look", name="one", clusters=["a", "b"])
    bind(found, "look", name="two", clusters=["b", "c"])
    found.groups.add(Group.objects.create(name="ops"))
    spec = {"role": "look", "users": [], "groups": ["ops"], "scope": {"clusters": ["d"]}}
    binding_apply(actor=None, wish=Wish("three", {}, spec))
    return found


def test_the_same_rows_are_seen(user: User, limit: int) -> None:
    seen = access.visible(Cluster.objects.all(), user)
    assert set(seen.values_list("name", flat=True)) == set("abcd")
    assert not access.on_platform(user, "clusters.view")
    assert access.may(user, "clusters.view", Cluster.objects.get(name="d"))
    assert not access.may(user, "clusters.view", Cluster.objects.get(name="e"))
    assert not access.may_somewhere(user, "clusters.edit")


def test_tables_with_many_are_asked_in_place(user: User, limit: int) -> None:
    holding = anchors.held(user, "clusters.view")
    assert bool(holding.tables) == (limit == 1)
    assert len(holding.keys["cluster"]) == (1 if limit == 1 else 4)


def test_namespaces_are_known_by_cluster_and_name(portal: Portal, limit: int) -> None:
    for name in "ab":
        add_cluster(portal, name)
        for namespace in ("shop", "blog", "wiki"):
            row = Cluster.objects.get(name=name)
            Namespace.objects.create(
                cluster=row, name=namespace, state="Active", seen_at=timezone.now()
            )
    user = User.objects.create_user("bob", "bob@example.org", "a-long-password")
    role("look", "clusters.view", "namespaces.view")
    bind(user, "look", name="one", clusters=["a"], namespaces=["shop", "blog"])
    bind(user, "look", name="two", clusters=["b"], namespaces=["shop"])

    seen = access.visible(Namespace.objects.all(), user)
    assert set(seen.values_list("cluster__name", "name")) == {
        ("a", "shop"), ("a", "blog"), ("b", "shop"),
    }  # fmt: skip
    assert access.visible(Cluster.objects.all(), user).count() == 2  # seen from within
    holding = anchors.held(user, "namespaces.view")
    b = Cluster.objects.get(name="b").pk
    assert holding.covers("namespace", (b, "shop"))
    assert not holding.covers("namespace", (b, "blog"))
    assert bool(holding.tables) == (limit == 1)


def test_it_takes_one_statement(user: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert anchors.held(user, "clusters.view").anywhere
    assert len(captured) == 1
