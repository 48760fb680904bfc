"""Clusters: what their services do and refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.models import Application, ApplicationRevision, Release
from fleet.kube_errors import Unauthorized
from fleet.models import Cluster, Operation
from fleet.queries import connection_of
from fleet.services import imports
from fleet.services.clusters import cluster_apply, cluster_rotate
from kubecarrier.lib.errors import PreconditionError
from kubecarrier.lib.manifests import Wish
from tests.db.conftest import Clusters, add_cluster, application, counts, error
from tests.portal import Portal
from tests.unit.fleet import pki

pytestmark = pytest.mark.django_db
FAR = datetime(2126, 1, 1, tzinfo=UTC)
ONE = "https://one.example.org:6443"


def identity(name: str = "admin") -> pki.Identity:
    return pki.identity(name, ends=FAR)


def cluster(name: str = "one") -> Cluster:
    return Cluster.objects.get(name=name)


def test_created_with_its_identity_and_a_sealed_credential(portal: Portal) -> None:
    document = add_cluster(portal, "one", environment="prod")
    assert document["status"]["identity"] == f"uid of {ONE}"
    assert "credential" not in document["spec"]
    assert connection_of(cluster()).token == "canary-token-of-one"
    assert "canary" not in cluster().credential


def test_a_server_that_is_silent_today_is_taken(portal: Portal, servers: Clusters) -> None:
    servers.answers[ONE] = None
    assert add_cluster(portal, "one")["status"]["identity"] is None


def test_a_refused_credential_is_not_stored(portal: Portal, servers: Clusters) -> None:
    servers.answers[ONE] = Unauthorized("The credential is refused.", status=401)
    response = portal.client.put(
        "/api/v1/clusters/one",
        {"spec": {"server": ONE, "credential": {"token": "x"}}},
        format="json",
    )
    assert response.status_code == 422, response.content  # 401 would mean the caller
    assert not Cluster.objects.exists()


@pytest.mark.parametrize(
    "server", ["https://kube1:6443", "https://10.0.0.1", "https://[2001:db8::1]:6443"]
)
def test_hosts_that_are_no_public_names(portal: Portal, server: str) -> None:
    assert add_cluster(portal, "one", server=server)["spec"]["server"] == server


def test_the_same_cluster_twice(portal: Portal, servers: Clusters) -> None:
    add_cluster(portal, "one")
    servers.answers["https://two.example.org:6443"] = f"uid of {ONE}"
    body = {"name": "two", "server": "https://two.example.org:6443", "token": "t"}
    item = portal.call("post", "clusters/import", body)["items"][0]
    assert (item["result"], item["error"]["code"]) == ("error", "cluster_duplicate")
    assert item["error"]["data"] == {"cluster": "one"}
    taken = portal.call("post", "clusters/import", {**body, "name": "one"})["items"][0]
    assert taken["error"]["code"] == "cluster_name_taken"
    assert Cluster.objects.count() == 1


def test_one_bad_context_leaves_the_others_alone(portal: Portal) -> None:
    given = {
        "kubeconfig": kubeconfig("a", "b"),
        "contexts": ["*"],
        "names": {"a": "not-imported", "b": "good"},
    }
    Cluster.objects.create(name="not-imported", server="https://x.example.org")
    items = {i["context"]: i for i in portal.call("post", "clusters/import", given)["items"]}
    assert items["a"]["error"]["code"] == "cluster_name_taken"
    assert items["b"]["object"]["metadata"]["name"] == "good"


def kubeconfig(*names: str) -> str:
    lines = ["apiVersion: v1", "kind: Config", f"current-context: {names[0]}"]
    lines += ["clusters:"] + [
        f"- {{name: {n}, cluster: {{server: 'https://{n}.example.org'}}}}" for n in names
    ]
    lines += ["users:"] + [f"- {{name: {n}, user: {{token: secret-{n}}}}}" for n in names]
    lines += ["contexts:"] + [
        f"- {{name: {n}, context: {{cluster: {n}, user: {n}}}}}" for n in names
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("context", "name"),
    [
        ("kubernetes-admin@prod", "prod"),
        ("arn:aws/x/Prod_1", "prod-1"),
        ("---", "cluster"),
        ("a" * 80, "a" * 53),
    ],
)
def test_names_out_of_contexts(context: str, name: str) -> None:
    assert imports.name_from(context) == name


class TestApply:
    def test_what_was_read_can_be_applied_and_is_unchanged(self, portal: Portal) -> None:
        pem = identity().cert
        given = {"name": "one", "server": ONE, "token": "t", "caData": pem, "labels": {"a": "b"}}
        portal.call("post", "clusters/import", given)
        before = cluster()
        read = portal.call("get", "clusters/one")
        response = portal.client.put("/api/v1/clusters/one", read, format="json")
        assert response.status_code == 200, response.content
        assert response["X-KubeCarrier-Result"] == "unchanged"
        assert (cluster().generation, cluster().updated_at) == (
            before.generation,
            before.updated_at,
        )

    @pytest.mark.parametrize("spelling", [f"{ONE}/", ONE.replace("one", "ONE")])
    def test_another_spelling_of_the_same_address_is_unchanged(
        self, portal: Portal, spelling: str
    ) -> None:
        add_cluster(portal, "one")
        answer = portal.client.put(
            "/api/v1/clusters/one", {"spec": {"server": spelling}}, format="json"
        )
        assert (answer.status_code, answer["X-KubeCarrier-Result"]) == (200, "unchanged")

    @pytest.mark.parametrize(
        "change",
        [
            {"server": "https://evil.example.org"},
            {"caCertificate": identity("other").cert},
            {"tlsServerName": "evil.example.org"},
        ],
    )
    def test_another_destination_demands_the_credential(
        self, portal: Portal, servers: Clusters, change: dict[str, Any]
    ) -> None:
        add_cluster(portal, "one")
        servers.tried.clear()
        found = error(portal, "patch", "clusters/one", {"spec": change}, code=400)
        assert (found["code"], found["field"]) == ("credential_required", "spec.credential")
        assert servers.tried == []
        assert cluster().server == ONE

    def test_a_new_destination_with_credential_is_one_change(
        self, portal: Portal, servers: Clusters
    ) -> None:
        add_cluster(portal, "one")
        servers.answers["https://moved.example.org"] = f"uid of {ONE}"
        before = cluster().generation
        spec = {"server": "https://moved.example.org", "credential": {"token": "new"}}
        portal.call("patch", "clusters/one", {"spec": spec}, code=202)
        assert cluster().generation == before + 1
        assert (cluster().server, connection_of(cluster()).token) == (
            "https://moved.example.org",
            "new",
        )

    def test_stale_generation_is_refused_under_the_lock(self, portal: Portal) -> None:
        add_cluster(portal, "one")
        wish = Wish("one", {"a": "b"}, {"server": ONE, "ca_pem": ""}, generation=99)
        with pytest.raises(PreconditionError):
            cluster_apply(actor=None, wish=wish)
        assert cluster().labels == {}

    @pytest.mark.parametrize(
        ("credential", "field"),
        [
            ({}, "spec.credential"),
            ({"token": ""}, "spec.credential"),
            ({"clientCertificate": identity().cert}, "spec.credential"),
            ({"token": "two\nlines"}, "spec.credential.token"),
            ({"token": "unprintable \x07"}, "spec.credential.token"),
            (
                {"clientCertificate": "no pem", "clientKey": "no pem"},
                "spec.credential.clientCertificate",
            ),
            (
                {"clientCertificate": identity("a").cert, "clientKey": identity("b").key},
                "spec.credential.clientKey",
            ),
        ],
    )
    def test_bad_credentials(self, portal: Portal, credential: dict[str, str], field: str) -> None:
        before = counts()
        body = {"spec": {"server": ONE, "credential": credential}}
        assert error(portal, "put", "clusters/one", body, code=400)["field"] == field
        assert counts() == before

    def test_a_bad_ca(self, portal: Portal) -> None:
        body = {"spec": {"server": ONE, "credential": {"token": "t"}, "caCertificate": "hello"}}
        assert error(portal, "put", "clusters/one", body, code=400)["field"] == "spec.caCertificate"


class TestRotate:
    def test_rotates(self, portal: Portal) -> None:
        add_cluster(portal, "one")
        portal.call("post", "clusters/one/rotate", {"token": "fresh"}, code=202)
        assert connection_of(cluster()).token == "fresh"

    def test_another_cluster_behind_it(self, portal: Portal, servers: Clusters) -> None:
        add_cluster(portal, "one")
        servers.answers[ONE] = "somebody else"
        found = error(portal, "post", "clusters/one/rotate", {"token": "fresh"}, code=409)
        assert found["code"] == "another_cluster"
        assert connection_of(cluster()).token == "canary-token-of-one"

    def test_silent_server_keeps_the_old_credential(
        self, portal: Portal, servers: Clusters
    ) -> None:
        add_cluster(portal, "one")
        servers.answers[ONE] = None
        assert (
            error(portal, "post", "clusters/one/rotate", {"token": "f"}, code=409)["code"]
            == "cluster_unreachable"
        )
        assert connection_of(cluster()).token == "canary-token-of-one"

    def test_a_cluster_without_identity_takes_the_first_answer(
        self, portal: Portal, servers: Clusters
    ) -> None:
        servers.answers[ONE] = None
        add_cluster(portal, "one")
        servers.answers[ONE] = "uid"
        cluster_rotate(cluster=cluster(), connection=replace(connection_of(cluster()), token="b"))
        assert connection_of(cluster()).token == "b"


class TestRename:
    def test_placements_releases_and_history_follow(self, fleet: Portal) -> None:
        overrides = {"one": {"values": {"replicaCount": 2}}}
        fleet.apply(
            "shop", **application(placement={"clusters": ["one", "two"], "overrides": overrides})
        )
        fleet.apply("shop", **application(placement={"clusters": ["two"]}))
        fleet.apply("shop", **application(placement={"clusters": ["one"], "exclude": ["two"]}))
        wanted = dict(Release.objects.values_list("pk", "desired_digest"))
        generations = dict(Release.objects.values_list("pk", "generation"))
        fleet.call("post", "clusters/one/rename", {"newName": "first"}, code=202)

        row = Application.objects.get()
        assert row.placement["clusters"] == ["first"]
        release = Release.objects.get(cluster__name="first")
        assert release.name == "shop.first"
        assert release.deletion_requested_at is None
        assert release.desired_digest == wanted[release.pk]
        assert release.generation == generations[release.pk]  # nothing was asked of it in between
        oldest = ApplicationRevision.objects.get(application=row, number=1)
        assert oldest.spec["placement"]["clusters"] == ["first", "two"]
        assert set(oldest.spec["placement"]["overrides"]) == {"first"}

    def test_an_old_revision_is_renamed_also_when_the_present_one_does_not_name_it(
        self, fleet: Portal
    ) -> None:
        fleet.apply("shop", **application(placement={"clusters": ["one"]}))
        fleet.apply("shop", **application(placement={"clusters": ["two"]}))
        fleet.call("post", "clusters/one/rename", {"newName": "first"})
        oldest = ApplicationRevision.objects.get(number=1)
        assert oldest.spec["placement"]["clusters"] == ["first"]

    def test_taken_name(self, fleet: Portal) -> None:
        found = error(fleet, "post", "clusters/one/rename", {"newName": "two"}, code=409)
        assert found["code"] == "cluster_name_taken"

    def test_to_itself_changes_nothing(self, fleet: Portal) -> None:
        before = cluster().generation
        fleet.call("post", "clusters/one/rename", {"newName": "one"})
        assert cluster().generation == before


class TestRemove:
    def test_orphan_lists_what_stays_and_goes_at_once(
        self, fleet: Portal, servers: Clusters
    ) -> None:
        fleet.apply("shop", **application())
        servers.answers[ONE] = None  # a dead cluster
        fleet.call("delete", "clusters/one", code=202)
        assert not Cluster.objects.filter(name="one").exists()
        assert [r.name for r in Release.objects.all()] == ["shop.two"]
        operation = Operation.objects.get(verb="remove")
        assert [t.message for t in operation.targets.all()] == [
            "Left in the cluster: release shop in shop."
        ]

    def test_running_operations_do_not_wait_for_it_for_ever(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(placement={"clusters": ["one"]}))
        fleet.call("delete", "clusters/one")
        assert Operation.objects.filter(verb="deploy", finished_at=None).count() == 0

    def test_cleanup_asks_the_releases_first(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        fleet.call("delete", "clusters/one?policy=cleanup", code=202)
        assert cluster().deletion_requested_at is not None
        assert Release.objects.get(name="shop.one").deletion_requested_at is not None
        assert Release.objects.get(name="shop.two").deletion_requested_at is None

    def test_cleanup_of_a_paused_cluster_is_work(self, fleet: Portal) -> None:
        fleet.call("post", "clusters/one/suspend")
        fleet.call("delete", "clusters/one?policy=cleanup", code=202)
        assert cluster().suspended is False

    def test_orphan_after_cleanup_gives_up_on_a_dead_cluster(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        fleet.call("delete", "clusters/one?policy=cleanup")
        fleet.call("delete", "clusters/one?policy=orphan")
        assert not Cluster.objects.filter(name="one").exists()

    def test_an_application_waiting_only_for_it_is_finished(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(placement={"clusters": ["one"]}))
        fleet.call("delete", "applications/shop")
        fleet.call("delete", "clusters/one?policy=orphan")
        assert not Application.objects.exists()

    def test_unknown_policy(self, fleet: Portal) -> None:
        assert error(fleet, "delete", "clusters/one?policy=burn", code=400)["field"] == "policy"
        assert Cluster.objects.count() == 2


def test_a_paused_cluster_and_back(portal: Portal) -> None:
    add_cluster(portal, "one")
    assert portal.call("post", "clusters/one/suspend")["object"]["spec"]["suspended"] is True
    assert portal.call("post", "clusters/one/resume")["object"]["spec"]["suspended"] is False
