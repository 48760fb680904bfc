"""Projects over REST: what is refused, who is in one, and what an edit may not break."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry
from apps.models import Application
from fleet.models import Project, ProjectCopy, ProjectNamespace
from fleet.projects import copies as project_copies
from fleet.reconcilers.project import summary, totals
from tests.db.conftest import add_cluster, application, counts, error
from tests.portal import Portal

pytestmark = pytest.mark.django_db
PROJECT = {"placement": {"clusters": ["one"]}, "namespaces": [{"name": "shop"}]}


def save(portal: Portal, name: str = "team", code: int | None = None, **spec: Any) -> Any:
    return portal.call("put", f"projects/{name}", {"spec": {**PROJECT, **spec}}, code=code)


def placed(portal: Portal, project: Any, name: str = "shop", **spec: Any) -> dict[str, Any]:
    wanted = application(**{"placement": {"clusters": ["one"]}, **spec})
    return {"metadata": {"project": project}, "spec": wanted}


def releases(name: str = "shop") -> list[str]:
    rows = Application.objects.get(name=name).releases.filter(deletion_requested_at=None)
    return sorted(rows.values_list("cluster__name", flat=True))


class TestSave:
    def test_the_document_comes_back_and_the_same_again_changes_nothing(
        self, fleet: Portal
    ) -> None:
        document = save(fleet, quota={"hard": {"pods": "10"}})
        assert document["spec"]["allow"] == {
            "clusters": "",
            "repositories": ["*"],
            "kinds": ["*", "!ResourceQuota", "!LimitRange"],
            "clusterKinds": [],
            "namespaces": [],
        }
        assert document["spec"]["namespaces"] == [{"name": "shop", "adopt": False, "quota": {}}]
        assert AuditEntry.objects.filter(object_repr="team", event="").count() == 1
        response = fleet.client.put(
            "/api/v1/projects/team", fleet.call("get", "projects/team"), format="json"
        )
        assert response["X-KubeCarrier-Result"] == "unchanged"

    @pytest.mark.parametrize(
        ("spec", "code", "field"),
        [
            ({"namespaces": [{"name": "A"}]}, "invalid", "spec.namespaces.0.name"),
            ({"namespaces": [{"name": "a"}, {"name": "a"}]}, "name_duplicate", "spec.namespaces"),
            (
                {"namespaces": [{"name": "a", "quota": {"cpus": "1"}}]},
                "quota_invalid",
                "spec.namespaces.0.quota",
            ),
            ({"quota": {"hard": {"pods": "x"}}}, "quota_invalid", "spec.quota.hard"),
            (
                {"quota": {"limits": {"min": {"cpu": "2"}, "max": {"cpu": "1"}}}},
                "quota_invalid",
                "spec.quota.limits",
            ),
            ({"quota": {"soft": {}}}, "field_unknown", "spec.quota.soft"),
            ({"allow": {"kinds": ["a b"]}}, "invalid", "spec.allow.kinds.0"),
            ({"allow": {"clusters": "a in ("}}, "selector_invalid", "spec.allow.clusters"),
            ({"placement": {"selector": "("}}, "selector_invalid", "spec.placement.selector"),
            (
                {"namespaceLabels": {"kubecarrier.io/project": "x"}},
                "labels_reserved",
                "spec.namespaceLabels",
            ),
            ({"members": ["me"]}, "field_unknown", "spec.members"),
        ],
    )
    def test_refused(self, fleet: Portal, spec: dict[str, Any], code: str, field: str) -> None:
        before = counts()
        answer = error(fleet, "put", "projects/team", {"spec": {**PROJECT, **spec}}, code=400)
        assert (answer["code"], answer["field"]) == (code, field)
        assert counts() == before


class TestMembership:
    def test_an_application_says_its_project_and_lists_filter_by_it(self, fleet: Portal) -> None:
        save(fleet)
        document = fleet.call("put", "applications/shop", placed(fleet, "team"))
        assert document["metadata"]["project"] == "team"
        fleet.apply("other", **application(namespace="elsewhere"))
        assert fleet.call("get", "applications/other")["metadata"]["project"] is None
        listed = fleet.call("get", "applications?project=team")["items"]
        assert [item["metadata"]["name"] for item in listed] == ["shop"]
        assert "project" not in fleet.call("get", "clusters/one")["metadata"]

    def test_a_document_that_says_nothing_keeps_it_and_null_takes_it_out(
        self, fleet: Portal
    ) -> None:
        save(fleet)
        body = placed(fleet, "team")
        fleet.call("put", "applications/shop", body)
        fleet.call("patch", "applications/shop", {"metadata": {"labels": {"a": "b"}}}, code=202)
        assert Application.objects.get().project == Project.objects.get()
        assert Application.objects.get().revisions.count() == 1
        body["metadata"] = {"project": None, "labels": {"a": "b"}}
        fleet.call("put", "applications/shop", body)
        assert Application.objects.get().project is None

    @pytest.mark.parametrize("name", ["nope", "../x", "x" * 60])
    def test_no_such_project(self, fleet: Portal, name: str) -> None:
        before = counts()
        answer = error(fleet, "put", "applications/shop", placed(fleet, name), code=400)
        assert answer["field"] == "metadata.project"
        assert counts() == before

    def test_a_kind_without_projects_refuses_it(self, fleet: Portal) -> None:
        body = {"metadata": {"project": "team"}, "spec": {"type": "local"}}
        answer = error(fleet, "put", "repositories/r", body, code=400)
        assert (answer["code"], answer["field"]) == ("field_unknown", "metadata.project")

    def test_it_cannot_be_deleted_while_something_is_in_it(self, fleet: Portal) -> None:
        save(fleet)
        fleet.call("put", "applications/shop", placed(fleet, "team"))
        answer = error(fleet, "delete", "projects/team", code=409)
        assert (answer["code"], answer["data"]["members"]) == (
            "project_in_use",
            ["application/shop"],
        )
        assert Project.objects.exists()


class TestRules:
    @pytest.mark.parametrize(
        ("allow", "spec", "code", "field"),
        [
            ({}, {"namespace": "kube-system"}, "project_destination_denied", "spec.namespace"),
            (
                {},
                {"placement": {"clusters": ["one", "two"]}},
                "project_cluster_denied",
                "spec.placement.clusters",
            ),
            ({"repositories": ["team-*"]}, {}, "project_repository_denied", "spec.chart"),
            ({"repositories": []}, {}, "project_repository_denied", "spec.chart"),
        ],
    )
    def test_what_it_does_not_allow_is_refused_at_save(
        self,
        fleet: Portal,
        allow: dict[str, Any],
        spec: dict[str, Any],
        code: str,
        field: str,
    ) -> None:
        save(fleet, allow=allow)
        before = counts()
        answer = error(fleet, "put", "applications/shop", placed(fleet, "team", **spec), code=403)
        assert (answer["code"], answer["field"]) == (code, field)
        assert answer["data"]["project"] == "team"
        assert counts() == before

    def test_further_namespaces_and_clusters(self, fleet: Portal) -> None:
        save(fleet, allow={"namespaces": ["shared-*"], "clusters": "env=test"})
        body = placed(fleet, "team", namespace="shared-db", placement={"clusters": ["two"]})
        fleet.call("put", "applications/shop", body)
        assert releases() == ["two"]

    def test_a_selector_finds_only_the_clusters_of_the_project(self, fleet: Portal) -> None:
        save(fleet)
        fleet.call("put", "applications/shop", placed(fleet, "team", placement={"selector": "*"}))
        assert releases() == ["one"]
        save(fleet, placement={"clusters": ["one", "two"]})
        assert releases() == ["one", "two"]

    def test_a_cluster_that_leaves_the_project_takes_its_releases_along(
        self, fleet: Portal
    ) -> None:
        save(fleet, placement={"selector": "env in (prod,test)"})
        fleet.call("put", "applications/shop", placed(fleet, "team", placement={"selector": "*"}))
        assert releases() == ["one", "two"]
        fleet.call("patch", "clusters/two", {"metadata": {"labels": {"env": "lab"}}}, code=202)
        assert releases() == ["one"]
        add_cluster(fleet, "three", labels={"env": "test"})
        assert releases() == ["one", "three"]

    @pytest.mark.parametrize(
        ("spec", "code"),
        [
            ({"placement": {"clusters": ["two"]}}, "project_cluster_denied"),
            ({"namespaces": [{"name": "other"}]}, "project_destination_denied"),
            ({"allow": {"repositories": ["x"]}}, "project_repository_denied"),
        ],
    )
    def test_an_edit_may_not_push_out_what_is_placed(
        self, fleet: Portal, spec: dict[str, Any], code: str
    ) -> None:
        save(fleet)
        fleet.call("put", "applications/shop", placed(fleet, "team", placement={"selector": "*"}))
        answer = error(fleet, "put", "projects/team", {"spec": {**PROJECT, **spec}}, code=403)
        assert answer["code"] == code
        assert Project.objects.get().generation == 1
        assert releases() == ["one"]

    def test_a_rollback_is_checked_too(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(placement={"clusters": ["one", "two"]}))
        save(fleet)
        fleet.call("put", "applications/shop", placed(fleet, "team"))
        answer = error(fleet, "post", "applications/shop/rollback", {"revision": 1}, code=403)
        assert answer["code"] == "project_cluster_denied"


def copies() -> dict[str, list[str]]:
    """Cluster → the namespaces that are claimed there."""
    return {
        copy.cluster.name: sorted(copy.claims.values_list("name", flat=True))
        for copy in ProjectCopy.objects.filter(deletion_requested_at=None).order_by("name")
    }


class TestCopies:
    def test_one_per_cluster_and_the_same_again_changes_none(self, fleet: Portal) -> None:
        save(fleet, placement={"selector": "*"})
        assert copies() == {"one": ["shop"], "two": ["shop"]}
        before = list(ProjectCopy.objects.values_list("name", "generation"))
        save(fleet, placement={"selector": "*"}, description="other words")
        assert list(ProjectCopy.objects.values_list("name", "generation")) == before

    def test_quota_of_the_cluster_and_of_the_namespace_go_over_the_projects(
        self, fleet: Portal
    ) -> None:
        save(
            fleet,
            placement={
                "clusters": ["one", "two"],
                "overrides": {"two": {"quota": {"pods": "5", "secrets": "1"}}},
            },
            namespaces=[{"name": "a"}, {"name": "b", "quota": {"pods": "9"}}],
            quota={"hard": {"pods": "2", "services": "1"}},
        )
        rows = ProjectNamespace.objects.values_list("cluster__name", "name", "hard")
        assert {(cluster, name): hard for cluster, name, hard in rows} == {
            ("one", "a"): {"pods": "2", "services": "1"},
            ("one", "b"): {"pods": "9", "services": "1"},
            ("two", "a"): {"pods": "5", "services": "1", "secrets": "1"},
            ("two", "b"): {"pods": "9", "services": "1", "secrets": "1"},
        }

    def test_a_namespace_belongs_to_one_project_on_a_cluster(self, fleet: Portal) -> None:
        save(fleet)
        save(fleet, "other", placement={"clusters": ["two"]})  # the same name elsewhere
        before = counts()
        body = {"spec": {**PROJECT, "placement": {"clusters": ["one", "two"]}}}
        answer = error(fleet, "put", "projects/third", body, code=409)
        assert (answer["code"], answer["field"]) == ("namespace_taken", "spec.namespaces")
        assert counts() == before

    def test_a_cluster_that_joins_two_projects_of_one_namespace_keeps_the_first(
        self, fleet: Portal
    ) -> None:
        save(fleet)
        save(fleet, "late", placement={"selector": "tier=x"})
        fleet.call("patch", "clusters/one", {"metadata": {"labels": {"tier": "x"}}}, code=202)
        late = ProjectCopy.objects.get(name="late.one")
        assert late.refused == [{"name": "shop", "by": "team"}]
        assert not late.claims.exists()
        first = ProjectCopy.objects.get(name="team.one")
        first.claims.all().delete()
        project_copies.retry_refused(first.cluster, ["shop"])
        late.refresh_from_db()
        assert late.refused == []
        assert list(late.claims.values_list("name", flat=True)) == ["shop"]

    def test_a_renamed_cluster_keeps_everything(self, fleet: Portal) -> None:
        save(fleet, placement={"clusters": ["one"], "overrides": {"one": {"quota": {"pods": "1"}}}})
        generation = ProjectCopy.objects.get().generation
        fleet.call("post", "clusters/one/rename", {"newName": "first"})
        document = fleet.call("get", "projects/team")
        assert document["spec"]["placement"]["clusters"] == ["first"]
        copy = ProjectCopy.objects.get()
        assert (copy.name, copy.generation) == ("team.first", generation)

    @pytest.mark.parametrize(
        ("names", "code", "status"),
        [("nope", "namespace_unknown", 400), ("shop", "namespace_adopted", 409)],
    )
    def test_only_namespaces_that_it_made_are_deleted_with_it(
        self, fleet: Portal, names: str, code: str, status: int
    ) -> None:
        save(fleet)
        before = counts()
        answer = error(fleet, "delete", f"projects/team?deleteNamespaces={names}", code=status)
        assert answer["code"] == code
        assert counts() == before
        assert fleet.call("get", "projects/team")["metadata"]["deletionRequestedAt"] is None

    def test_what_a_deletion_would_take_is_listed_and_nothing_is_changed(
        self, fleet: Portal
    ) -> None:
        save(fleet)
        fleet.call("put", "applications/shop", placed(fleet, "team"))
        before = counts()
        assert fleet.call("get", "projects/team/deletion") == {
            "members": ["application/shop"],
            "clusters": ["one"],
            "namespaces": [{"cluster": "one", "name": "shop", "made": False, "pods": None}],
        }
        assert counts() == before

    def test_one_without_clusters_goes_at_once_and_others_wait_for_theirs(
        self, fleet: Portal
    ) -> None:
        save(fleet, "empty", placement={})
        fleet.call("delete", "projects/empty")
        assert fleet.gone("projects/empty")
        save(fleet)
        fleet.call("delete", "projects/team")
        assert fleet.call("get", "projects/team")["metadata"]["deletionRequestedAt"]
        assert not ProjectNamespace.objects.filter(wanted=True).exists()
        answer = error(fleet, "put", "projects/team", {"spec": PROJECT}, code=409)
        assert answer["code"] == "being_deleted"
        answer = error(fleet, "put", "applications/shop", placed(fleet, "team"), code=409)
        assert answer["code"] == "project_being_deleted"

    def test_a_dry_run_stores_nothing(self, fleet: Portal) -> None:
        before = counts()
        fleet.call("put", "projects/team?dryRun=All", {"spec": PROJECT}, code=201)
        assert counts() == before


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ([], "True"),
        ([("a", "True", True)], "True"),
        ([("a", "True", False)], "False"),
        ([("a", "True", True), ("b", "Unknown", True)], "Unknown"),
        ([("a", "False", True), ("b", "Unknown", True)], "False"),
    ],
)
def test_what_the_copies_say_of_the_project(given: list[Any], status: str) -> None:
    found = {condition.type: condition for condition in summary(given).seen}
    assert found["Ready"].status == status


def test_totals_are_exact_and_say_what_is_not_known() -> None:
    quota = {
        "hard": {"requests.cpu": "1500m", "requests.memory": "1Gi", "pods": "10"},
        "used": {"requests.cpu": "250m", "requests.memory": "1Mi", "pods": "1"},
    }
    other = {"hard": {"requests.cpu": "500m"}, "used": {"requests.cpu": "0"}}
    found = totals([("Ready", quota), ("Ready", other), ("Foreign", None)])
    assert found == {
        "namespaces": 3,
        "ready": 2,
        "unseen": 1,
        "hard": {"pods": "10", "requests.cpu": "2", "requests.memory": "1Gi"},
        "used": {"pods": "1", "requests.cpu": "250m", "requests.memory": "1Mi"},
    }
