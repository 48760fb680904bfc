"""Access reviews over REST: whom they answer, what they say, and what they cost."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.deriving import derive
from accounts.models import AuditEntry, Binding, Role, User
from accounts.services.bindings import binding_apply
from accounts.services.memberships import user_groups_moved
from accounts.services.people import user_save
from accounts.services.tokens import token_create
from fleet.models import Cluster, Namespace
from kubecarrier.lib import audit
from kubecarrier.lib.manifests import Wish
from tests.db.conftest import application
from tests.db.rights import bind, client_of, person, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db
Json = dict[str, Any]


def ask(client: APIClient, code: Any = 200, **body: Any) -> Json:
    response = client.post("/api/v1/accessreviews/can-i", body, format="json")
    assert response.status_code == code, response.content
    return dict(response.json() if code == 200 else response.json()["error"])


def get(client: APIClient, path: str, code: Any = 200, **query: str) -> Json:
    response = client.get(f"/api/v1/{path}", query)
    assert response.status_code == code, response.content
    return dict(response.json() if code == 200 else response.json()["error"])


def streamed(response: Any) -> str:
    """The text of a download."""
    return b"".join(response.streaming_content).decode()


def team(*names: str) -> Group:
    """A group of people who are made for it."""
    group = Group.objects.create(name="dev")
    for name in names:
        user = User.objects.create_user(name, password="a-long-password")
        user_groups_moved(user=user, gained=[group], lost=())
    return group


def bind_group(name: str, group: str, role_name: str, **scope: Any) -> Binding:
    spec = {"role": role_name, "users": [], "groups": [group], "scope": scope}
    found: Binding = binding_apply(actor=None, wish=Wish(name, {}, spec)).row
    return found


# --- may I --------------------------------------------------------------------------------


def test_of_oneself_everybody_may_ask_and_hears_why(fleet: Portal) -> None:
    team("ann")
    fleet.apply("shop", **application())
    bind_group("dev-one", "dev", "editor", clusters=["one"])
    ann = client_of(User.objects.get(username="ann"))
    yes = ask(ann, verb="view", kind="releases", name="shop.one")
    assert (yes["allowed"], yes["reason"], yes["right"]) == (True, "Held", "releases.view")
    assert yes["message"] == "By binding dev-one (editor) to group dev."
    assert ask(ann, 404, verb="view", kind="releases", name="shop.two")["field"] == "name"


def test_by_any_name_of_a_kind_and_as_a_whole_right(fleet: Portal) -> None:
    fleet.apply("shop", **application())
    held = ("applications.view", "applications.scale", "clusters.view")
    client = person("ann", *held, clusters=["one"])
    part = ask(client, verb="scale", kind="app", name="shop")
    assert (part["allowed"], part["reason"]) == (False, "HeldInPart")
    assert "1 of the 2 places" in part["message"]
    assert ask(client, verb="applications.view", name="shop")["allowed"] is True
    there = ask(client, verb="scale", kind="Application", cluster="one")
    assert there["allowed"] is True
    assert there["by"] == [
        {
            "through": "direct",
            "binding": "ann-role-of-ann",
            "role": "role-of-ann",
            "where": "clusters one",
            "on": "cluster one",
            "group": None,
        }
    ]
    everywhere = ask(client, verb="scale", kind="applications")
    assert (everywhere["allowed"], everywhere["reason"]) == (False, "HeldElsewhere")
    assert everywhere["message"] == "Held elsewhere only: cluster one."
    assert everywhere["on"] == "the platform"
    assert ask(client, verb="delete", kind="applications")["reason"] == "NotHeld"


def test_a_namespace(fleet: Portal) -> None:
    one = Cluster.objects.get(name="one")
    with audit.unaudited("a test"):
        Namespace.objects.create(
            cluster=one, name="shop", state="Active", seen_at="2026-01-01T00:00:00Z"
        )
    client = person("ann", "resources.edit", "clusters.view", "namespaces.view",
                    clusters=["one"], namespaces=["shop"])  # fmt: skip
    there = ask(client, verb="edit", kind="resources", cluster="one", namespace="shop")
    assert there["allowed"] is True
    assert there["by"][0]["on"] == "namespace shop on cluster one"
    whole = ask(client, verb="edit", kind="namespaces", cluster="one")
    assert (whole["allowed"], whole["reason"]) == (False, "NotHeld")


def test_a_token_is_asked_for_what_it_is_meant_for(fleet: Portal) -> None:
    ann = User.objects.create_user("ann", password="a-long-password")
    bind(ann, "editor")
    _, secret = token_create(user=ann, name="t", scopes=["read-only"])
    client = APIClient(headers={"Authorization": f"Token {secret}"})
    assert ask(client, verb="view", kind="clusters")["allowed"] is True
    said = ask(client, verb="edit", kind="clusters")
    assert (said["allowed"], said["reason"]) == (False, "TokenNarrower")


def test_superusers_hold_everything(fleet: Portal) -> None:
    said = fleet.call("post", "accessreviews/can-i", {"verb": "delete", "kind": "clusters"})
    assert (said["allowed"], said["reason"]) == (True, "Superuser")
    assert said["by"][0]["through"] == "superuser"


def test_of_others_by_right_only_and_names_stay_hidden(fleet: Portal) -> None:
    ben = User.objects.create_user("ben", password="a-long-password")
    bind(ben, "viewer", clusters=["one"])
    nobody = person("ann")
    for name in ("ben", "no-such-person"):
        assert ask(nobody, 403, verb="view", kind="clusters", user=name)["code"] == (
            "permission_denied"
        )
    local = person("cem", "accessreviews.view", "clusters.view", clusters=["one"])
    asked = {"verb": "view", "kind": "clusters", "user": "ben"}
    assert ask(local, cluster="one", **asked)["allowed"] is True
    assert ask(local, 403, **asked)["code"] == "permission_denied"
    assert ask(local, 404, cluster="two", **asked)["code"] == "not_found"
    assert ask(local, 404, cluster="one", **(asked | {"user": "x"}))["code"] == "person_unknown"
    # Where else somebody holds it is for who may review that place.
    bind(ben, "editor", clusters=["two"])
    edit = {"verb": "edit", "kind": "clusters", "user": "ben"}
    there = ask(local, cluster="one", **edit)
    assert (there["allowed"], there["reason"], there["by"]) == (False, "NotHeld", [])
    everywhere = ask(fleet.client, cluster="one", **edit)
    assert (everywhere["reason"], everywhere["by"][0]["on"]) == ("HeldElsewhere", "cluster two")
    ben.is_active = False
    user_save(user=ben)
    gone = ask(local, cluster="one", **asked)
    assert (gone["allowed"], gone["reason"]) == (False, "Inactive")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "required", "verb"),
        ({"verb": "edit"}, "kind_unknown", "kind"),
        ({"verb": "fly", "kind": "clusters"}, "right_unknown", "verb"),
        ({"verb": "edit", "kind": "unicorns"}, "kind_unknown", "kind"),
        ({"verb": "clusters.edit", "kind": "app"}, "right_ambiguous", "verb"),
        ({"verb": "edit", "kind": "users", "name": "ann"}, "name_unsupported", "name"),
        ({"verb": "edit", "kind": "app", "namespace": "x"}, "cluster_missing", "cluster"),
        ({"verb": "edit", "kind": "app", "project": "x", "cluster": "y"}, "place_ambiguous", "project"),
        ({"verb": "edit", "kind": "app", "as": "ann"}, "field_unknown", "as"),
    ],
)  # fmt: skip
def test_what_makes_no_question(portal: Portal, body: Json, code: str, field: str) -> None:
    said = ask(portal.client, 400, **body)
    assert (said["code"], said["field"]) == (code, field)


def test_what_is_out_of_sight_is_not_there(fleet: Portal) -> None:
    fleet.apply("shop", **application())
    client = person("ann", "applications.view", clusters=["two"])
    absent = ask(client, 404, verb="view", kind="releases", name="shop.none")
    hidden = ask(client, 404, verb="view", kind="releases", name="shop.one")
    assert absent["code"] == hidden["code"] == "not_found"
    assert ask(client, 404, verb="edit", kind="app", cluster="one")["code"] == "not_found"


# --- who can ------------------------------------------------------------------------------


def test_who_can_with_binding_and_group(fleet: Portal) -> None:
    team("ann", "ben")
    bind_group("dev-one", "dev", "editor", clusters=["one"])
    robot = User.objects.create_user("sa:robot")
    bind(robot, "editor", name="robot")
    token_create(user=robot, name="all")
    token_create(user=robot, name="little", scopes=["read-only"])
    ben = User.objects.get(username="ben")
    ben.is_active = False
    user_save(user=ben)
    found = get(fleet.client, "accessreviews/who-can", verb="edit", kind="cluster", name="one")
    assert found["right"] == "clusters.edit"
    said = {one["user"]: one for one in found["items"]}
    assert list(said) == ["admin", "ann", "ben", "sa:robot"]
    assert said["admin"]["by"][0]["through"] == "superuser"
    assert said["ann"]["by"][0]["group"] == "dev"
    assert (said["ben"]["active"], said["ben"]["allowed"]) == (False, False)
    assert (said["sa:robot"]["kind"], said["sa:robot"]["tokens"]) == ("ServiceAccount", 1)
    other = get(fleet.client, "accessreviews/who-can", verb="edit", kind="cluster", name="two")
    assert [one["user"] for one in other["items"]] == ["admin", "sa:robot"]


def test_who_can_by_right_and_in_pages(fleet: Portal) -> None:
    team(*(f"p{number}" for number in range(5)))
    bind_group("dev", "dev", "viewer", platform=True)
    query = {"verb": "view", "kind": "nodes"}
    assert get(person("eve"), "accessreviews/who-can", 403, **query)["code"] == "permission_denied"
    seen: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = get(fleet.client, "accessreviews/who-can", limit="2", **query, **more)
        seen += [one["user"] for one in page["items"]]
        if not (token := page["metadata"]["continue"]):
            break
        more = {"continue": token}
    assert seen == ["admin", "p0", "p1", "p2", "p3", "p4"]


# --- the review ------------------------------------------------------------------------------


def test_lines_with_filters(fleet: Portal) -> None:
    team("ann", "ben")
    bind_group("dev-one", "dev", "editor", clusters=["one"])
    bind_group("dev-prod", "dev", "viewer", selector="env=prod")
    bind(User.objects.get(username="ann"), "viewer", name="ann-two", clusters=["two"])
    bind(User.objects.get(username="ben"), "editor", name="ben-ns", clusters=["two"], namespaces=["shop"])  # fmt: skip

    def lines(**query: str) -> list[tuple[str, str, str]]:
        items = get(fleet.client, "accessreviews", **query)["items"]
        return [(one["user"], one["binding"], one["through"]) for one in items]

    assert lines() == [
        ("admin", "administrators", "superuser"),
        ("ann", "ann-two", "direct"),
        ("ann", "dev-one", "group"),
        ("ann", "dev-prod", "group"),
        ("ben", "ben-ns", "direct"),
        ("ben", "dev-one", "group"),
        ("ben", "dev-prod", "group"),
    ]
    assert lines(user="ann", role="viewer") == [
        ("ann", "ann-two", "direct"),
        ("ann", "dev-prod", "group"),
    ]
    assert [one[1] for one in lines(group="dev", user="ben")] == ["dev-one", "dev-prod"]
    assert {one[1] for one in lines(right="clusters.edit")} == {"administrators", "dev-one"}
    # A role that can be held on less than it names gives there what can be held there.
    assert {one[1] for one in lines(right="users.view")} == {"administrators"}
    assert {one[1] for one in lines(right="nodes.view", user="ben")} == {"dev-one", "dev-prod"}
    assert {one[1] for one in lines(cluster="two")} == {"administrators", "ann-two", "ben-ns"}
    assert {one[1] for one in lines(cluster="two", namespace="other")} == {
        "administrators",
        "ann-two",
    }
    assert {one[1] for one in lines(cluster="one")} == {"administrators", "dev-one", "dev-prod"}
    assert get(fleet.client, "accessreviews", 400, right="x")["field"] == "right"
    assert get(fleet.client, "accessreviews", 404, cluster="none")["code"] == "not_found"
    assert get(fleet.client, "accessreviews", 400, whom="x")["code"] == "parameter_unknown"
    bad = {"continue": "bm8="}
    assert get(fleet.client, "accessreviews", 400, **bad)["code"] == "continue_invalid"


def test_projects(fleet: Portal) -> None:
    body = {"spec": {"placement": {"clusters": ["one"]}, "namespaces": [{"name": "shop"}]}}
    fleet.call("put", "projects/red", body)
    team("ann")
    bind_group("dev-red", "dev", "editor", project="red")
    for query in ({"project": "red"}, {"cluster": "one"}, {"cluster": "one", "namespace": "shop"}):
        items = get(fleet.client, "accessreviews", user="ann", **query)["items"]
        assert [one["binding"] for one in items] == ["dev-red"], query
    for query in ({"cluster": "two"}, {"cluster": "one", "namespace": "x"}):
        assert get(fleet.client, "accessreviews", user="ann", **query)["items"] == []
    owner = person("olga", "accessreviews.view", "projects.view", project="red")
    users = [o["user"] for o in get(owner, "accessreviews", project="red")["items"]]
    assert users == ["admin", "ann", "olga"]
    assert [o["user"] for o in get(owner, "accessreviews")["items"]] == ["olga"]
    assert get(owner, "accessreviews", 403, user="ann")["code"] == "permission_denied"


def test_pages_hold_every_line_once(fleet: Portal) -> None:
    team(*(f"p{number}" for number in range(4)))
    for number in range(4):
        bind_group(f"b-{number}", "dev", "viewer", platform=True)
    bind(User.objects.get(username="p1"), "viewer", name="b", platform=True)
    every = get(fleet.client, "accessreviews")["items"]
    seen: list[Json] = []
    token = ""
    while True:
        more = {"continue": token} if token else {}
        page = get(fleet.client, "accessreviews", limit="3", **more)
        seen += page["items"]
        if (token := page["metadata"]["continue"]) is None:
            break
    assert seen == every
    assert len(every) == 4 * 4 + 1 + 1


def test_csv_is_whole_safe_and_on_record(fleet: Portal) -> None:
    evil = Group.objects.create(name='=HYPERLINK("http://x")')
    user = User.objects.create_user("ann", password="a-long-password")
    user_groups_moved(user=user, gained=[evil], lost=())
    bind_group("evil", evil.name, "viewer", platform=True)
    response = fleet.client.get("/api/v1/accessreviews?format=csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = streamed(response)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["user"] for row in rows] == ["admin", "ann"]
    assert rows[1]["group"] == '\'=HYPERLINK("http://x")'
    entry = AuditEntry.objects.get(event="access-review-exported")
    assert (entry.actor_name, entry.changes_text) == ("admin", "bindings")
    accepted = fleet.client.get(
        "/api/v1/accessreviews/who-can?verb=clusters.view", headers={"Accept": "text/csv"}
    )
    assert streamed(accepted).count("\r\n") == 3
    usual = {"Accept": "application/json"}  # as every client of the API sends it
    both = fleet.client.get("/api/v1/accessreviews?format=csv", headers=usual)
    assert streamed(both) == text
    odd = fleet.client.get("/api/v1/accessreviews?format=xml", headers=usual)
    assert (odd.status_code, odd.json()["error"]["code"]) == (400, "format_invalid")
    refused = fleet.client.get("/api/v1/accessreviews?format=csv&right=x")
    assert refused.status_code == 400
    assert refused.headers["Content-Type"] == "application/json"
    assert refused.json()["error"]["code"] == "right_unknown"


# --- what it costs ---------------------------------------------------------------------------


def test_five_hundred_people_and_twenty_thousand_grants(fleet: Portal) -> None:
    """As many queries as with three people: nothing is asked person by person."""
    fleet.apply("shop", **application())
    questions: list[Any] = [
        lambda: ask(fleet.client, verb="scale", kind="app", name="shop", user="p7"),
        lambda: get(fleet.client, "accessreviews/who-can", verb="app.scale", name="shop", limit="500"),
        lambda: get(fleet.client, "accessreviews", cluster="one", limit="500"),
        lambda: get(fleet.client, "accessreviews", right="applications.scale", limit="500"),
    ]  # fmt: skip
    _crowd(8, groups=2, bindings=2)
    few = [_queries(one) for one in questions]
    _crowd(500, groups=20, bindings=40)
    many = [_queries(one) for one in questions]
    assert many == few
    assert max(many) <= 32
    assert len(questions[1]()["items"]) == 500


def _queries(question: Any) -> int:
    with CaptureQueriesContext(connection) as seen:
        question()
    return len(seen)


def _crowd(people: int, *, groups: int, bindings: int) -> None:
    """Each person in some group, each binding for a group and some people by name."""
    found = Role.objects.filter(name="crowd").first() or role("crowd", "applications.scale")
    with audit.unaudited("a test"):
        known = set(User.objects.values_list("username", flat=True))
        names = [f"p{number}" for number in range(people) if f"p{number}" not in known]
        users = User.objects.bulk_create([User(username=name, password="!") for name in names])
        shared = Group.objects.bulk_create([Group(name=f"g{people}-{n}") for n in range(groups)])
        through: Any = User.groups.through
        through.plain.bulk_create(
            [through(user=u, group=shared[i % groups]) for i, u in enumerate(users)]
        )
    made = []
    for number in range(bindings):
        spec = {"role": "crowd", "users": [], "groups": [], "scope": {"clusters": ["one", "two"]}}
        made.append(binding_apply(actor=None, wish=Wish(f"c{people}-{number}", {}, spec)).row)
    users_of: Any = Binding.users.through
    groups_of: Any = Binding.groups.through
    with audit.unaudited("a test"):
        users_of.plain.bulk_create(
            [users_of(binding=b, user=u) for b in made for u in users], batch_size=5000
        )
        groups_of.plain.bulk_create(
            [groups_of(binding=b, group=shared[i % groups]) for i, b in enumerate(made)]
        )
    for binding in made:
        binding.role = found
        derive(binding)
