"""Projects on two real clusters; kubectl and the API server's own quota check them, not we."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from fleet.models import ProjectCopy, ProjectNamespace
from kubecarrier.lib import lease
from tests.faultproxy import FaultProxy, Mode
from tests.portal import WEB, WEB_VALUES, Portal, chart, eventually, web_chart
from tools.controlplane import ControlPlane, ControlPlaneError

pytestmark = pytest.mark.django_db(transaction=True)
QUOTA = {
    "hard": {"requests.cpu": "1", "pods": "3"},
    "limits": {"defaultRequest": {"cpu": "100m"}, "default": {"memory": "64Mi"}},
}


@pytest.fixture
def names(clusters: Any) -> Iterator[tuple[str, str]]:
    """Two namespaces that are on no cluster yet, and are gone afterwards."""
    found = (f"team-{uuid.uuid4().hex[:8]}", f"team-{uuid.uuid4().hex[:8]}")
    yield found
    for plane in clusters.values():
        forget_accounts(plane)
        plane.kubectl("delete", "namespace", *found, "--wait=false", "--ignore-not-found")


def forget_accounts(plane: ControlPlane) -> None:
    """What projects of portals that are gone may on the cluster."""
    ours = ("-l", "app.kubernetes.io/managed-by=kubecarrier,kubecarrier.io/project")
    plane.kubectl("delete", "clusterroles,clusterrolebindings", *ours, "--ignore-not-found")
    plane.kubectl("delete", "rolebindings", "-A", *ours, "--ignore-not-found")


def save(portal: Portal, *names: str, name: str = "team", **spec: Any) -> Any:
    wanted = {
        "placement": {"clusters": ["one", "two"]},
        "namespaces": [{"name": one} for one in names],
        "quota": QUOTA,
        **spec,
    }
    return portal.call("put", f"projects/{name}", {"spec": wanted})


def found(kubectl: Any, plane: ControlPlane, kind: str, name: str, namespace: str = "") -> Any:
    where = ["-n", namespace] if namespace else []
    text = kubectl("get", kind, name, *where, "--ignore-not-found", "-o", "json", cluster=plane)
    return json.loads(text) if text.strip() else None


def labels(kubectl: Any, plane: ControlPlane, name: str) -> dict[str, str]:
    return dict(
        (found(kubectl, plane, "namespace", name) or {"metadata": {}})["metadata"].get("labels", {})
    )


def states(portal: Portal) -> dict[tuple[str, str], str]:
    items = portal.call("get", "projects/team/namespaces")["items"]
    return {(item["cluster"], item["name"]): item["state"] for item in items}


def pod(name: str, cpu: str) -> dict[str, Any]:
    container = {"name": "x", "image": "x", "resources": {"requests": {"cpu": cpu}}}
    spec = {"containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def test_namespaces_and_quotas_on_two_clusters(
    fleet: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane, names: Any, kubectl: Any
) -> None:
    save(fleet, *names, namespaceLabels={"pod-security.kubernetes.io/enforce": "baseline"})
    eventually(lambda: fleet.ready("projects/team"))
    for plane in (cluster_one, cluster_two):
        for name in names:
            marks = labels(kubectl, plane, name)
            assert marks["kubecarrier.io/project"] == "team"
            assert marks["app.kubernetes.io/managed-by"] == "kubecarrier"
            assert marks["pod-security.kubernetes.io/enforce"] == "baseline"
            quota = found(kubectl, plane, "resourcequota", "kubecarrier", name)
            assert quota["spec"]["hard"] == QUOTA["hard"]
            limit = found(kubectl, plane, "limitrange", "kubecarrier", name)["spec"]["limits"][0]
            assert limit["defaultRequest"] == {"cpu": "100m", "memory": "64Mi"}
    operation = fleet.call("get", "operations?object=team")["items"][0]["status"]
    assert operation["succeeded"] is True

    versions = _versions(kubectl, cluster_one, names[0])
    lease.wake(ProjectCopy.objects.all())
    eventually(lambda: not ProjectCopy.objects.filter(lease_expires_at__isnull=False).exists())
    assert fleet.ready("projects/team")
    assert _versions(kubectl, cluster_one, names[0]) == versions, "a second pass writes nothing"


def _versions(kubectl: Any, plane: ControlPlane, namespace: str) -> list[str]:
    listed = [
        found(kubectl, plane, "namespace", namespace),
        found(kubectl, plane, "limitrange", "kubecarrier", namespace),
    ]
    return [item["metadata"]["resourceVersion"] for item in listed]


def test_the_api_server_enforces_the_quota_and_its_use_is_shown(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    save(fleet, names[0], placement={"clusters": ["one"]})
    eventually(lambda: fleet.ready("projects/team"))
    path = f"/api/v1/namespaces/{names[0]}/pods"
    _account(cluster_one, names[0])
    cluster_one.api.create(path, pod("small", "400m"))
    with pytest.raises(ControlPlaneError, match="exceeded quota"):
        cluster_one.api.create(path, pod("large", "900m"))

    def used() -> Any:
        lease.wake(ProjectCopy.objects.all())
        return fleet.call("get", "projects/team")["status"]["quota"]["used"]

    eventually(lambda: used().get("pods") == "1")
    assert used()["requests.cpu"] == "400m"
    item = fleet.call("get", "projects/team/namespaces")["items"][0]
    assert item["quota"]["hard"]["requests.cpu"] == "1"


def _account(plane: ControlPlane, namespace: str) -> None:
    eventually(lambda: _has_account(plane, namespace))


def _has_account(plane: ControlPlane, namespace: str) -> bool:
    try:
        plane.api.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default")
    except ControlPlaneError:
        return False
    return True


def test_a_foreign_namespace_is_left_alone_and_reported_until_it_may_be_adopted(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    cluster_one.kubectl("create", "namespace", names[0])
    cluster_one.kubectl("label", "namespace", names[0], "theirs=yes")
    save(fleet, *names)
    stalled = "projectcopies/team.one"
    eventually(lambda: fleet.condition(stalled, "Stalled").get("status") == "True")
    condition = fleet.condition(stalled, "Stalled")
    assert condition["reason"] == "NamespaceForeign"
    assert names[0] in condition["message"]
    assert found(kubectl, cluster_one, "resourcequota", "kubecarrier", names[0]) is None
    assert "kubecarrier.io/project" not in labels(kubectl, cluster_one, names[0])
    # the others are not held up by it
    eventually(lambda: states(fleet)["one", names[1]] == "Ready")
    eventually(lambda: fleet.ready("projectcopies/team.two"))

    adopting = [{"name": names[0], "adopt": True}, {"name": names[1]}]
    save(fleet, namespaces=adopting)
    eventually(lambda: fleet.ready("projects/team"))
    marks = labels(kubectl, cluster_one, names[0])
    assert (marks["kubecarrier.io/project"], marks["theirs"]) == ("team", "yes")
    assert "app.kubernetes.io/managed-by" not in marks, "we did not make it"

    answer = fleet.call("delete", f"projects/team?deleteNamespaces={names[0]}", code=409)
    assert answer["error"]["code"] == "namespace_adopted"


def test_what_is_no_longer_wanted_loses_our_marks_and_stays(
    fleet: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane, names: Any, kubectl: Any
) -> None:
    save(fleet, *names)
    eventually(lambda: fleet.ready("projects/team"))
    cluster_one.kubectl("create", "configmap", "theirs", "-n", names[0])
    save(fleet, names[1])
    eventually(lambda: fleet.ready("projects/team") and ("one", names[0]) not in states(fleet))
    for plane in (cluster_one, cluster_two):
        assert "kubecarrier.io/project" not in labels(kubectl, plane, names[0])
        assert found(kubectl, plane, "resourcequota", "kubecarrier", names[0]) is None
        assert found(kubectl, plane, "limitrange", "kubecarrier", names[0]) is None
        assert found(kubectl, plane, "resourcequota", "kubecarrier", names[1]) is not None
    assert found(kubectl, cluster_one, "configmap", "theirs", names[0]) is not None

    listed = fleet.call("get", "projects/team/deletion")
    assert listed["clusters"] == ["one", "two"]
    assert {item["name"] for item in listed["namespaces"]} == {names[1]}
    fleet.call("delete", "projects/team")
    eventually(lambda: fleet.gone("projects/team"))
    for plane in (cluster_one, cluster_two):
        assert found(kubectl, plane, "namespace", names[1]) is not None
        assert "kubecarrier.io/project" not in labels(kubectl, plane, names[1])
        assert found(kubectl, plane, "resourcequota", "kubecarrier", names[1]) is None


def test_a_namespace_is_deleted_when_it_is_asked_for_by_name(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    save(fleet, *names, placement={"clusters": ["one"]})
    eventually(lambda: fleet.ready("projects/team"))
    fleet.call("delete", f"projects/team?deleteNamespaces={names[0]}")
    eventually(lambda: fleet.gone("projects/team"))
    assert found(kubectl, cluster_one, "namespace", names[0]) is None
    assert found(kubectl, cluster_one, "namespace", names[1]) is not None


def test_a_cluster_that_was_down_catches_up(
    portal: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane, names: Any, kubectl: Any
) -> None:
    host, port = cluster_two.server.removeprefix("https://").split(":")
    with FaultProxy((host, int(port))) as proxy:
        portal.import_cluster(cluster_one)
        config = cluster_two.kubeconfig.read_text().replace(
            cluster_two.server, f"https://127.0.0.1:{proxy.port}"
        )
        portal.call("post", "clusters/import", {"kubeconfig": config, "name": "two"})
        eventually(lambda: portal.ready("clusters/one") and portal.ready("clusters/two"))
        save(portal, names[0])
        eventually(lambda: portal.ready("projects/team"))
        proxy.drop()
        proxy.behave(Mode.REFUSE)
        portal.call("post", "clusters/two/probe")
        eventually(lambda: not portal.ready("clusters/two"))
        save(portal, *names)
        eventually(lambda: portal.ready("projectcopies/team.one"))
        unknown = portal.condition("projectcopies/team.two", "Ready")
        assert (unknown["status"], unknown["reason"]) == ("Unknown", "ClusterUnreachable")
        assert states(portal)["two", names[0]] == "Ready", "the last good state stays"
        assert found(kubectl, cluster_two, "namespace", names[1]) is None
        assert portal.condition("clusters/two", "Reachable")["status"] == "False", (
            "the fault happened"
        )
        proxy.behave(Mode.FORWARD)
        portal.call("post", "clusters/two/probe")
        eventually(lambda: portal.ready("projects/team"))
    assert found(kubectl, cluster_two, "namespace", names[1]) is not None


def test_a_cluster_that_changes_its_labels_leaves_and_joins(
    fleet: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane, names: Any, kubectl: Any
) -> None:
    save(fleet, names[0], placement={"selector": "tier=gold"})
    fleet.call("patch", "clusters/one", {"metadata": {"labels": {"tier": "gold"}}}, code=202)
    eventually(lambda: fleet.ready("projects/team") and states(fleet))
    assert set(states(fleet)) == {("one", names[0])}
    fleet.call("patch", "clusters/two", {"metadata": {"labels": {"tier": "gold"}}}, code=202)
    fleet.call("patch", "clusters/one", {"metadata": {"labels": {"tier": "tin"}}}, code=202)
    eventually(lambda: fleet.ready("projects/team") and set(states(fleet)) == {("two", names[0])})
    assert "kubecarrier.io/project" not in labels(kubectl, cluster_one, names[0])
    assert found(kubectl, cluster_one, "resourcequota", "kubecarrier", names[0]) is None
    assert labels(kubectl, cluster_two, names[0])["kubecarrier.io/project"] == "team"


def test_what_somebody_changes_is_put_back_and_a_fight_is_left(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    save(fleet, names[0], placement={"clusters": ["one"]})
    eventually(lambda: fleet.ready("projects/team"))
    for round_ in range(5):
        cluster_one.kubectl("delete", "resourcequota", "kubecarrier", "-n", names[0])
        lease.wake(ProjectCopy.objects.all())
        eventually(lambda: found(kubectl, cluster_one, "resourcequota", "kubecarrier", names[0]))
        eventually(lambda: fleet.ready("projectcopies/team.one"), what=f"round {round_}")
    cluster_one.kubectl("delete", "resourcequota", "kubecarrier", "-n", names[0])
    lease.wake(ProjectCopy.objects.all())
    stalled = eventually(
        lambda: (
            fleet.condition("projectcopies/team.one", "Stalled").get("status") == "True"
            and fleet.condition("projectcopies/team.one", "Stalled")
        )
    )
    assert stalled["reason"] == "Flapping"
    assert found(kubectl, cluster_one, "resourcequota", "kubecarrier", names[0]) is None


def test_killed_between_apply_and_record(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    """Everything was made, and nothing of it was written down: the next holder finds it as wanted."""
    from fleet.reconcilers.projectcopy import ProjectCopyReconciler

    save(fleet, names[0], placement={"clusters": ["one"]})
    reconciler = ProjectCopyReconciler()
    (claim,) = lease.claim_due(ProjectCopy, limit=1, lease_seconds=8)
    (job,) = reconciler.load([claim])
    reconciler.run(job)
    assert found(kubectl, cluster_one, "resourcequota", "kubecarrier", names[0]) is not None
    assert ProjectNamespace.objects.get().state == "Unseen"
    eventually(lambda: fleet.ready("projects/team"))
    reconciler.record(job, reconciler.run(job))  # the one that was thought dead: its token is old
    assert ProjectCopy.objects.get().lease_token > claim.token


def test_a_paused_project_changes_nothing(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    save(fleet, names[0], placement={"clusters": ["one"]}, suspended=True)
    eventually(
        lambda: fleet.condition("projectcopies/team.one", "Prepared").get("reason") == "Paused"
    )
    assert found(kubectl, cluster_one, "namespace", names[0]) is None
    fleet.call("post", "projects/team/resume")
    eventually(lambda: fleet.ready("projects/team"))
    assert found(kubectl, cluster_one, "namespace", names[0]) is not None


def test_a_cluster_that_is_removed_keeps_its_namespaces(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    fleet.local_repository(web_chart(), name="more")
    save(fleet, names[0])
    eventually(lambda: fleet.ready("projects/team"))
    fleet.call("delete", "clusters/one?policy=cleanup")
    eventually(lambda: fleet.gone("clusters/one"))
    assert found(kubectl, cluster_one, "namespace", names[0]) is not None
    assert "kubecarrier.io/project" not in labels(kubectl, cluster_one, names[0])
    fleet.call("delete", "clusters/two?policy=orphan")
    assert set(states(fleet)) == set()
    removed = fleet.call("get", "operations?verb=remove&object=two")["items"][0]["status"]
    assert [target["name"] for target in removed["targets"]] == ["team.two"]


CLUSTER_ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: {{ .Release.Name }}-canary}
rules: []
"""
ELSEWHERE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: canary, namespace: kube-system}
"""
LIFTED = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: canary}
spec: {hard: {pods: '1000'}}
"""
HOOK = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: canary-hook
  annotations: {helm.sh/hook: pre-install}
rules: []
"""
BRINGS = {"role": CLUSTER_ROLE, "elsewhere": ELSEWHERE, "lifted": LIFTED, "hook": HOOK}


def application(portal: Portal, name: str, chart_name: str, namespace: str) -> None:
    spec = {
        "chart": f"local/{chart_name}",
        "namespace": namespace,
        "placement": {"clusters": ["one"]},
    }
    portal.call("put", f"applications/{name}", {"metadata": {"project": "team"}, "spec": spec})


@pytest.mark.parametrize("brings", BRINGS)
def test_a_chart_brings_nothing_that_its_project_does_not_allow(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any, brings: str
) -> None:
    fleet.upload(
        "local",
        chart(
            brings,
            templates__web_yaml=WEB,
            templates__x_yaml=BRINGS[brings],
            values_yaml=WEB_VALUES,
        ),
    )
    save(fleet, names[0], placement={"clusters": ["one"]})
    application(fleet, "shop", brings, names[0])
    stalled = eventually(
        lambda: (
            fleet.condition("releases/shop.one", "Stalled").get("status") == "True"
            and fleet.condition("releases/shop.one", "Stalled")
        )
    )
    assert stalled["reason"] == "ProjectDenied"
    assert "does not allow the" in stalled["message"]
    listed = kubectl(
        "get", "deployments,clusterroles,configmaps", "-A", "-o", "name", cluster=cluster_one
    )
    assert "canary" not in listed
    assert "/shop" not in listed, "nothing of it was deployed"
    groups = fleet.call("post", "applications/shop/preview")["groups"]
    assert groups[0]["error"]["code"] in {"project_kind_denied", "project_destination_denied"}


def test_what_was_denied_is_deployed_once_the_project_allows_it(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    fleet.upload("local", chart("role", templates__x_yaml=CLUSTER_ROLE))
    save(fleet, names[0], placement={"clusters": ["one"]})
    application(fleet, "shop", "role", names[0])
    eventually(lambda: fleet.condition("releases/shop.one", "Stalled").get("status") == "True")
    save(fleet, names[0], placement={"clusters": ["one"]}, allow={"clusterKinds": ["ClusterRole"]})
    eventually(lambda: fleet.ready("releases/shop.one"))
    assert "shop-canary" in kubectl("get", "clusterroles", "-o", "name", cluster=cluster_one)
    fleet.call("delete", "applications/shop")
    eventually(lambda: fleet.gone("applications/shop"))


def test_an_application_waits_for_the_namespace_that_its_project_makes(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    from apps.tasks import reconcile_releases

    save(fleet, names[0], placement={"clusters": ["one"]})
    application(fleet, "shop", "web", names[0])
    reconcile_releases()
    condition = fleet.condition("releases/shop.one", "Released")
    assert condition["reason"] == "NamespaceNotPrepared"
    eventually(lambda: fleet.ready("releases/shop.one"))
    assert labels(kubectl, cluster_one, names[0])["kubecarrier.io/project"] == "team"
    assert fleet.ready("projects/team")
