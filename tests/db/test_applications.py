"""Applications: revisions, placement, and what their services refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.models import Application, ApplicationRevision, Release
from apps.queries import secret_data
from apps.services.applications import application_apply
from fleet.models import Operation
from kubecarrier.lib.audit import unaudited
from kubecarrier.lib.errors import PreconditionError
from kubecarrier.lib.manifests import Wish
from tests.db.conftest import add_cluster, application, counts, error, schema_chart
from tests.portal import Portal, chart, web_chart

pytestmark = pytest.mark.django_db


def app(name: str = "shop") -> Application:
    return Application.objects.get(name=name)


def numbers(name: str = "shop") -> list[int]:
    return sorted(app(name).revisions.values_list("number", flat=True))


def digests() -> dict[str, str]:
    return dict(Release.objects.values_list("name", "desired_digest"))


class TestApply:
    def test_one_release_per_cluster_and_one_revision(self, fleet: Portal) -> None:
        document = fleet.apply("shop", **application())
        assert sorted(digests()) == ["shop.one", "shop.two"]
        assert numbers() == [1]
        assert document["status"]["resolvedVersion"] == "0.1.0"
        operation = Operation.objects.get()
        assert (operation.verb, operation.targets.count()) == ("deploy", 2)

    def test_the_same_again_changes_nothing(self, fleet: Portal) -> None:
        fleet.apply(
            "shop", **application(secrets=[{"name": "s", "data": {"a": "b"}}], env={"A": "1"})
        )
        before, generations = counts(), app().generation
        response = fleet.client.put(
            "/api/v1/applications/shop",
            {"spec": application(secrets=[{"name": "s", "data": {"a": "b"}}], env={"A": "1"})},
            format="json",
        )
        assert (response.status_code, response["X-KubeCarrier-Result"]) == (200, "unchanged")
        assert counts() == before
        assert app().generation == generations

    def test_what_was_read_can_be_applied(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(secrets=[{"name": "s", "data": {"a": "b"}}]))
        response = fleet.client.put(
            "/api/v1/applications/shop", fleet.call("get", "applications/shop"), format="json"
        )
        assert response["X-KubeCarrier-Result"] == "unchanged", response.content

    def test_a_change_is_a_revision_with_author_reason_and_diff(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        body = {"spec": application(values="replicaCount: 2\n")}
        fleet.call("put", "applications/shop", body, **{"X-KubeCarrier-Reason": "more load"})
        items = fleet.call("get", "applications/shop/revisions")["items"]
        assert [item["number"] for item in items] == [2, 1]
        assert (items[0]["author"], items[0]["reason"]) == ("admin", "more load")
        assert "+values: |" in items[0]["diff"] or "+  replicaCount: 2" in items[0]["diff"]

    def test_labels_alone_are_no_revision(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        before = digests()
        fleet.call("patch", "applications/shop", {"metadata": {"labels": {"team": "a"}}}, code=202)
        assert numbers() == [1]
        assert digests() == before

    def test_a_constraint_is_pinned_when_saved(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(version="^0.1.0"))
        assert (app().version, app().resolved_version) == ("^0.1.0", "0.1.0")
        fleet.upload("local", web_chart("0.1.9"))
        fleet.apply("shop", **application(version="^0.1.0"))
        assert app().resolved_version == "0.1.0"  # nobody asked for an upgrade

    def test_stale_generation_is_refused_under_the_lock(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        spec = {c: getattr(app(), c) for c in ("chart", "version", "namespace", "placement")}
        with pytest.raises(PreconditionError):
            application_apply(actor=None, wish=Wish("shop", {}, spec, generation=7))

    def test_an_edit_without_any_release_is_observed(self, fleet: Portal) -> None:
        """Its own summary has to be woken: no release does it."""
        fleet.apply("shop", **application(placement={}))
        with unaudited("as after a pass"):
            Application.objects.update(next_reconcile_at=None)
        fleet.apply("shop", **application(placement={}, description="x"))
        assert app().next_reconcile_at is not None


@pytest.mark.parametrize(
    ("spec", "code", "field"),
    [
        ({"chart": "local/nope"}, "chart_not_found", "spec.chart"),
        ({"chart": "nowhere/web"}, "chart_not_found", "spec.chart"),
        ({"version": "9.9.9"}, "version_not_found", "spec.version"),
        ({"values": "- a\n"}, "values_not_a_mapping", None),
        ({"dependsOn": ["nobody"]}, "dependency_missing", "spec.dependsOn"),
        ({"dependsOn": ["shop"]}, "dependency_cycle", "spec.dependsOn"),
        ({"placement": {"selector": "a in ("}}, "selector_invalid", "spec.placement.selector"),
        ({"chart": "local/lib", "version": ""}, "chart_library", "spec.chart"),
        (
            {"chart": "local/strict", "version": "", "values": "replicaCount: 4"},
            "values_schema",
            "spec.values",
        ),
        (
            {
                "chart": "local/strict",
                "version": "",
                "placement": {"overrides": {"one": {"values": {"replicaCount": "x"}}}},
            },
            "values_schema",
            "spec.placement.overrides.one.values",
        ),
        ({"configMaps": [{"name": "a"}, {"name": "a"}]}, "name_duplicate", "spec.configMaps"),
        ({"secrets": [{"name": "a"}, {"name": "a"}]}, "name_duplicate", "spec.secrets"),
    ],
)
def test_refused(fleet: Portal, spec: dict[str, Any], code: str, field: str | None) -> None:
    fleet.upload("local", schema_chart())
    library = "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n"
    fleet.upload("local", chart("lib", "1.0.0", Chart_yaml=library))
    before = counts()
    status = 404 if code in {"chart_not_found", "version_not_found"} else 400
    found = error(fleet, "put", "applications/shop", {"spec": application(**spec)}, code=status)
    assert found["code"] == code
    assert field is None or found["field"] == field
    assert counts() == before


def test_a_schema_violation_names_path_and_rule(fleet: Portal) -> None:
    fleet.upload("local", schema_chart())
    spec = application(chart="local/strict", version="", values="replicaCount: 4")
    found = error(fleet, "put", "applications/shop", {"spec": spec}, code=400)
    assert found["data"]["issues"][0]["path"] == "replicaCount"
    assert found["data"]["issues"][0]["rule"]


def test_a_longer_cycle(fleet: Portal) -> None:
    fleet.apply("a", **application())
    fleet.apply("b", **application(dependsOn=["a"]))
    fleet.apply("c", **application(dependsOn=["b"]))
    found = error(fleet, "patch", "applications/a", {"spec": {"dependsOn": ["c"]}}, code=400)
    assert found["code"] == "dependency_cycle"


def test_the_namespace_does_not_move(fleet: Portal) -> None:
    fleet.apply("shop", **application())
    found = error(fleet, "patch", "applications/shop", {"spec": {"namespace": "other"}}, code=400)
    assert (found["code"], found["field"]) == ("namespace_immutable", "spec.namespace")
    assert app().namespace == "shop"
    assert numbers() == [1]


def test_without_releases_it_may(fleet: Portal) -> None:
    fleet.apply("shop", **application(placement={}))
    fleet.call("patch", "applications/shop", {"spec": {"namespace": "other"}}, code=202)


class TestSecrets:
    SPEC = {"secrets": [{"name": "login", "data": {"password": "canary-hidden"}}]}

    def test_go_in_and_never_come_out(self, fleet: Portal) -> None:
        answer = fleet.apply("shop", **application(**self.SPEC))
        pages = [answer, fleet.call("get", "applications/shop"), fleet.call("get", "applications")]
        pages += [fleet.call("get", "applications/shop/revisions")]
        pages += [fleet.call("get", "applications/shop/values"), fleet.call("get", "releases")]
        assert "canary-hidden" not in json.dumps(pages)
        assert answer["spec"]["secrets"] == [{"name": "login", "keys": ["password"]}]
        assert "canary" not in app().secret_data

    def test_absent_data_keeps_what_is_stored(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(**self.SPEC))
        before = digests()
        fleet.apply("shop", **application(secrets=[{"name": "login"}], description="x"))
        assert secret_data(app()) == {"login": {"password": "canary-hidden"}}
        assert digests() == before

    def test_new_data_is_a_new_revision_and_digest(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(**self.SPEC))
        before = digests()
        fleet.apply(
            "shop", **application(secrets=[{"name": "login", "data": {"password": "other"}}])
        )
        assert numbers() == [1, 2]
        assert digests() != before

    def test_a_rollback_brings_them_back(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(**self.SPEC))
        before = digests()
        fleet.apply("shop", **application())
        fleet.call("post", "applications/shop/rollback", {"revision": 1})
        assert secret_data(app()) == {"login": {"password": "canary-hidden"}}
        assert digests() == before

    def test_moved_ciphertext_does_not_open(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(**self.SPEC))
        fleet.apply("thief", **application())
        thief = app("thief")
        thief.secret_data = app().secret_data
        thief.save()
        assert fleet.client.get("/api/v1/applications/thief").status_code == 200
        response = fleet.client.put(
            "/api/v1/applications/thief", {"spec": application()}, format="json"
        )
        assert response.json()["error"]["code"] == "credential_unreadable"


class TestPlacement:
    def test_by_selector_follows_the_labels(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(placement={"selector": "env=prod"}))
        assert sorted(digests()) == ["shop.one"]
        fleet.call("patch", "clusters/two", {"metadata": {"labels": {"env": "prod"}}})
        assert sorted(digests()) == ["shop.one", "shop.two"]
        fleet.call("patch", "clusters/one", {"metadata": {"labels": {"env": "test"}}})
        leaving = Release.objects.get(name="shop.one")
        assert leaving.deletion_requested_at is not None
        assert Release.objects.get(name="shop.two").deletion_requested_at is None

    def test_a_new_cluster_is_chosen_at_once(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(placement={"selector": "*"}))
        add_cluster(fleet, "three")
        assert "shop.three" in digests()

    def test_and_back_before_it_was_deleted(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        fleet.call("patch", "applications/shop", {"spec": {"placement": {"exclude": ["one"]}}})
        assert Release.objects.get(name="shop.one").deletion_requested_at is not None
        fleet.call("patch", "applications/shop", {"spec": {"placement": {"exclude": None}}})
        assert Release.objects.get(name="shop.one").deletion_requested_at is None

    def test_a_pinned_release_comes_back_too(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        fleet.call("post", "applications/shop/rollback", {"revision": 1, "cluster": "one"})
        fleet.call("patch", "applications/shop", {"spec": {"placement": {"exclude": ["one"]}}})
        fleet.call("patch", "applications/shop", {"spec": {"placement": {"exclude": None}}})
        assert Release.objects.get(name="shop.one").deletion_requested_at is None

    def test_overrides_differ_by_cluster_only(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        before = digests()
        placement = {
            "clusters": ["one", "two"],
            "overrides": {"two": {"values": {"replicaCount": 5}}},
        }
        fleet.apply("shop", **application(placement=placement))
        after = digests()
        assert (after["shop.one"], after["shop.two"] == before["shop.two"]) == (
            before["shop.one"],
            False,
        )
        values = fleet.call("get", "applications/shop/values?cluster=two")
        assert values["values"]["replicaCount"] == 5
        assert values["origins"]["replicaCount"] == "cluster"
        assert fleet.call("get", "applications/shop/values")["values"]["replicaCount"] == 1


class TestScale:
    def test_everywhere(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        answer = fleet.call("post", "applications/shop/scale", {"replicas": 3}, code=202)
        assert answer["operation"]["status"]["verb"] == "scale"
        assert fleet.call("get", "applications/shop/values")["values"]["replicaCount"] == 3

    def test_what_was_written_around_it_stays(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(values="# agreed\nreplicaCount: 2 # no more\n"))
        fleet.call("post", "applications/shop/scale", {"replicas": 3}, code=202)
        assert app().values == "# agreed\nreplicaCount: 3 # no more\n"

    def test_on_one_cluster(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        fleet.call("post", "applications/shop/scale", {"replicas": 3, "cluster": "two"})
        assert app().placement["overrides"] == {"two": {"values": {"replicaCount": 3}}}

    def test_on_a_cluster_where_it_is_not(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        body = {"replicas": 3, "cluster": "nowhere"}
        assert (
            error(fleet, "post", "applications/shop/scale", body, code=400)["code"]
            == "release_not_found"
        )
        assert app().placement["overrides"] == {}

    def test_beyond_the_chart_s_schema(self, fleet: Portal) -> None:
        fleet.upload("local", schema_chart())
        fleet.apply("shop", **application(chart="local/strict", version=""))
        found = error(fleet, "post", "applications/shop/scale", {"replicas": 4}, code=400)
        assert found["code"] == "values_schema"
        assert numbers() == [1]


class TestUpgrade:
    def test_to_a_version(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        fleet.call("post", "applications/shop/upgrade", {"version": "0.2.0"}, code=202)
        assert (app().version, app().resolved_version) == ("0.2.0", "0.2.0")
        assert set(Release.objects.values_list("wanted_version", flat=True)) == {"0.2.0"}

    def test_within_the_constraint(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(version="~0.1.0"))
        fleet.upload("local", web_chart("0.1.7"))
        fleet.call("post", "applications/shop/upgrade", {})
        assert (app().version, app().resolved_version) == ("~0.1.0", "0.1.7")

    def test_an_exact_version_moves_to_the_newest_and_stays_there(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(version="0.1.0"))
        fleet.call("post", "applications/shop/upgrade", {})
        assert (app().version, app().resolved_version) == ("0.2.0", "0.2.0")
        fleet.call("post", "applications/shop/upgrade", {})
        assert app().resolved_version == "0.2.0"  # a second one must not fall back

    def test_unknown_version(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        found = error(fleet, "post", "applications/shop/upgrade", {"version": "^7"}, code=404)
        assert found["code"] == "version_not_found"
        assert "0.2.0" in found["data"]["versions"]


class TestRollback:
    def test_everywhere_is_a_new_revision(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(values="replicaCount: 2\n"))
        before = digests()
        fleet.apply("shop", **application(values="replicaCount: 9\n"))
        fleet.call("post", "applications/shop/rollback", {"revision": 1}, code=202)
        assert numbers() == [1, 2, 3]
        assert app().values == "replicaCount: 2\n"
        assert digests() == before
        newest = app().revisions.first()
        assert newest is not None
        assert newest.reason == "Rolled back to revision 1."

    def test_on_one_cluster_holds_until_everywhere(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(values="replicaCount: 2\n"))
        before = digests()
        fleet.apply("shop", **application(values="replicaCount: 9\n"))
        after = digests()
        fleet.call("post", "applications/shop/rollback", {"revision": 1, "cluster": "one"})
        assert digests() == {"shop.one": before["shop.one"], "shop.two": after["shop.two"]}
        fleet.apply("shop", **application(values="replicaCount: 10\n"))
        assert digests()["shop.one"] == before["shop.one"]
        fleet.call("post", "applications/shop/rollback", {"revision": 2})
        assert digests() == after

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"revision": 7}, "revision_not_found"),
            ({"revision": 1, "cluster": "x"}, "release_not_found"),
        ],
    )
    def test_refused(self, fleet: Portal, body: dict[str, Any], code: str) -> None:
        fleet.apply("shop", **application())
        assert error(fleet, "post", "applications/shop/rollback", body, code=400)["code"] == code
        assert numbers() == [1]

    def test_to_dependencies_that_are_gone(self, fleet: Portal) -> None:
        fleet.apply("base", **application(placement={}))
        fleet.apply("shop", **application(dependsOn=["base"]))
        fleet.apply("shop", **application())
        fleet.call("delete", "applications/base")
        found = error(fleet, "post", "applications/shop/rollback", {"revision": 1}, code=400)
        assert found["code"] == "dependency_missing"


class TestSuspend:
    def test_reaches_the_releases(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        assert (
            fleet.call("post", "applications/shop/suspend")["object"]["status"]["suspended"] is True
        )
        assert set(Release.objects.values_list("suspended", flat=True)) == {True}
        fleet.call("post", "applications/shop/resume")
        assert set(Release.objects.values_list("suspended", flat=True)) == {False}

    def test_a_new_release_of_a_paused_application_is_paused(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(placement={"selector": "*"}))
        fleet.call("post", "applications/shop/suspend")
        add_cluster(fleet, "three")
        assert Release.objects.get(name="shop.three").suspended is True


class TestDelete:
    def test_asks_every_release(self, fleet: Portal) -> None:
        fleet.apply("shop", **application())
        answer = fleet.call("delete", "applications/shop", code=202)
        assert answer["metadata"]["deletionRequestedAt"]
        assert not Release.objects.filter(deletion_requested_at=None).exists()
        assert Application.objects.count() == 1  # until each is gone

    def test_without_releases_it_goes_at_once(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(placement={}))
        fleet.call("delete", "applications/shop", code=202)
        assert not Application.objects.exists()
        assert not ApplicationRevision.objects.exists()

    @pytest.mark.parametrize(
        ("query", "kept"),
        [("", False), ("?keepResources=true", True), ("?keepResources=false", False)],
    )
    def test_keep_resources(self, fleet: Portal, query: str, kept: bool) -> None:
        fleet.apply("shop", **application())
        fleet.call("delete", f"applications/shop{query}")
        assert set(Release.objects.values_list("keep_resources", flat=True)) == {kept}

    def test_the_application_s_own_wish_is_the_default(self, fleet: Portal) -> None:
        fleet.apply("shop", **application(keepResources=True))
        fleet.call("delete", "applications/shop")
        assert set(Release.objects.values_list("keep_resources", flat=True)) == {True}

    @pytest.mark.parametrize("word", ["True", "1", "yes", ""])
    def test_a_misspelt_wish_to_keep_deletes_nothing(self, fleet: Portal, word: str) -> None:
        fleet.apply("shop", **application())
        found = error(fleet, "delete", f"applications/shop?keepResources={word}", code=400)
        assert found["field"] == "keepResources"
        assert app().deletion_requested_at is None

    def test_not_while_another_needs_it(self, fleet: Portal) -> None:
        fleet.apply("base", **application())
        fleet.apply("shop", **application(dependsOn=["base"]))
        found = error(fleet, "delete", "applications/base", code=409)
        assert (found["code"], found["data"]["dependents"]) == ("application_needed", ["shop"])

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("put", "applications/shop", {"spec": application(values="a: 1")}),
            ("post", "applications/shop/scale", {"replicas": 2}),
            ("post", "applications/shop/upgrade", {}),
            ("post", "applications/shop/rollback", {"revision": 1}),
            ("post", "applications/shop/redeploy", {}),
            ("post", "applications/shop/suspend", None),
        ],
    )
    def test_nothing_more_is_asked_of_it(
        self, fleet: Portal, method: str, path: str, body: Any
    ) -> None:
        fleet.apply("shop", **application())
        fleet.call("delete", "applications/shop")
        assert error(fleet, method, path, body, code=409)["code"] == "being_deleted"


def test_redeploy_changes_the_digest_of_the_named_cluster(fleet: Portal) -> None:
    fleet.apply("shop", **application())
    before = digests()
    fleet.call("post", "applications/shop/redeploy", {"cluster": "one"}, code=202)
    after = digests()
    assert after["shop.one"] != before["shop.one"]
    assert after["shop.two"] == before["shop.two"]


def test_a_later_operation_supersedes_the_earlier(fleet: Portal) -> None:
    fleet.apply("shop", **application())
    fleet.call("post", "applications/shop/scale", {"replicas": 2})
    first = Operation.objects.get(verb="deploy")
    assert first.finished_at is not None
    assert {t.state for t in first.targets.all()} == {"failed"}
    assert Operation.objects.get(verb="scale").finished_at is None


def test_a_pinned_release_follows_again_at_the_newest_revision(fleet: Portal) -> None:
    application = {
        "chart": "local/web",
        "namespace": "shop",
        "placement": {"clusters": ["one", "two"]},
    }
    fleet.apply("pinned", **application, version="0.1.0")
    fleet.apply("pinned", **application, version="0.2.0")
    fleet.call("post", "applications/pinned/rollback", {"revision": 1, "cluster": "one"})
    assert Release.objects.get(name="pinned.one").pinned is True
    fleet.call("post", "applications/pinned/rollback", {"revision": 2, "cluster": "one"})
    followed = Release.objects.get(name="pinned.one")
    assert (followed.pinned, followed.wanted_version) == (False, "0.2.0")


def test_a_document_without_a_pause_keeps_it(fleet: Portal) -> None:
    spec = {"chart": "local/web", "namespace": "shop", "placement": {"clusters": ["one"]}}
    fleet.apply("held", **spec)
    fleet.call("post", "applications/held/suspend")
    fleet.apply("held", **spec, description="another")
    assert Application.objects.get(name="held").suspended is True
    fleet.apply("held", **spec, suspended=False)
    assert Application.objects.get(name="held").suspended is False


def test_a_paused_application_can_be_deleted_and_holds_back_what_its_placement_drops(
    fleet: Portal,
) -> None:
    spec = {"chart": "local/web", "namespace": "shop", "placement": {"clusters": ["one", "two"]}}
    fleet.apply("held", **spec)
    fleet.call("post", "applications/held/suspend")
    fleet.apply("held", **{**spec, "placement": {"clusters": ["one"]}})
    assert Release.objects.get(name="held.two").deletion_requested_at is None
    fleet.call("post", "applications/held/resume")
    assert Release.objects.get(name="held.two").deletion_requested_at is not None
    fleet.call("post", "applications/held/suspend")
    fleet.call("delete", "applications/held")
    assert not Release.objects.filter(application__name="held", suspended=True).exists()
