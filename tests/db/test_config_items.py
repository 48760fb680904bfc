"""Config items: values, revisions, placement, secrets, and what their services refuse."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from fleet.configs.queries import content_of
from fleet.models import ConfigCopy, ConfigItem, ConfigItemRevision, Operation
from tests.db.conftest import add_cluster, counts, error
from tests.portal import Portal

pytestmark = pytest.mark.django_db
CANARY = "canary-password-4711"
Json = dict[str, Any]


def item(name: str = "settings") -> ConfigItem:
    return ConfigItem.objects.get(name=name)


def spec(**more: Any) -> Json:
    return {
        "namespaces": ["shop"],
        "data": {"color": "blue", "size": "1"},
        "placement": {"clusters": ["one", "two"]},
        **more,
    }


def secret(**more: Any) -> Json:
    return spec(type="Secret", data={"password": CANARY, "user": "admin"}, **more)


def save(portal: Portal, name: str = "settings", code: int = 201, **more: Any) -> Json:
    return portal.call("put", f"configitems/{name}", {"spec": spec(**more)}, code=code)


def refused(portal: Portal, body: Json, code: int = 400, name: str = "settings") -> Json:
    before = counts()
    found = error(portal, "put", f"configitems/{name}", {"spec": body}, code=code)
    assert counts() == before
    return found


def digests() -> dict[str, str]:
    return dict(ConfigCopy.objects.values_list("name", "desired_digest"))


class TestApply:
    def test_one_copy_per_cluster_and_namespace_and_one_revision(self, fleet: Portal) -> None:
        document = save(fleet, namespaces=["shop", "bank"])
        names = ["settings.one.bank", "settings.one.shop", "settings.two.bank", "settings.two.shop"]
        assert sorted(digests()) == names
        assert document["status"]["copies"] == 4
        assert document["spec"]["objectName"] == "settings"
        operation = Operation.objects.get(kind="ConfigItem")
        assert (operation.verb, operation.targets.count()) == ("apply", 4)

    def test_what_was_read_can_be_applied(self, fleet: Portal) -> None:
        for name, body in (("settings", spec()), ("password", secret())):
            fleet.call("put", f"configitems/{name}", {"spec": body}, code=201)
            before = counts()
            response = fleet.client.put(
                f"/api/v1/configitems/{name}",
                fleet.call("get", f"configitems/{name}"),
                format="json",
            )
            assert response["X-KubeCarrier-Result"] == "unchanged", response.content
            assert counts() == before

    def test_a_change_moves_every_copy_once(self, fleet: Portal) -> None:
        save(fleet)
        before = dict(ConfigCopy.objects.values_list("name", "generation"))
        save(fleet, code=202, data={"color": "red"})
        after = dict(ConfigCopy.objects.values_list("name", "generation"))
        assert after == {name: generation + 1 for name, generation in before.items()}
        revisions = fleet.call("get", "configitems/settings/revisions")["items"]
        assert [entry["number"] for entry in revisions] == [2, 1]
        assert revisions[0]["changed"] == {"added": [], "changed": ["color"], "removed": ["size"]}
        assert revisions[0]["author"] == "admin"

    def test_an_override_moves_only_its_cluster(self, fleet: Portal) -> None:
        save(fleet)
        before = digests()
        placement = {"clusters": ["one", "two"], "overrides": {"two": {"data": {"color": "green"}}}}
        save(fleet, code=202, placement=placement)
        assert digests()["settings.one.shop"] == before["settings.one.shop"]
        assert digests()["settings.two.shop"] != before["settings.two.shop"]
        assert content_of(item()).on("two") == {"color": b"green", "size": b"1"}

    def test_a_cluster_that_comes_and_goes(self, fleet: Portal) -> None:
        save(fleet, placement={"selector": "env=prod"})
        assert list(digests()) == ["settings.one.shop"]
        add_cluster(fleet, "three", labels={"env": "prod"})
        assert sorted(digests()) == ["settings.one.shop", "settings.three.shop"]
        fleet.call("patch", "clusters/three", {"metadata": {"labels": {"env": "test"}}})
        gone = ConfigCopy.objects.get(name="settings.three.shop")
        assert gone.deletion_requested_at is not None

    def test_a_renamed_cluster_keeps_overrides_and_digests(self, fleet: Portal) -> None:
        placement = {"clusters": ["one"], "overrides": {"one": {"data": {"password": "other"}}}}
        fleet.call("put", "configitems/password", {"spec": secret(placement=placement)})
        before = digests()["password.one.shop"]
        fleet.call("post", "clusters/one/rename", {"newName": "uno"})
        assert digests() == {"password.uno.shop": before}
        assert content_of(item("password")).on("uno")["password"] == b"other"
        revision = ConfigItemRevision.objects.get()
        assert list(revision.spec["placement"]["overrides"]) == ["uno"]

    def test_binary_values(self, fleet: Portal) -> None:
        raw = bytes(range(256))
        save(fleet, data={}, binaryData={"key.bin": base64.b64encode(raw).decode()})
        assert content_of(item()).values == {"key.bin": raw}

    def test_pause_and_delete(self, fleet: Portal) -> None:
        save(fleet)
        fleet.call("post", "configitems/settings/suspend", code=202)
        assert set(ConfigCopy.objects.values_list("suspended", flat=True)) == {True}
        fleet.call("delete", "configitems/settings?keepObjects=true", code=202)
        marks = set(
            ConfigCopy.objects.values_list("suspended", "keep_object", "deletion_requested_at")
        )
        assert {mark[:2] for mark in marks} == {(False, True)}
        found = error(fleet, "put", "configitems/settings", {"spec": spec()}, code=409)
        assert found["code"] == "being_deleted"

    def test_an_item_without_copies_goes_at_once(self, fleet: Portal) -> None:
        save(fleet, placement={})
        fleet.call("delete", "configitems/settings", code=202)
        assert not ConfigItem.objects.exists()

    def test_a_removed_cluster_takes_its_copies_along(self, fleet: Portal) -> None:
        save(fleet)
        fleet.call("delete", "clusters/one?policy=orphan", code=202)
        assert list(digests()) == ["settings.two.shop"]


class TestKeys:
    def test_set_and_unset_leave_the_others_alone(self, fleet: Portal) -> None:
        fleet.call("put", "configitems/password", {"spec": secret()})
        body = {"data": {"password": "new"}, "unset": ["user"]}
        fleet.call("post", "configitems/password/set", body, code=202)
        assert content_of(item("password")).values == {"password": b"new"}

    def test_on_one_cluster(self, fleet: Portal) -> None:
        save(fleet)
        body = {"data": {"color": "green"}, "unset": ["size"], "cluster": "two"}
        fleet.call("post", "configitems/settings/set", body, code=202)
        assert content_of(item()).on("two") == {"color": b"green"}
        assert content_of(item()).on("one") == {"color": b"blue", "size": b"1"}

    def test_rollback_brings_secrets_back(self, fleet: Portal) -> None:
        fleet.call("put", "configitems/password", {"spec": secret()})
        fleet.call("post", "configitems/password/set", {"data": {"password": "new"}})
        fleet.call("post", "configitems/password/rollback", {"revision": 1}, code=202)
        assert content_of(item("password")).values["password"] == CANARY.encode()
        assert item("password").revisions.count() == 3

    def test_unknown_keys_clusters_and_revisions(self, fleet: Portal) -> None:
        save(fleet)
        for path, body, code in (
            ("set", {"unset": ["nothing"]}, "key_not_found"),
            ("set", {"data": {"a": "b"}, "cluster": "moon"}, "copy_not_found"),
            ("set", {}, "nothing_given"),
            ("rollback", {"revision": 9}, "revision_not_found"),
            ("adopt", {"cluster": "moon"}, "copy_not_found"),
        ):
            found = error(fleet, "post", f"configitems/settings/{path}", body, code=400)
            assert found["code"] == code


class TestSecrets:
    def test_values_never_come_out(self, fleet: Portal) -> None:
        overrides = {"two": {"data": {"password": f"{CANARY}-two"}}}
        placement = {"clusters": ["one", "two"], "overrides": overrides}
        shown = [fleet.call("put", "configitems/password", {"spec": secret(placement=placement)})]
        fleet.call("post", "configitems/password/set", {"data": {"password": f"{CANARY}-2"}})
        for path in ("", "/revisions", "/diff", "/diff?from=0&to=1"):
            shown.append(fleet.call("get", f"configitems/password{path}"))
        shown += [fleet.call("get", "configitems"), fleet.call("get", "configcopies")]
        assert CANARY not in str(shown)
        assert base64.b64encode(CANARY.encode()).decode() not in str(shown)
        rows = [*ConfigItem.objects.values(), *ConfigItemRevision.objects.values()]
        entries = AuditEntry.objects.values()
        assert CANARY not in str(rows)
        assert CANARY not in str(list(entries))
        assert shown[0]["spec"]["keys"] == ["password", "user"]
        assert shown[0]["spec"]["placement"]["overrides"]["two"]["keys"] == ["password"]

    def test_a_diff_says_that_a_value_changed(self, fleet: Portal) -> None:
        fleet.call("put", "configitems/password", {"spec": secret()})
        fleet.call("post", "configitems/password/set", {"data": {"password": "new"}})
        diff = fleet.call("get", "configitems/password/diff")["diff"]
        assert diff.count("password: '*** (") == 2
        assert "\n   user: " in diff

    def test_reveal_is_on_record(self, fleet: Portal) -> None:
        fleet.call("put", "configitems/password", {"spec": secret()})
        before = AuditEntry.objects.count()
        found = fleet.call("post", "configitems/password/reveal", {"keys": ["password"]})
        assert found == {"data": {"password": CANARY}, "binaryData": {}}
        assert AuditEntry.objects.count() == before + 1
        entry = AuditEntry.objects.order_by("-timestamp").first()
        assert entry is not None
        assert (entry.event, entry.changes_text) == ("secret-revealed", "Keys: password")

    def test_values_that_are_not_given_stay(self, fleet: Portal) -> None:
        fleet.call("put", "configitems/password", {"spec": secret()})
        body = {"spec": {"description": "of the shop"}}
        fleet.call("patch", "configitems/password", body, code=202)
        assert content_of(item("password")).values["password"] == CANARY.encode()

    def test_a_mask_is_never_taken_for_a_value(self, fleet: Portal) -> None:
        fleet.call("put", "configitems/password", {"spec": secret()})
        for text in ("***", "*** (0a1b2c3d)", " *** (0a1b2c3d)\n"):
            body = {"data": {"password": text}}
            found = error(fleet, "post", "configitems/password/set", body, code=400)
            assert found["code"] == "value_masked"
        assert content_of(item("password")).values["password"] == CANARY.encode()


class TestRefused:
    def test_two_items_writing_one_object(self, fleet: Portal) -> None:
        save(fleet)
        found = refused(fleet, spec(objectName="settings"), code=409, name="others")
        assert (found["code"], found["data"]["item"]) == ("object_taken", "settings")
        assert "settings" in found["message"]
        # Another kind, namespace or cluster is another object.
        fleet.call(
            "put",
            "configitems/others",
            {"spec": spec(objectName="settings", namespaces=["bank"])},
            code=201,
        )

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({"data": {"a b": "x"}}, "key_invalid", "spec.data"),
            ({"data": {"..": "x"}}, "key_invalid", "spec.data"),
            ({"data": {"a": "x"}, "binaryData": {"a": "eA=="}}, "key_duplicate", "spec.data"),
            ({"binaryData": {"a": f"!{CANARY}"}}, "base64_invalid", "spec.data"),
            ({"data": {"a": "x" * (1024 * 1024)}}, "data_too_large", "spec.data"),
            ({"secretType": "Opaque"}, "secret_type_invalid", "spec.secretType"),
            ({"placement": {"selector": "a b"}}, "selector_invalid", "spec.placement.selector"),
        ],
    )
    def test_values(self, fleet: Portal, body: Json, code: str, field: str) -> None:
        found = refused(fleet, spec(**body))
        assert (found["code"], found["field"]) == (code, field)
        assert CANARY not in str(found)

    @pytest.mark.parametrize(
        ("type_", "data", "code"),
        [
            ("kubernetes.io/tls", {"tls.crt": "x"}, "key_missing"),
            ("kubernetes.io/tls", {"tls.crt": CANARY, "tls.key": CANARY}, "tls_bad_pem"),
            ("kubernetes.io/dockerconfigjson", {"a": "b"}, "key_missing"),
            ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "[]"}, "dockerconfig_invalid"),
            ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "{}"}, "dockerconfig_invalid"),
            ("kubernetes.io/dockercfg", {".dockercfg": CANARY}, "dockerconfig_invalid"),
            ("kubernetes.io/basic-auth", {"other": "b"}, "key_missing"),
            ("kubernetes.io/ssh-auth", {"other": "b"}, "key_missing"),
            ("kubernetes.io/service-account-token", {}, "secret_type_invalid"),
            ("a type", {}, "secret_type_invalid"),
        ],
    )
    def test_types_of_secrets(self, fleet: Portal, type_: str, data: Json, code: str) -> None:
        found = refused(fleet, spec(type="Secret", secretType=type_, data=data))
        assert found["code"] == code
        assert CANARY not in str(found)

    def test_an_override_counts_as_well(self, fleet: Portal) -> None:
        data = {".dockerconfigjson": '{"auths": {}}'}
        overrides = {"two": {"data": {".dockerconfigjson": "[]"}}}
        found = refused(
            fleet,
            spec(
                type="Secret",
                secretType="kubernetes.io/dockerconfigjson",
                data=data,
                placement={"clusters": ["one"], "overrides": overrides},
            ),
        )
        assert found["field"] == "spec.placement.overrides.two..dockerconfigjson"

    def test_immutable_as_in_kubernetes(self, fleet: Portal) -> None:
        save(fleet, immutable=True)
        found = refused(fleet, spec(immutable=True, data={"color": "red"}), code=409)
        assert found["code"] == "item_immutable"
        body = {"data": {"color": "red"}}
        answer = error(fleet, "post", "configitems/settings/set", body, code=409)
        assert answer["code"] == "item_immutable"
        save(fleet, code=202, immutable=False, data={"color": "red"})

    def test_type_and_name_stay(self, fleet: Portal) -> None:
        save(fleet)
        assert refused(fleet, spec(objectName="other"))["code"] == "identity_immutable"
        assert refused(fleet, secret())["field"] == "spec.type"

    def test_copies_and_conflicts_are_not_written(self, fleet: Portal) -> None:
        save(fleet)
        for kind in ("configcopies", "configconflicts"):
            assert fleet.client.post(f"/api/v1/{kind}", {}, format="json").status_code == 400


class TestConsole:
    """What the pages show of a secret, and what the form does with one."""

    @pytest.fixture
    def console(self, fleet: Portal, admin_user: Any) -> Client:
        fleet.call("put", "configitems/password", {"spec": secret()})
        client = Client()
        client.force_login(admin_user)
        return client

    def form(self, **more: Any) -> Json:
        return {
            "name": "password",
            "namespaces": "shop",
            "propagation": "one-way",
            "prune": "delete",
            "clusters": ["one", "two"],
            "read_generation": item("password").generation,
            **more,
        }

    def page(self, *more: Any) -> str:
        return reverse("admin:fleet_configitem_change", args=[item("password").pk])

    def test_no_page_shows_a_value(self, console: Client) -> None:
        for tab in ("status", "spec", "history"):
            shown = console.get(f"{self.page()}?tab={tab}")
            assert shown.status_code == 200
            assert CANARY not in shown.content.decode()
        assert CANARY not in console.get("/admin/fleet/configitem/").content.decode()

    def test_the_form_keeps_what_is_not_filled_in(self, console: Client) -> None:
        assert console.post(self.page(), self.form(description="new")).status_code == 302
        assert content_of(item("password")).values["password"] == CANARY.encode()
        uploads = [SimpleUploadedFile("key.bin", b"\xff\x00"), SimpleUploadedFile("a.txt", b"text")]
        given = self.form(values="user: root\n", uploads=uploads, remove_keys=["password"])
        assert console.post(self.page(), given).status_code == 302
        values = {"user": b"root", "key.bin": b"\xff\x00", "a.txt": b"text"}
        assert content_of(item("password")).values == values

    def test_rows_replace_single_values_and_never_write_a_mask(self, console: Client) -> None:
        page = console.get(f"{self.page()}?tab=spec").content.decode()
        mask = re.search(r'name="key_rows-0-kept" value="([^"]*)"', page)
        assert mask
        row = {"key_rows-0-was": "password", "key_rows-0-key": "password"}
        kept = {**row, "key_rows-0-kept": mask[1], "key_rows-0-text": "", "values_as": "rows"}
        assert console.post(self.page(), self.form(**kept, description="new")).status_code == 302
        assert content_of(item("password")).values["password"] == CANARY.encode()

        answer = console.post(self.page(), self.form(**{**kept, "key_rows-0-text": mask[1]}))
        assert "is a mask, not a value" in answer.content.decode()
        assert content_of(item("password")).values["password"] == CANARY.encode()

        both = self.form(**{**kept, "key_rows-0-text": "other"}, values="user: root\n")
        assert "The YAML was changed too" in console.post(self.page(), both).content.decode()
        both["values_as"] = "yaml"
        assert "The rows were changed too" in console.post(self.page(), both).content.decode()

        more = {
            "key_rows-1-key": "token",
            "key_rows-1-text": "abc",
            "key_rows-0-on-0-cluster": "two",
        }
        given = self.form(**{**kept, **more, "key_rows-0-on-0-text": "only-there"})
        before = content_of(item("password")).values
        assert console.post(self.page(), given).status_code == 302
        content = content_of(item("password"))
        assert content.values == {**before, "token": b"abc"}
        assert content.on("two")["password"] == b"only-there"
        page = console.get(f"{self.page()}?tab=spec").content.decode()
        assert "only-there" not in page
        assert "Other on 1 cluster<" in page

        answer = console.post(self.page(), self.form(**{**kept, "key_rows-1-key": "a b"}))
        assert "is no valid key" in answer.content.decode()

    def test_what_is_wrong_is_said_at_its_field(self, console: Client) -> None:
        before = counts()
        answer = console.post(self.page(), self.form(values="a b: x\n"))
        assert answer.status_code == 200
        assert "is no valid key" in answer.content.decode()
        assert counts() == before

    def test_somebody_elses_change_is_not_lost(self, console: Client) -> None:
        given = self.form(read_generation=99, description="x")
        assert "meanwhile" in console.post(self.page(), given).content.decode()

    def test_reveal_asks_first_and_is_on_record(self, console: Client) -> None:
        url = reverse("admin:fleet_configitem_do", args=[item("password").pk, "reveal"])
        before = AuditEntry.objects.filter(event="secret-revealed").count()
        assert CANARY not in console.get(url).content.decode()
        answer = console.post(url, {"keys": ["password"]})
        assert CANARY in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert AuditEntry.objects.filter(event="secret-revealed").count() == before + 1
