"""The ConfigManagement on real clusters; kubectl and the API servers' audit logs check it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.models import ConfigCopy
from tests.controlplane.config_items import data, edit, found, hear, save, writes
from tests.portal import Portal, eventually
from tools.controlplane import ControlPlane, Etcd

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def third(etcd: Etcd, controlplane_dir: Path) -> Iterator[ControlPlane]:
    """Another API server alone, the cheapest cluster that answers."""
    plane = ControlPlane(name="three", dir=controlplane_dir, etcd=etcd, controllers=False)
    plane.start()
    try:
        yield plane
    finally:
        plane.stop()


def ready(portal: Portal, name: str = "settings") -> None:
    eventually(lambda: portal.ready(f"configitems/{name}"), what=f"{name} is ready")


def copy(portal: Portal, name: str) -> Any:
    return portal.call("get", f"configcopies/{name}")["status"]


def test_fan_out_to_three_clusters(
    fleet: Portal, clusters: Any, third: ControlPlane, namespace: str, kubectl: Any
) -> None:
    fleet.import_cluster(third, environment="edge")
    planes = [*clusters.values(), third]
    raw = bytes(range(256))
    save(
        fleet,
        "settings",
        namespace,
        binaryData={"key.bin": base64.b64encode(raw).decode()},
        placement={
            "selector": "*",
            "overrides": {"two": {"data": {"color": "green"}, "remove": ["size"]}},
        },
    )
    ready(fleet)
    for plane in planes:
        made = found(kubectl, plane, namespace, "settings")
        assert base64.b64decode(made["binaryData"]["key.bin"]) == raw
        assert made["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "kubecarrier"}
        owner = made["metadata"]["annotations"]["kubecarrier.io/owner"]
        assert owner.startswith("configitem/")
        managers = [(m["manager"], m["operation"]) for m in made["metadata"]["managedFields"]]
        assert managers == [("kubecarrier", "Apply")]
    assert data(kubectl, planes[0], namespace, "settings") == {"color": "blue", "size": "1"}
    assert data(kubectl, planes[1], namespace, "settings") == {"color": "green"}
    # The namespace was not there on the third: it was made.
    assert kubectl("get", "ns", namespace, "-o", "name", cluster=third).strip()

    fleet.call("post", "configitems/settings/set", {"data": {"size": "2"}, "unset": ["key.bin"]})
    ready(fleet)
    assert data(kubectl, third, namespace, "settings") == {"color": "blue", "size": "2"}
    assert "binaryData" not in found(kubectl, planes[0], namespace, "settings")
    # One write to make it, one for the change; what the watch tells of them changes nothing.
    hear()
    ready(fleet)
    assert writes(planes[0], namespace, "settings")["patch"] == 2
    reads = writes(planes[0], namespace, "settings")["get"]
    ConfigCopy.objects.status_update(next_reconcile_at="2020-01-01T00:00:00Z")
    ready(fleet)
    assert writes(planes[0], namespace, "settings")["get"] == reads

    fleet.call("delete", "configitems/settings")
    eventually(lambda: fleet.gone("configitems/settings"))
    assert [found(kubectl, plane, namespace, "settings") for plane in planes] == [{}, {}, {}]
    operations = fleet.call("get", "operations?object=settings")["items"]
    assert all(operation["status"]["succeeded"] for operation in operations), operations


def test_secrets_of_every_kind(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    config = '{"auths": {"registry.example.org": {"username": "u", "password": "canary-1"}}}'
    save(
        fleet,
        "pull",
        namespace,
        type="Secret",
        secretType="kubernetes.io/dockerconfigjson",
        data={".dockerconfigjson": config},
    )
    save(fleet, "plain", namespace, type="Secret", data={"password": "canary-2"})
    ready(fleet, "pull")
    ready(fleet, "plain")
    made = found(kubectl, cluster_one, namespace, "pull", "secret")
    assert made["type"] == "kubernetes.io/dockerconfigjson"
    assert base64.b64decode(made["data"][".dockerconfigjson"]).decode() == config
    shown = str([fleet.call("get", k) for k in ("configitems", "configcopies", "operations")])
    assert "canary" not in shown


def test_drift_is_put_back(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    save(fleet, "settings", namespace)
    ready(fleet)
    edit(kubectl, cluster_one, namespace, "settings", color="red", size=None, extra="x")
    hear()
    ready(fleet)
    assert data(kubectl, cluster_one, namespace, "settings") == {"color": "blue", "size": "1"}
    assert copy(fleet, f"settings.one.{namespace}")["changedBy"] == "kubectl-patch"

    kubectl("delete", "cm", "settings", "-n", namespace, cluster=cluster_one)
    hear()
    ready(fleet)
    assert data(kubectl, cluster_one, namespace, "settings") == {"color": "blue", "size": "1"}
    # The label by which we watch it is taken away: to the watch it is gone.
    label = "app.kubernetes.io/managed-by-"
    kubectl("label", "cm", "settings", "-n", namespace, label, cluster=cluster_one)
    hear()
    ready(fleet)
    assert found(kubectl, cluster_one, namespace, "settings")["metadata"]["labels"]


def test_somebody_fights_for_a_value(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    save(fleet, "settings", namespace, placement={"clusters": ["one"]})
    ready(fleet)
    for round_ in range(5):
        edit(kubectl, cluster_one, namespace, "settings", color=f"red{round_}")
        hear()
        ready(fleet)
    edit(kubectl, cluster_one, namespace, "settings", color="again")
    hear()
    path = f"configcopies/settings.one.{namespace}"
    drift = eventually(
        lambda: (c := fleet.condition(path, "Drifted")) and c["reason"] == "Flapping" and c
    )
    assert "kubectl-patch" in drift["message"]
    assert data(kubectl, cluster_one, namespace, "settings")["color"] == "again"
    # A new wish is written all the same.
    fleet.call("post", "configitems/settings/set", {"data": {"color": "green"}})
    ready(fleet)
    assert data(kubectl, cluster_one, namespace, "settings")["color"] == "green"


def test_a_foreign_object_is_left_alone_until_adopted(
    fleet: Portal,
    cluster_one: ControlPlane,
    cluster_two: ControlPlane,
    namespace: str,
    kubectl: Any,
) -> None:
    kubectl(
        *("create", "cm", "settings", "-n", namespace, "--from-literal=old=1"),
        cluster=cluster_one,
    )
    save(fleet, "settings", namespace)
    name = f"settings.one.{namespace}"
    eventually(lambda: copy(fleet, name)["reason"] == "ObjectOwnedByOthers")
    eventually(lambda: fleet.ready(f"configcopies/settings.two.{namespace}"))
    assert data(kubectl, cluster_one, namespace, "settings") == {"old": "1"}
    groups = fleet.call("post", "configitems/settings/preview")["groups"]
    assert {g["error"]["code"] for g in groups if g["error"]} == {"object_owned_by_others"}
    # A deletion does not touch it either.
    fleet.call("delete", "configitems/settings")
    eventually(lambda: fleet.gone("configitems/settings"))
    assert data(kubectl, cluster_one, namespace, "settings") == {"old": "1"}
    assert found(kubectl, cluster_two, namespace, "settings") == {}

    save(fleet, "settings", namespace)
    eventually(lambda: copy(fleet, name)["reason"] == "ObjectOwnedByOthers")
    fleet.call("post", f"configcopies/{name}/adopt", code=202)
    ready(fleet)
    assert data(kubectl, cluster_one, namespace, "settings") == {"color": "blue", "size": "1"}


def test_prune_keep_leaves_the_object_without_marks(
    fleet: Portal,
    cluster_one: ControlPlane,
    cluster_two: ControlPlane,
    namespace: str,
    kubectl: Any,
) -> None:
    save(fleet, "settings", namespace, prune="keep")
    ready(fleet)
    save(fleet, "settings", namespace, code=202, prune="keep", placement={"clusters": ["one"]})
    eventually(lambda: fleet.gone(f"configcopies/settings.two.{namespace}"))
    kept = found(kubectl, cluster_two, namespace, "settings")
    assert kept["data"] == {"color": "blue", "size": "1"}
    assert "labels" not in kept["metadata"]
    assert "annotations" not in kept["metadata"]
    assert found(kubectl, cluster_one, namespace, "settings")["metadata"]["annotations"]


def test_immutable_objects_are_made_anew_when_asked(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    save(fleet, "settings", namespace, immutable=True)
    ready(fleet)
    before = found(kubectl, cluster_one, namespace, "settings")
    assert before["immutable"] is True
    save(fleet, "settings", namespace, code=202, immutable=False, data={"color": "red"})
    ready(fleet)
    after = found(kubectl, cluster_one, namespace, "settings")
    assert after["data"] == {"color": "red"}
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


def test_a_cluster_that_was_down_catches_up(
    fleet: Portal,
    cluster_one: ControlPlane,
    cluster_two: ControlPlane,
    namespace: str,
    kubectl: Any,
) -> None:
    save(fleet, "settings", namespace)
    ready(fleet)
    cluster_two.stop()
    try:
        fleet.call("post", "configitems/settings/set", {"data": {"color": "red"}})
        eventually(lambda: fleet.ready(f"configcopies/settings.one.{namespace}"))
        assert data(kubectl, cluster_one, namespace, "settings")["color"] == "red"
        eventually(lambda: copy(fleet, f"settings.two.{namespace}")["ready"] == "Unknown")
        assert not fleet.ready("configitems/settings")
    finally:
        cluster_two.start()
    ready(fleet)
    assert data(kubectl, cluster_two, namespace, "settings")["color"] == "red"


def test_a_pause_holds_everything_back(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    save(fleet, "settings", namespace)
    ready(fleet)
    fleet.call("post", "configitems/settings/suspend")
    edit(kubectl, cluster_one, namespace, "settings", color="red")
    hear()
    path = f"configcopies/settings.one.{namespace}"
    eventually(lambda: fleet.condition(path, "Drifted").get("status") == "True")
    fleet.call("post", "configitems/settings/set", {"data": {"size": "2"}})
    eventually(lambda: copy(fleet, f"settings.two.{namespace}")["reason"] == "Paused")
    assert data(kubectl, cluster_one, namespace, "settings") == {"color": "red", "size": "1"}
    fleet.call("post", "configitems/settings/resume")
    ready(fleet)
    assert data(kubectl, cluster_one, namespace, "settings") == {"color": "blue", "size": "2"}


def test_workloads_are_restarted_once_per_change(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    kubectl(*("create", "deployment", "web", "--image=nginx", "-n", namespace), cluster=cluster_one)
    restart = [{"kind": "Deployment", "name": "web"}, {"kind": "StatefulSet", "name": "none"}]
    save(fleet, "settings", namespace, restart=restart, placement={"clusters": ["one"]})
    ready(fleet)

    def generation() -> int:
        return int(
            found(kubectl, cluster_one, namespace, "web", "deploy")["metadata"]["generation"]
        )

    first = generation()
    fleet.call("post", "configitems/settings/set", {"data": {"size": "2"}})
    ready(fleet)
    assert generation() == first + 1
    message = fleet.condition(f"configcopies/settings.one.{namespace}", "Applied")["message"]
    assert "StatefulSet none" in message
    ConfigCopy.objects.status_update(verified_at=None, next_reconcile_at="2020-01-01T00:00:00Z")
    ready(fleet)
    assert generation() == first + 1


def test_the_preview_groups_clusters_by_equal_change(fleet: Portal, namespace: str) -> None:
    save(fleet, "settings", namespace)
    ready(fleet)
    spec = {"namespaces": [namespace], "data": {"color": "red", "size": "1"}}
    body = {"spec": {**spec, "placement": {"selector": "*"}}}
    groups = fleet.call("post", "configitems/settings/preview", body)["groups"]
    assert [group["clusters"] for group in groups] == [["one", "two"]]
    assert "-  color: blue\n+  color: red" in groups[0]["diff"]
    assert fleet.call("get", "configitems/settings")["spec"]["data"]["color"] == "blue"


def test_a_finalizer_of_others_is_waited_for(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    save(fleet, "settings", namespace, placement={"clusters": ["one"]})
    ready(fleet)

    def finalizers(text: str) -> None:
        patch = f'{{"metadata": {{"finalizers": {text}}}}}'
        kubectl(
            *("patch", "cm", "settings", "-n", namespace, "--type=merge", "-p", patch),
            cluster=cluster_one,
        )

    finalizers('["example.org/held"]')
    hear()
    ready(fleet)
    fleet.call("delete", "configitems/settings")
    eventually(lambda: copy(fleet, f"settings.one.{namespace}")["reason"] == "Deleting")
    assert found(kubectl, cluster_one, namespace, "settings")["metadata"]["deletionTimestamp"]
    finalizers("null")
    eventually(lambda: fleet.gone("configitems/settings"))


def test_what_a_cluster_refuses_is_said(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """A namespace that is going away, and a type that the object there does not have."""
    kubectl(
        *("create", "secret", "generic", "settings", "-n", namespace, "--from-literal=a=b"),
        cluster=cluster_one,
    )
    save(
        fleet,
        "settings",
        namespace,
        type="Secret",
        secretType="example.org/own",
        adopt=True,
        placement={"clusters": ["one"]},
    )
    name = f"settings.one.{namespace}"
    eventually(lambda: copy(fleet, name)["reason"] == "Refused")
    assert "delete it" in fleet.condition(f"configcopies/{name}", "Applied")["message"]
    kubectl("delete", "secret", "settings", "-n", namespace, cluster=cluster_one)
    ConfigCopy.objects.status_update(next_reconcile_at="2020-01-01T00:00:00Z")
    ready(fleet)
