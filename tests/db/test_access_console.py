"""The console's access review: every tab for everybody, and what nobody should have typed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.services.bindings import binding_apply
from accounts.services.memberships import user_groups_moved
from fleet.models import Cluster, Project
from kubecarrier.lib.manifests import Wish
from tests.db.rights import bind
from tests.portal import Portal

pytestmark = pytest.mark.django_db
PAGE = "/admin/access-review/"
TABS = ("person", "right", "cluster", "drift", "orphans")


def console(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def text(client: Client, query: str = "") -> str:
    response = client.get(f"{PAGE}{query}")
    assert response.status_code == 200, response.content
    return str(response.content.decode())


@pytest.fixture
def people(fleet: Portal) -> None:
    """Ann and Ben in a group that edits cluster one; Olga reviews it."""
    team = Group.objects.create(name="dev")
    for name in ("ann", "ben", "olga"):
        user = User.objects.create_user(name, password="a-long-password")
        if name != "olga":
            user_groups_moved(user=user, gained=[team], lost=())
    spec = {"role": "editor", "users": [], "groups": ["dev"], "scope": {"clusters": ["one"]}}
    binding_apply(actor=None, wish=Wish("dev-one", {}, spec))
    bind(User.objects.get(username="olga"), "cluster-admin", clusters=["one"])


@pytest.mark.usefixtures("people")
def test_each_sees_what_is_his_to_see() -> None:
    own = text(console("ann"))
    assert "These are your own" in own
    assert "dev-one" in own
    assert ">ben<" not in own
    assert "tab=drift" not in own
    here = text(console("olga"), "?cluster=one")
    assert all(name in here for name in ("ann", "ben", "olga", "admin"))
    assert "it needs accessreviews.view" in text(console("ann"), "?user=ben")
    assert "it needs accessreviews.view" in text(console("ann"), "?tab=orphans")
    assert "There is no cluster" in text(console("olga"), "?cluster=two")
    drift = text(console("olga"), "?tab=drift")
    assert "<strong>one</strong>" in drift
    assert "<strong>two</strong>" not in drift


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("name", ["admin", "ann"])
@pytest.mark.parametrize(
    "query",
    [
        "?tab=nothing",
        "?after=bm8=",
        "?after=%00",
        "?user=%00",
        "?right=clusters.fly",
        "?cluster=%00&namespace=%00",
        "?namespace=x",
        "?project=none",
        "?user=" + "x" * 400,
        "?tab=right&right=clusters.edit&after=%00",
        "?tab=right&right=clusters.edit&name=%00",
        "?tab=right&right=clusters.edit&project=a&cluster=b",
        "?tab=right&right=users.view&name=ann",
        "?tab=right&right=x",
        "?tab=cluster&verb=get",
        "?tab=cluster&verb=GET!&cluster=one&resource=pods",
        "?tab=cluster&verb=get&cluster=one&resource=pods%0Ax",
        "?tab=cluster&verb=get&cluster=none&resource=pods",
        "?tab=drift&cluster=none",
        "?tab=drift&after=%00",
        "?tab=orphans&cluster=%00",
    ],
)
def test_whatever_is_asked_is_answered_with_a_page(name: str, query: str) -> None:
    assert "<script>x" not in text(console(name), query)


@pytest.mark.usefixtures("people")
def test_markup_is_text() -> None:
    page = text(console("admin"), "?user=%3Cscript%3Ex")
    assert "<script>x" not in page
    assert "There is no person of that name." in page


@pytest.mark.usefixtures("people")
def test_blocks_on_the_pages_of_places_and_people(fleet: Portal) -> None:
    fleet.call("put", "projects/red", {"spec": {"placement": {"clusters": ["one"]}}})
    one, red = Cluster.objects.get(name="one"), Project.objects.get(name="red")
    for name, title, shown in (
        ("admin", "Who can do what here", True),
        ("olga", "Who can do what here", True),
        ("ann", "What you can do here", False),
    ):
        page = console(name).get(reverse("admin:fleet_cluster_change", args=[one.pk]))
        body = page.content.decode()
        assert title in body
        assert (">ben" in body or "> ben" in body) == shown, name
    page = console("admin").get(reverse("admin:fleet_project_change", args=[red.pk]))
    assert "Who can do what here" in page.content.decode()
    ben = User.objects.get(username="ben")
    mine = console("admin").get(reverse("admin:accounts_user_change", args=[ben.pk]))
    assert "What ben can do" in mine.content.decode()
    assert "dev-one" in mine.content.decode()
    assert console("admin").get(reverse("admin:accounts_user_add")).status_code == 200


@pytest.mark.usefixtures("people")
def test_a_page_costs_the_same_with_more_people() -> None:
    client = console("admin")

    def queries(query: str) -> int:
        text(client, query)
        with CaptureQueriesContext(connection) as seen:
            text(client, query)
        return len(seen)

    asked = ("", "?tab=right&right=clusters.edit&cluster=one", "?right=clusters.edit")
    few: list[int] = [queries(one) for one in asked]
    team: Any = Group.objects.get(name="dev")
    for number in range(12):
        user = User.objects.create_user(f"p{number}", password="a-long-password")
        user_groups_moved(user=user, gained=[team], lost=())
        bind(user, "viewer")
    assert [queries(one) for one in asked] == few


def test_no_page_offers_django_s_permissions(admin_client: Client, admin_user: User) -> None:
    """They mean nothing here; what counts stands on the page, with the way to the review."""
    group = Group.objects.create(name="team")
    for model, row, wanted in (
        ("accounts_user", admin_user, "user=admin"),
        ("auth_group", group, "group=team"),
    ):
        page = admin_client.get(reverse(f"admin:{model}_change", args=[row.pk]))
        fields = set(page.context["adminform"].form.fields)
        assert not fields & {"permissions", "user_permissions"}
        assert f"{reverse('admin:access_review')}?{wanted}" in page.content.decode()
    permission = Permission.objects.first()
    assert permission is not None
    admin_client.post(
        reverse("admin:auth_group_change", args=[group.pk]),
        {"name": "team", "permissions": [permission.pk]},
    )
    assert not group.permissions.exists()
