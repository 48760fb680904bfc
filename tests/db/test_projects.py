"""Projects over REST: what is refused, who is in one, and what an edit may not break."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry
from apps.models import Application
from fleet.models import Project
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
        assert AuditEntry.objects.filter(object_repr="team").count() == 1
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
