"""The report of what nobody needs, as far as the portal's own rows tell."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Binding, User
from accounts.review.orphans import orphans
from accounts.services.bindings import binding_apply
from accounts.services.memberships import user_groups_moved
from accounts.services.people import user_save
from fleet.models import Project
from kubecarrier.lib.manifests import Wish
from tests.db.rights import bind, person, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db


def bound(name: str, *, users: list[str] = [], groups: list[str] = [], **scope: Any) -> Binding:  # noqa: B006
    spec = {"role": "viewer", "users": users, "groups": groups, "scope": scope}
    found: Binding = binding_apply(actor=None, wish=Wish(name, {}, spec)).row
    return found


def off(user: User) -> None:
    user.is_active = False
    user_save(user=user)


def test_every_sort_of_orphan(fleet: Portal) -> None:
    dev, empty = Group.objects.create(name="dev"), Group.objects.create(name="empty")
    ann, ben = (User.objects.create_user(n, password="a-long-password") for n in ("ann", "ben"))
    user_groups_moved(user=ben, gained=[dev], lost=())
    bound("fine", users=["ann"], platform=True)
    bound("nobody", platform=True)
    bound("empty-group", groups=[empty.name], platform=True)
    bound("all-gone", users=["ben"], groups=["dev"], platform=True)
    bound("nothing", users=["ann"], selector="env=moon")
    bound("no-namespace", users=["ann"], clusters=["one"], namespaces=["atlantis"])
    off(ben)
    role("unused", "clusters.view")
    fleet.call("put", "projects/red", {"spec": {"placement": {"clusters": ["one"]}}})
    fleet.call("put", "serviceaccounts/lone", {"spec": {}})
    fleet.call("put", "serviceaccounts/owned", {"spec": {"project": "red"}})
    for name in ("gone", "again"):
        fleet.call("put", f"projects/{name}", {"spec": {"placement": {"clusters": ["one"]}}})
        fleet.call("put", f"serviceaccounts/of-{name}", {"spec": {"project": name}})
        Project.objects.filter(name=name).delete()
    fleet.call("put", "projects/again", {"spec": {"placement": {"clusters": ["one"]}}})
    said = {(one.reason.value, one.name): one.message for one in orphans()}
    assert set(said) == {
        ("BindingEmpty", "nobody"),
        ("BindingReachesNobody", "empty-group"),
        ("BindingReachesNobody", "all-gone"),
        ("BindingReachesNothing", "nothing"),
        ("BindingReachesNothing", "no-namespace"),
        ("PersonInactive", "ben"),
        ("RoleUnused", "unused"),
        ("ServiceAccountUnowned", "lone"),
        ("ProjectGone", "of-gone"),
        ("ProjectGone", "of-again"),  # another project has its name
    }
    assert said["PersonInactive", "ben"] == (
        "Switched off, and still in binding all-gone, group dev."
    )
    assert ann.is_active


def test_queries_do_not_grow(fleet: Portal) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            list(orphans())
        return len(seen)

    few = count()
    for number in range(10):
        user = User.objects.create_user(f"p{number}", password="a-long-password")
        bind(user, "viewer")
        off(user)
        role(f"r{number}", "clusters.view")
    assert len(orphans()) == 30
    assert count() == few


def test_rest_by_right(fleet: Portal) -> None:
    """Without a cluster that answers: they are unknown, and so is what is in them."""
    bound("nobody", platform=True)
    found = fleet.call("get", "accessreviews/orphans")["items"]
    assert ("BindingEmpty", "nobody") in {(one["reason"], one["name"]) for one in found}
    unknown = {one["name"] for one in found if one["reason"] == "ClusterUnknown"}
    assert unknown == {"one", "two"}
    local = person("olga", "accessreviews.view", "clusters.view", clusters=["one"])
    mine = local.get("/api/v1/accessreviews/orphans").json()["items"]
    assert {(one["reason"], one["name"]) for one in mine} == {("ClusterUnknown", "one")}
    drift = local.get("/api/v1/accessreviews/drift").json()
    assert [(one["cluster"], one["known"]) for one in drift["clusters"]] == [("one", False)]
    assert [one["state"] for one in drift["items"]] == ["Unknown"]
    assert local.get("/api/v1/accessreviews/drift?cluster=two").status_code == 404
    for path in ("drift", "orphans"):
        eve = person(f"eve-{path}", "clusters.view", clusters=["one"])
        assert eve.get(f"/api/v1/accessreviews/{path}").status_code == 403
        assert eve.get(f"/api/v1/accessreviews/{path}?cluster=one").status_code == 403
    response: Any = fleet.client.get("/api/v1/accessreviews/drift?format=csv")
    text = b"".join(response.streaming_content)
    assert text.decode().splitlines()[0].startswith("cluster,state,kind")
    assert text.count(b"Unknown") == 2


def test_clusters_come_in_pages(fleet: Portal) -> None:
    first = fleet.call("get", "accessreviews/drift?limit=1")
    assert [one["cluster"] for one in first["clusters"]] == ["one"]
    rest = fleet.call("get", f"accessreviews/drift?continue={first['metadata']['continue']}")
    assert [one["cluster"] for one in rest["clusters"]] == ["two"]
    assert rest["metadata"]["continue"] is None
