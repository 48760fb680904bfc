"""Changes made in a cluster: taken over everywhere, or decided in the inbox."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fleet.models import ConfigConflict, ConfigCopy
from tests.controlplane.config_items import data, edit, found, hear, save, writes
from tests.portal import Portal, eventually
from tools.controlplane import ControlPlane

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]


def ready(portal: Portal, name: str = "settings") -> None:
    eventually(lambda: portal.ready(f"configitems/{name}"), what=f"{name} is ready")


def inbox(portal: Portal) -> list[Json]:
    """What waits for a decision."""
    items = portal.call("get", "configconflicts")["items"]
    return [item for item in items if item["status"]["open"]]


def decide(portal: Portal, conflict: Json, choice: str) -> None:
    path = f"configconflicts/{conflict['metadata']['name']}/resolve"
    portal.call("post", path, {"choice": choice}, code=202)


def revisions(portal: Portal) -> list[Json]:
    return list(portal.call("get", "configitems/settings/revisions")["items"])


@pytest.fixture
def planes(cluster_one: ControlPlane, cluster_two: ControlPlane) -> list[ControlPlane]:
    return [cluster_one, cluster_two]


class TestTwoWay:
    def test_a_change_in_one_cluster_becomes_the_new_value(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> None:
        save(fleet, "settings", namespace, propagation="two-way")
        ready(fleet)
        edit(kubectl, planes[0], namespace, "settings", color="red", size=None, new="1")
        hear()
        ready(fleet)
        for plane in planes:
            assert data(kubectl, plane, namespace, "settings") == {"color": "red", "new": "1"}
        newest = revisions(fleet)[0]
        assert (newest["number"], newest["author"]) == (2, "kubectl-patch on one")
        assert newest["changed"] == {"added": ["new"], "changed": ["color"], "removed": ["size"]}
        # Own writes are known: nothing goes round.
        counts = [writes(plane, namespace, "settings")["patch"] for plane in planes]
        for _ in range(3):
            hear()
            ready(fleet)
        assert len(revisions(fleet)) == 2
        assert [writes(p, namespace, "settings")["patch"] for p in planes] == counts
        assert inbox(fleet) == []

    def test_two_clusters_change_other_keys(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> None:
        save(fleet, "settings", namespace, propagation="two-way")
        ready(fleet)
        edit(kubectl, planes[0], namespace, "settings", color="red")
        edit(kubectl, planes[1], namespace, "settings", size="2")
        hear()
        ready(fleet)
        for plane in planes:
            assert data(kubectl, plane, namespace, "settings") == {"color": "red", "size": "2"}
        assert inbox(fleet) == []

    def test_two_clusters_change_one_key_within_a_second(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> None:
        save(fleet, "settings", namespace, propagation="two-way")
        ready(fleet)
        edit(kubectl, planes[0], namespace, "settings", color="red")
        edit(kubectl, planes[1], namespace, "settings", color="green")
        hear()
        ready(fleet)
        values = {data(kubectl, plane, namespace, "settings")["color"] for plane in planes}
        assert len(values) == 1
        (winner,) = values
        loser = ({"red", "green"} - values).pop()
        (lost,) = inbox(fleet)
        assert (lost["status"]["cause"], lost["status"]["keys"]) == ("Overwritten", ["color"])
        assert f"-  color: {winner}" in lost["status"]["diff"]
        assert f"+  color: {loser}" in lost["status"]["diff"]
        count = len(revisions(fleet))
        hear()
        ready(fleet)
        assert len(revisions(fleet)) == count  # no ping-pong
        # What lost can still be had.
        decide(fleet, lost, "adopt")
        ready(fleet)
        assert {data(kubectl, p, namespace, "settings")["color"] for p in planes} == {loser}

    def test_the_later_of_two_changes_wins(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> None:
        import time

        save(fleet, "settings", namespace, propagation="two-way")
        ready(fleet)
        edit(kubectl, planes[1], namespace, "settings", color="first")
        time.sleep(1.2)  # the servers tell whole seconds
        edit(kubectl, planes[0], namespace, "settings", color="second")
        hear()
        ready(fleet)
        assert {data(kubectl, p, namespace, "settings")["color"] for p in planes} == {"second"}
        (lost,) = inbox(fleet)
        assert "+  color: first" in lost["status"]["diff"]
        assert lost["status"]["cluster"] == "two"

    def test_an_override_changes_only_there(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> None:
        overrides = {"two": {"data": {"color": "green"}}}
        placement = {"selector": "*", "overrides": overrides}
        save(fleet, "settings", namespace, propagation="two-way", placement=placement)
        ready(fleet)
        edit(kubectl, planes[1], namespace, "settings", color="red")
        hear()
        ready(fleet)
        assert data(kubectl, planes[0], namespace, "settings")["color"] == "blue"
        assert data(kubectl, planes[1], namespace, "settings")["color"] == "red"

    def test_a_mask_is_put_back_and_never_taken_over(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> None:
        secret: Json = {"type": "Secret", "data": {"password": "canary-1"}}
        save(fleet, "settings", namespace, propagation="two-way", **secret)
        ready(fleet)
        mask = base64.b64encode(b"*** (0a1b2c3d)").decode()
        patch = f'{{"data": {{"password": "{mask}"}}}}'
        kubectl(
            *("patch", "secret", "settings", "-n", namespace, "--type=merge", "-p", patch),
            cluster=planes[0],
        )
        hear()
        ready(fleet)
        for plane in planes:
            kept = data(kubectl, plane, namespace, "settings", "secret")["password"]
            assert base64.b64decode(kept) == b"canary-1"
        assert len(revisions(fleet)) == 1

    def test_what_cannot_be_taken_over_is_in_the_inbox(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> None:
        save(
            fleet,
            "settings",
            namespace,
            propagation="two-way",
            type="Secret",
            secretType="kubernetes.io/dockerconfigjson",
            data={".dockerconfigjson": '{"auths": {}}'},
        )
        ready(fleet)
        # To the API server any JSON object is one; to us it needs “auths”.
        value = base64.b64encode(b"{}").decode()
        patch = f'{{"data": {{".dockerconfigjson": "{value}"}}}}'
        kubectl(
            *("patch", "secret", "settings", "-n", namespace, "--type=merge", "-p", patch),
            cluster=planes[0],
        )
        hear()
        eventually(lambda: inbox(fleet))
        kept = data(kubectl, planes[1], namespace, "settings", "secret")
        decide(fleet, inbox(fleet)[0], "revert")
        ready(fleet)
        assert data(kubectl, planes[0], namespace, "settings", "secret") == kept

    def test_a_worker_that_died_after_its_write_is_no_stranger(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> None:
        """The write is in the cluster, its record is not, and the item has moved on."""
        save(fleet, "settings", namespace, propagation="two-way")
        ready(fleet)
        columns = ("uid", "resource_version", "applied_digest")
        before = {row.pk: {c: getattr(row, c) for c in columns} for row in ConfigCopy.objects.all()}
        fleet.call("post", "configitems/settings/set", {"data": {"color": "red"}})
        ready(fleet)
        for pk, known in before.items():
            ConfigCopy.objects.filter(pk=pk).status_update(**known, applied_revision=1)
        fleet.call("post", "configitems/settings/set", {"data": {"color": "green"}})
        hear()
        ready(fleet)
        assert {data(kubectl, p, namespace, "settings")["color"] for p in planes} == {"green"}
        assert [r["author"] for r in revisions(fleet)] == ["admin"] * 3
        assert inbox(fleet) == []


class TestInbox:
    @pytest.fixture
    def conflict(
        self, fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
    ) -> Json:
        """A change on the first cluster waits."""
        save(fleet, "settings", namespace, propagation="inbox")
        ready(fleet)
        edit(kubectl, planes[0], namespace, "settings", color="red", new="1")
        hear()
        (waiting,) = eventually(lambda: inbox(fleet))
        return dict(waiting)

    def test_it_waits_in_the_cluster(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        status = conflict["status"]
        assert (status["cause"], status["keys"]) == ("Waiting", ["color", "new"])
        assert (status["cluster"], status["changedBy"]) == ("one", "kubectl-patch on one")
        drifted = fleet.condition(f"configcopies/settings.one.{namespace}", "Drifted")
        assert (drifted["status"], drifted["reason"]) == ("True", "WaitsForDecision")
        # A later change replaces what is in it.
        edit(kubectl, planes[0], namespace, "settings", color="violet")
        hear()
        eventually(lambda: "violet" in inbox(fleet)[0]["status"]["diff"])
        assert len(inbox(fleet)) == 1

    def test_other_keys_go_on(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        """Only the keys that wait stay as they are there, however often the item is changed."""
        theirs = {"color": "red", "new": "1"}
        fleet.call("post", "configitems/settings/set", {"data": {"size": "2", "more": "a"}})
        wanted = {**theirs, "size": "2", "more": "a"}
        eventually(lambda: data(kubectl, planes[0], namespace, "settings") == wanted)
        fleet.call("post", "configitems/settings/set", {"unset": ["size"]})
        eventually(lambda: "size" not in data(kubectl, planes[0], namespace, "settings"))
        fleet.call("post", "configitems/settings/set", {"data": {"color": "green"}})
        other = {"color": "green", "more": "a"}
        eventually(lambda: data(kubectl, planes[1], namespace, "settings") == other)
        assert data(kubectl, planes[0], namespace, "settings") == {**theirs, "more": "a"}

        (waiting,) = inbox(fleet)
        assert (waiting["metadata"], waiting["status"]["keys"]) == (
            conflict["metadata"],
            ["color", "new"],
        )
        assert waiting["status"]["changedBy"] == "kubectl-patch on one"
        assert {"-  color: green", "+  color: red"} <= set(waiting["status"]["diff"].splitlines())
        drifted = fleet.condition(f"configcopies/settings.one.{namespace}", "Drifted")
        assert (drifted["status"], drifted["reason"]) == ("True", "WaitsForDecision")
        counts = [writes(plane, namespace, "settings")["patch"] for plane in planes]
        for _ in range(3):  # nothing goes round
            hear()
        assert [writes(p, namespace, "settings")["patch"] for p in planes] == counts

        edit(kubectl, planes[0], namespace, "settings", more="b")  # somebody's next change joins
        hear()
        eventually(lambda: inbox(fleet)[0]["status"]["keys"] == ["color", "more", "new"])
        assert len(inbox(fleet)) == 1
        decide(fleet, inbox(fleet)[0], "revert")
        ready(fleet)
        assert data(kubectl, planes[0], namespace, "settings") == other
        assert inbox(fleet) == []

    def test_a_worker_that_died_after_writing_the_others(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        """The write is in the cluster and its record is not: still only the first change waits."""
        row = ConfigCopy.objects.get(cluster__name="one")
        columns = ("uid", "resource_version", "applied_digest", "applied_revision")
        before = {column: getattr(row, column) for column in columns}
        fleet.call("post", "configitems/settings/set", {"data": {"size": "2"}})
        eventually(lambda: data(kubectl, planes[0], namespace, "settings")["size"] == "2")
        ConfigCopy.objects.filter(pk=row.pk).status_update(**before, watch_version="")
        hear()
        (waiting,) = inbox(fleet)
        assert waiting["status"]["keys"] == ["color", "new"]
        decide(fleet, waiting, "adopt")
        ready(fleet)
        for plane in planes:
            made = data(kubectl, plane, namespace, "settings")
            assert made == {"color": "red", "new": "1", "size": "2"}

    def test_adopt_everywhere(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        decide(fleet, conflict, "adopt")
        ready(fleet)
        for plane in planes:
            made = data(kubectl, plane, namespace, "settings")
            assert made == {"color": "red", "new": "1", "size": "1"}
        assert inbox(fleet) == []
        path = f"configconflicts/{conflict['metadata']['name']}/resolve"
        again = fleet.call("post", path, {"choice": "revert"}, code=409)
        assert again["error"]["code"] == "conflict_resolved"

    def test_revert(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        decide(fleet, conflict, "revert")
        ready(fleet)
        for plane in planes:
            assert data(kubectl, plane, namespace, "settings") == {"color": "blue", "size": "1"}
        assert len(revisions(fleet)) == 1

    def test_pin_here(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        decide(fleet, conflict, "pin")
        ready(fleet)
        first, second = (data(kubectl, plane, namespace, "settings") for plane in planes)
        assert first == {"color": "red", "new": "1", "size": "1"}
        assert second == {"color": "blue", "size": "1"}
        spec = fleet.call("get", "configitems/settings")["spec"]
        assert spec["placement"]["overrides"]["one"]["data"] == {"color": "red", "new": "1"}

    def test_ignore_the_keys(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        decide(fleet, conflict, "ignore")
        ready(fleet)
        first, second = (data(kubectl, plane, namespace, "settings") for plane in planes)
        assert (first["color"], second["color"]) == ("red", "blue")
        edit(kubectl, planes[1], namespace, "settings", color="green")
        hear()
        ready(fleet)
        assert data(kubectl, planes[1], namespace, "settings")["color"] == "green"
        fleet.call("post", "configitems/settings/set", {"data": {"size": "3"}})
        ready(fleet)
        first, second = (data(kubectl, plane, namespace, "settings") for plane in planes)
        assert (first["color"], first["size"]) == ("red", "3")
        assert (second["color"], second["size"]) == ("green", "3")
        assert inbox(fleet) == []

    def test_nobody_is_asked_any_more(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        fleet.call("patch", "configitems/settings", {"spec": {"propagation": "one-way"}})
        ready(fleet)
        assert data(kubectl, planes[0], namespace, "settings") == {"color": "blue", "size": "1"}
        assert inbox(fleet) == []

    def test_keys_are_ignored_no_more(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        decide(fleet, conflict, "ignore")
        ready(fleet)
        spec = {"ignoredKeys": [], "propagation": "one-way"}
        fleet.call("patch", "configitems/settings", {"spec": spec})
        ready(fleet)
        assert data(kubectl, planes[0], namespace, "settings") == {"color": "blue", "size": "1"}

    def test_put_back_by_hand_it_is_over(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        edit(kubectl, planes[0], namespace, "settings", color="blue", new=None)
        hear()
        ready(fleet)
        assert inbox(fleet) == []

    def test_an_item_goes_with_its_inbox(
        self,
        fleet: Portal,
        planes: list[ControlPlane],
        namespace: str,
        kubectl: Any,
        conflict: Json,
    ) -> None:
        fleet.call("delete", "configitems/settings")
        eventually(lambda: fleet.gone("configitems/settings"))
        assert found(kubectl, planes[0], namespace, "settings") == {}
        assert not ConfigConflict.objects.exists()


def test_a_secret_in_the_inbox_is_masked(
    fleet: Portal, planes: list[ControlPlane], namespace: str, kubectl: Any
) -> None:
    secret: Json = {"type": "Secret", "data": {"password": "canary-1"}}
    save(fleet, "settings", namespace, propagation="inbox", **secret)
    ready(fleet)
    value = base64.b64encode(b"canary-2").decode()
    patch = f'{{"data": {{"password": "{value}"}}}}'
    kubectl(
        *("patch", "secret", "settings", "-n", namespace, "--type=merge", "-p", patch),
        cluster=planes[0],
    )
    hear()
    (waiting,) = eventually(lambda: inbox(fleet))
    assert "canary" not in str(waiting)
    assert waiting["status"]["diff"].count("password: '*** (") == 2
    assert "canary" not in str(list(ConfigConflict.objects.values()))
    assert "canary" not in str(list(ConfigCopy.objects.values()))
    fleet.call("post", "configitems/settings/set", {"data": {"user": "shop"}})
    eventually(lambda: "user" in data(kubectl, planes[0], namespace, "settings", "secret"))
    there = data(kubectl, planes[0], namespace, "settings", "secret")["password"]
    assert base64.b64decode(there) == b"canary-2"
    decide(fleet, waiting, "adopt")
    ready(fleet)
    kept = data(kubectl, planes[1], namespace, "settings", "secret")["password"]
    assert base64.b64decode(kept) == b"canary-2"
