"""What bindings give: who sees and may do what, and what follows when anything changes."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from guardian.shortcuts import get_perms
from rest_framework.test import APIClient

from accounts.models import Binding, User
from accounts.services.bindings import binding_delete
from fleet.grants import deriving as granting
from fleet.models import Cluster, ClusterGrant, Namespace, Node
from kubecarrier.lib import access, audit
from kubecarrier.lib.errors import DeniedError
from tests.db.conftest import add_cluster, application
from tests.db.rights import bind, client_of, person, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db

SEE = ("clusters.view", "applications.view", "releases.view", "nodes.view", "namespaces.view")


def names(client: APIClient, plural: str) -> set[str]:
    response = client.get(f"/api/v1/{plural}")
    assert response.status_code == 200, response.content
    return {item["metadata"]["name"] for item in response.json()["items"]}


def namespaces(*pairs: tuple[str, str]) -> None:
    """These namespaces were seen."""
    for cluster, name in pairs:
        row = Cluster.objects.get(name=cluster)
        Namespace.objects.create(cluster=row, name=name, state="Active", seen_at=timezone.now())
        granting.namespaces_changed(row)


@pytest.fixture
def shop(fleet: Portal) -> Portal:
    """`shop` on both clusters, `solo` on one, in namespaces of their names."""
    fleet.apply("shop", **application())
    fleet.apply("solo", **application(namespace="solo", placement={"clusters": ["one"]}))
    namespaces(("one", "shop"), ("two", "shop"), ("one", "solo"))
    for cluster in Cluster.objects.all():
        Node.objects.create(
            cluster=cluster, name=f"n-{cluster}", ready=True, seen_at=timezone.now()
        )
    return fleet


class TestScopes:
    def test_nothing_without_a_binding(self, shop: Portal) -> None:
        client = person("eve")
        for plural in ("clusters", "applications", "nodes"):
            assert names(client, plural) == set()
        assert client.get("/api/v1/clusters/one").status_code == 404

    def test_platform(self, shop: Portal) -> None:
        client = person("pia", *SEE)
        assert names(client, "clusters") == {"one", "two"}
        assert names(client, "releases") == {"shop.one", "shop.two", "solo.one"}

    def test_cluster_by_name(self, shop: Portal) -> None:
        client = person("cleo", *SEE, clusters=["two"])
        assert names(client, "clusters") == {"two"}
        assert names(client, "nodes") == {"n-two"}
        assert names(client, "releases") == {"shop.two"}
        assert names(client, "applications") == {"shop"}

    def test_namespace(self, shop: Portal) -> None:
        client = person("nina", *SEE, clusters=["one"], namespaces=["solo"])
        assert names(client, "releases") == {"solo.one"}
        assert names(client, "applications") == {"solo"}
        assert names(client, "namespaces") == {"solo"}
        assert names(client, "clusters") == {"one"}
        assert names(client, "nodes") == set()  # a node is of the cluster, not of a namespace

    def test_through_a_group(self, shop: Portal) -> None:
        from django.contrib.auth.models import Group

        user = User.objects.create_user("gus")
        group = Group.objects.create(name="team")
        bound = bind(user, "viewer", clusters=["two"])
        bound.users.clear()
        bound.groups.add(group)
        from accounts.following import follow

        follow(bound)
        assert names(client_of(user), "clusters") == set()
        user.groups.add(group)
        assert names(client_of(user), "clusters") == {"two"}
        user.groups.remove(group)
        assert names(client_of(user), "clusters") == set()

    def test_guardian_knows_it_too(self, shop: Portal) -> None:
        user = User.objects.create_user("gil")
        bind(user, "viewer", clusters=["two"])
        two = Cluster.objects.get(name="two")
        assert user.has_perm("fleet.clusters.view", two)
        assert not user.has_perm("fleet.clusters.edit", two)
        assert "nodes.view" in get_perms(user, two)
        assert get_perms(user, Cluster.objects.get(name="one")) == []

    def test_superuser_needs_none(self, shop: Portal) -> None:
        root = User.objects.create_superuser("root", "r@example.org", "a-long-password")
        assert names(client_of(root), "clusters") == {"one", "two"}

    def test_inactive_holds_nothing(self, shop: Portal) -> None:
        user = User.objects.create_user("ina", is_active=False)
        bind(user, "cluster-admin")
        assert not access.may(user, "clusters.view", Cluster.objects.first())
        assert not access.visible(Cluster.objects.all(), user).exists()


class TestFollowing:
    def test_a_new_cluster_and_its_labels(self, shop: Portal) -> None:
        client = person("sel", *SEE, selector="env=prod")
        assert names(client, "clusters") == {"one"}
        add_cluster(shop, "three", labels={"env": "prod"})
        assert names(client, "clusters") == {"one", "three"}
        shop.call("patch", "clusters/three", {"metadata": {"labels": {"env": None}}})
        assert names(client, "clusters") == {"one"}

    def test_rename_keeps_and_removal_takes(self, shop: Portal) -> None:
        client = person("cleo", *SEE, clusters=["two"])
        shop.call("post", "clusters/two/rename", {"newName": "zwei"})
        assert names(client, "clusters") == {"zwei"}
        assert Binding.objects.get(name="cleo-role-of-cleo").scope["clusters"] == ["zwei"]
        shop.call("delete", "clusters/zwei")
        add_cluster(shop, "zwei")  # another cluster of that name
        assert names(client, "clusters") == set()

    def test_a_namespace_that_comes_back_is_held_again(self, shop: Portal) -> None:
        client = person("nina", *SEE, clusters=["one"], namespaces=["solo"])
        Namespace.objects.filter(name="solo").delete()
        assert names(client, "releases") == set()
        namespaces(("one", "solo"))
        assert names(client, "releases") == {"solo.one"}

    def test_a_role_that_changes(self, shop: Portal) -> None:
        client = person("roy", "clusters.view")
        assert names(client, "applications") == set()
        role("role-of-roy", "applications.view")
        assert names(client, "applications") == {"shop", "solo"}
        assert names(client, "clusters") == set()

    def test_one_binding_never_takes_what_another_gives(self, shop: Portal) -> None:
        user = User.objects.create_user("two-bindings")
        first = bind(user, "viewer", name="first", clusters=["one"])
        bind(user, "viewer", name="second", clusters=["one", "two"])
        binding_delete(actor=None, row=first)
        assert names(client_of(user), "clusters") == {"one", "two"}

    def test_deriving_again_changes_nothing(
        self, shop: Portal, django_assert_num_queries: Any
    ) -> None:
        from accounts import deriving
        from fleet.models import ClusterUserRight

        user = User.objects.create_user("dee")
        bound = bind(user, "viewer", clusters=["one", "two"])
        before = set(ClusterUserRight.objects.values_list("pk", flat=True))
        deriving.derive(bound)
        assert before == set(ClusterUserRight.objects.values_list("pk", flat=True)) != set()

    def test_grants_follow(self, shop: Portal) -> None:
        user = User.objects.create_user("ada")
        bound = bind(user, "editor", selector="env=prod", namespaces=["shop"])
        (grant,) = ClusterGrant.objects.filter(binding=bound)
        assert grant.name == "ada-editor.one"
        assert grant.wanted["namespaces"] == ["shop"]
        assert grant.wanted["subjects"] == [{"kind": "User", "name": "kubecarrier:ada"}]
        shown = shop.call("get", "clustergrants/ada-editor.one")["status"]
        assert (shown["binding"], shown["cluster"]) == ("ada-editor", "one")
        generation = grant.generation
        granting.place(bound)
        grant.refresh_from_db()
        assert grant.generation == generation


class TestVerbs:
    def test_viewer_sees_and_does_nothing(self, shop: Portal) -> None:
        user = User.objects.create_user("vera")
        bind(user, "viewer")
        client = client_of(user)
        assert client.get("/api/v1/applications/shop").status_code == 200
        for method, path, body in (
            ("post", "applications/shop/scale", {"replicas": 2}),
            ("post", "applications/shop/rollback", {"revision": 1}),
            ("delete", "applications/shop", None),
            ("patch", "applications/shop", {"spec": {"timeoutSeconds": 60}}),
            ("post", "clusters/one/probe", None),
            ("patch", "clusters/one", {"spec": {"region": "x"}}),
            ("delete", "clusters/one", None),
            ("put", "repositories/new", {"spec": {"type": "local"}}),
        ):
            response = getattr(client, method)(f"/api/v1/{path}", body, format="json")
            assert response.status_code == 403, (path, response.content)
        denied = shop_denied(user)
        assert len(denied) == 8

    def test_editor_edits_but_removes_no_cluster_and_touches_no_credential(
        self, shop: Portal
    ) -> None:
        user = User.objects.create_user("edi")
        bind(user, "editor")
        client = client_of(user)
        patch = {"spec": {"timeoutSeconds": 60}}
        assert client.patch("/api/v1/applications/shop", patch, format="json").status_code == 202
        assert client.delete("/api/v1/clusters/one").status_code == 403
        given = {"token": "other"}
        assert client.post("/api/v1/clusters/one/rotate", given, format="json").status_code == 403
        binding = {"spec": {"role": "viewer", "users": ["edi"], "scope": {"platform": True}}}
        assert client.put("/api/v1/bindings/mine", binding, format="json").status_code == 403

    def test_in_one_cluster_only(self, shop: Portal) -> None:
        """An application on two clusters is changed by who holds both; on one cluster by its own."""
        client = person("one", *SEE, "applications.edit", "applications.rollback", clusters=["one"])
        patch = {"spec": {"timeoutSeconds": 60}}
        assert client.patch("/api/v1/applications/shop", patch, format="json").status_code == 403
        assert client.patch("/api/v1/applications/solo", patch, format="json").status_code == 202
        there = {"spec": {"placement": {"clusters": ["one", "two"]}}}
        assert client.patch("/api/v1/applications/solo", there, format="json").status_code == 403
        every = {"spec": {"placement": {"clusters": [], "selector": "env=prod"}}}
        assert client.patch("/api/v1/applications/solo", every, format="json").status_code == 403

    def test_a_namespace_is_not_enough_for_a_chart(self, shop: Portal) -> None:
        """It is deployed by the portal's account: it would reach the whole cluster."""
        verbs = ("create", "edit", "upgrade", "scale")
        given = (f"applications.{verb}" for verb in verbs)
        client = person("nat", *SEE, *given, clusters=["one"], namespaces=["solo"])
        inside = {"spec": application(namespace="solo", placement={"clusters": ["one"]})}
        assert client.put("/api/v1/applications/mine", inside, format="json").status_code == 403
        for spec in ({"values": "a: b\n"}, {"version": "0.2.0"}):
            answer = client.patch("/api/v1/applications/solo", {"spec": spec}, format="json")
            assert answer.status_code == 403, spec
        scale = {"replicas": 2}
        answer = client.post("/api/v1/applications/solo/scale", scale, format="json")
        assert answer.status_code == 202

    def test_create_within_one_s_clusters(self, shop: Portal) -> None:
        client = person("cara", *SEE, "applications.create", clusters=["one"])
        inside = {"spec": application(namespace="solo", placement={"clusters": ["one"]})}
        assert client.put("/api/v1/applications/mine", inside, format="json").status_code == 201
        outside = {"spec": application(namespace="solo", placement={"clusters": ["two"]})}
        assert client.put("/api/v1/applications/other", outside, format="json").status_code == 403
        nowhere = {"spec": application(placement={"clusters": []})}
        assert client.put("/api/v1/applications/none", nowhere, format="json").status_code == 403
        assert names(client, "applications") == {"mine", "shop", "solo"}

    def test_a_taken_name_out_of_sight(self, shop: Portal) -> None:
        client = person("sly", *SEE, "applications.create", clusters=["two"])
        spec = {"spec": application(placement={"clusters": ["two"]})}
        assert client.get("/api/v1/applications/solo").status_code == 404
        assert client.put("/api/v1/applications/solo", spec, format="json").status_code == 409
        nobody = person("nob", *SEE, clusters=["two"])
        hidden = nobody.put("/api/v1/applications/solo", spec, format="json")
        absent = nobody.put("/api/v1/applications/soli", spec, format="json")
        assert (hidden.status_code, absent.status_code) == (403, 403)


class TestParts:
    """Field by field: what a part of `edit` allows, and nothing beside it."""

    @pytest.mark.parametrize(
        ("verb", "spec", "code"),
        [
            ("scale", {"values": "replicaCount: 3\n"}, 202),
            ("scale", {"values": "replicaCount: 3\nenv: [x]\n"}, 403),
            ("scale", {"values": "replicaCount: {a: 1}\n"}, 403),
            ("scale", {"values": "replicaCount: true\n"}, 403),
            ("scale", {"values": "image: {tag: v2}\n"}, 403),
            ("scale", {"namespace": "other"}, 403),
            ("scale", {"placement": {"clusters": ["one"]}}, 403),
            (
                "scale",
                {
                    "placement": {
                        "clusters": ["one", "two"],
                        "overrides": {"one": {"values": {"replicaCount": 2}}},
                    }
                },
                202,
            ),
            ("image", {"values": "image: {tag: v2}\n"}, 202),
            ("image", {"values": "image: {repository: evil}\n"}, 403),
            ("image", {"values": 'image: {tag: "v2\\"\\n  hostNetwork: true"}\n'}, 403),
            ("image", {"values": "image: {tag: [x]}\n"}, 403),
            ("upgrade", {"version": "0.2.0"}, 202),
            ("upgrade", {"version": "0.2.0", "keepResources": True}, 403),
            ("rollback", {"version": "0.2.0"}, 403),
        ],
    )
    def test_apply(self, shop: Portal, verb: str, spec: Any, code: int) -> None:
        client = person("part", *SEE, f"applications.{verb}")
        response = client.patch("/api/v1/applications/shop", {"spec": spec}, format="json")
        assert response.status_code == code, response.content

    def test_actions(self, shop: Portal) -> None:
        shop.call("post", "applications/shop/scale", {"replicas": 2})
        client = person("roll", *SEE, "applications.rollback")
        body = {"revision": 1}
        assert (
            client.post("/api/v1/applications/shop/rollback", body, format="json").status_code
            == 202
        )
        for action, given in (
            ("scale", {"replicas": 1}),
            ("upgrade", {"version": "0.2.0"}),
            ("redeploy", {}),
            ("suspend", {}),
        ):
            response = client.post(f"/api/v1/applications/shop/{action}", given, format="json")
            assert response.status_code == 403, action

    def test_operating_without_deleting(self, shop: Portal) -> None:
        client = person("op", *SEE, "clusters.operate")
        assert client.post("/api/v1/clusters/one/suspend").status_code == 202
        assert client.delete("/api/v1/clusters/one").status_code == 403
        patch = {"spec": {"suspended": False}}
        assert client.patch("/api/v1/clusters/one", patch, format="json").status_code == 202
        assert (
            client.patch(
                "/api/v1/clusters/one", {"spec": {"region": "x"}}, format="json"
            ).status_code
            == 403
        )


def shop_denied(user: User) -> list[Any]:
    from accounts.models import AuditEntry

    return list(AuditEntry.objects.filter(event="denied", actor=user))


def test_the_portal_itself_and_an_edge_without_a_person(fleet: Portal) -> None:
    with audit.acting(audit.AuditContext(audit.Channel.RECONCILER)):
        access.demand("clusters.delete")
    for channel in (audit.Channel.API, audit.Channel.CONSOLE, audit.Channel.CLI, audit.Channel.GIT):
        with audit.acting(audit.AuditContext(channel)), pytest.raises(DeniedError):
            access.demand("clusters.delete")
