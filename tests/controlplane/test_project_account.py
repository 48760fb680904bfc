"""A project's charts act as the project's account; the API server's own authorizer bounds them, not we."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import F

from apps.desired import ATTEMPT_LABEL
from apps.models import Release
from kubecarrier.lib import lease
from tests.controlplane.test_projects import forget_accounts
from tests.portal import WEB, WEB_VALUES, Portal, chart, eventually
from tools.controlplane import ControlPlane, ControlPlaneError

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "canary-7f3a"
LOOKUP = '{{ (lookup "v1" "Secret" "%s" "canary").data | toJson | quote }}'


@pytest.fixture
def names(clusters: Any) -> Iterator[tuple[str, str]]:
    """The project's namespace, and one that is somebody else's and holds a secret."""
    own, other = (f"team-{uuid.uuid4().hex[:8]}" for _ in range(2))
    plane = clusters["one"]
    plane.kubectl("create", "namespace", other)
    plane.kubectl(
        "create", "secret", "generic", "canary", "-n", other, f"--from-literal=x={CANARY}"
    )
    yield own, other
    forget_accounts(plane)
    plane.kubectl("delete", "namespace", own, other, "--wait=false", "--ignore-not-found")


def project(portal: Portal, *namespaces: str, **spec: Any) -> str:
    """Save the project on cluster one; whom it acts as there."""
    wanted = {
        "placement": {"clusters": ["one"]},
        "namespaces": [{"name": name} for name in namespaces],
        **spec,
    }
    found = portal.call("put", "projects/team", {"spec": wanted})
    eventually(lambda: portal.ready("projects/team"))
    return f"kubecarrier-project:team:{found['metadata']['uid'].replace('-', '')[:8]}"


def deploy(
    portal: Portal, chart_name: str, namespace: str, *, inside: bool = True, **spec: Any
) -> None:
    body = {
        "chart": f"local/{chart_name}",
        "namespace": namespace,
        "placement": {"clusters": ["one"]},
        **spec,
    }
    metadata = {"project": "team"} if inside else {}
    portal.call("put", "applications/shop", {"metadata": metadata, "spec": body})


def upload(portal: Portal, name: str, *texts: str, **files: str) -> None:
    templates = {f"templates__x{number}_yaml": text for number, text in enumerate(texts)}
    portal.upload("local", chart(name, values_yaml=WEB_VALUES, **templates, **files))


def stalled(portal: Portal) -> dict[str, Any]:
    def found() -> Any:
        condition = portal.condition("releases/shop.one", "Stalled")
        return condition.get("status") == "True" and condition

    return dict(eventually(found))


def config_map(text: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shop}}\ndata: {{x: {text}}}\n"


def can_i(kubectl: Any, plane: ControlPlane, who: str, verb: str, what: str, *where: str) -> bool:
    try:
        said = kubectl("auth", "can-i", verb, what, "--as", who, *where, cluster=plane)
    except ControlPlaneError as error:
        assert ": code 1" in str(error), error  # that is its “no”
        return False
    return bool(said.strip().startswith("yes"))


@pytest.mark.parametrize("through", ["template", "value"])
def test_lookup_reads_what_the_project_may_and_nothing_else(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any, through: str
) -> None:
    own, other = names
    if through == "template":
        upload(fleet, "reader", config_map(LOOKUP % other))
        values = ""
    else:
        upload(fleet, "reader", config_map("{{ tpl .Values.text . }}"))
        values = json.dumps({"text": LOOKUP % other})
    project(fleet, own)
    deploy(fleet, "reader", own, values=values)
    condition = stalled(fleet)
    assert condition["reason"] == "ProjectDenied"
    assert "secrets" in condition["message"] and "forbidden" in condition["message"]
    listed = kubectl("get", "configmaps", "-n", own, "-o", "yaml", cluster=cluster_one)
    secret = base64.b64encode(CANARY.encode()).decode()
    assert "name: shop" not in listed and secret not in listed
    preview = json.dumps(fleet.call("post", "applications/shop/preview"))
    assert "project_account_denied" in preview and secret not in preview

    # The same chart, of an application that no project bounds: there the secret is read.
    fleet.call("delete", "applications/shop")
    eventually(lambda: fleet.gone("applications/shop"))
    deploy(fleet, "reader", own, inside=False, values=values)
    eventually(lambda: fleet.ready("releases/shop.one"))
    assert secret in kubectl(
        "get", "configmap", "shop", "-n", own, "-o", "yaml", cluster=cluster_one
    )
    fleet.call("delete", "applications/shop")
    eventually(lambda: fleet.gone("applications/shop"))


def test_what_the_account_may(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    """In its namespaces the kinds that the project allows; nothing elsewhere; gone with the last release."""
    own, other = names
    upload(fleet, "mine", WEB, config_map(LOOKUP % own))
    who = project(fleet, own, allow={"kinds": ["*", "!ResourceQuota", "!CronJob.batch"]})
    assert not can_i(kubectl, cluster_one, who, "get", "pods", "-n", own)
    deploy(fleet, "mine", own)
    eventually(lambda: fleet.ready("releases/shop.one"))
    for verb, what in (
        ("create", "deployments.apps"),
        ("delete", "secrets"),
        ("patch", "deployments.apps/scale"),
        ("create", "roles.rbac.authorization.k8s.io"),
        ("get", "resourcequotas"),
    ):
        assert can_i(kubectl, cluster_one, who, verb, what, "-n", own), (verb, what)
    for verb, what in (
        ("patch", "resourcequotas"),
        ("create", "cronjobs.batch"),
        ("escalate", "roles.rbac.authorization.k8s.io"),
        ("bind", "clusterroles.rbac.authorization.k8s.io"),
    ):
        assert not can_i(kubectl, cluster_one, who, verb, what, "-n", own), (verb, what)
    for verb, what, *where in (
        ("get", "secrets", "-n", other),
        ("list", "secrets", "-A"),
        ("list", "nodes"),
        ("create", "namespaces"),
        ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
        ("impersonate", "users"),
    ):
        assert not can_i(kubectl, cluster_one, who, verb, what, *where), (verb, what)

    review = fleet.call("get", "accessreviews/drift?cluster=one")
    assert "project:team" not in json.dumps(review), "what is the project's is no orphan"
    fleet.call("delete", "applications/shop")
    eventually(lambda: fleet.gone("applications/shop"))
    left = kubectl("get", "clusterroles,rolebindings", "-A", "-o", "name", cluster=cluster_one)
    assert "kubecarrier:project" not in left


def test_a_namespace_that_is_somebody_elses_gets_nothing(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    """The project names one that was there before: until it is adopted, no chart comes into it."""
    _, other = names
    upload(fleet, "mine", config_map("a"))
    spec = {"placement": {"clusters": ["one"]}, "namespaces": [{"name": other}]}
    fleet.call("put", "projects/team", {"spec": spec})
    deploy(fleet, "mine", other)
    eventually(lambda: fleet.condition("projectcopies/team.one", "Stalled").get("status") == "True")
    lease.wake(Release.objects.all())
    eventually(
        lambda: (
            fleet.condition("releases/shop.one", "Released").get("reason") == "NamespaceNotPrepared"
        )
    )
    there = kubectl(
        "get", "configmaps,rolebindings", "-n", other, "-o", "name", cluster=cluster_one
    )
    assert "/shop" not in there and "kubecarrier" not in there
    project(fleet, other, namespaces=[{"name": other, "adopt": True}])
    eventually(lambda: fleet.ready("releases/shop.one"))


ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: shop}
rules: [{apiGroups: ["%s"], resources: ["%s"], verbs: ["%s"]}]
"""
ADMIN = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: User, name: mallory, apiGroup: rbac.authorization.k8s.io}]
"""
RBAC = "rbac.authorization.k8s.io"
GIVES_MORE = {
    "everything": ROLE % ("*", "*", "*"),
    "quota": ROLE % ("", "resourcequotas", "patch"),
    "escalate": ROLE % (RBAC, "roles", "escalate"),
    "bind": ROLE % (RBAC, "roles", "bind"),
    "cluster-admin": ADMIN,
}


@pytest.mark.parametrize("gives", GIVES_MORE)
def test_a_chart_gives_nobody_what_its_project_lacks(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any, gives: str
) -> None:
    own, _ = names
    upload(fleet, "giver", GIVES_MORE[gives])
    project(fleet, own)
    deploy(fleet, "giver", own, onFailure="remove")
    condition = stalled(fleet)
    assert condition["reason"] == "ProjectDenied"
    assert "attempting to grant RBAC permissions not currently held" in condition["message"]
    assert not kubectl(
        "get", "roles,rolebindings", "-n", own, "-o", "name", cluster=cluster_one
    ).count("/shop")
    fleet.call("delete", "applications/shop")
    eventually(lambda: fleet.gone("applications/shop"))


def test_a_chart_gives_its_own_accounts_what_its_project_has(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    own, _ = names
    upload(fleet, "giver", ROLE % ("", "configmaps", "*"))
    project(fleet, own)
    deploy(fleet, "giver", own)
    eventually(lambda: fleet.ready("releases/shop.one"))
    assert "/shop" in kubectl("get", "roles", "-n", own, "-o", "name", cluster=cluster_one)


def test_a_forged_record_of_helm_gives_nothing(
    fleet: Portal, cluster_one: ControlPlane, names: Any, kubectl: Any
) -> None:
    """Who may write secrets in the namespace writes a revision of his own; the portal puts it right as the project."""
    own, other = names
    upload(fleet, "mine", config_map("a"))
    project(fleet, own)
    deploy(fleet, "mine", own, driftPolicy="correct")
    eventually(lambda: fleet.ready("releases/shop.one"))
    loot = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: loot, namespace: {other}}}\n"
    forge(kubectl, cluster_one, own, loot)
    heard()
    eventually(lambda: Release.objects.get().helm_revision == 2, what="the record is believed")
    heard()
    eventually(
        lambda: "forbidden" in json.dumps(fleet.call("get", "releases/shop.one")),
        what=json.dumps(fleet.call("get", "releases/shop.one")["status"]),
    )
    assert "loot" not in kubectl(
        "get", "configmaps", "-n", other, "-o", "name", cluster=cluster_one
    )


def heard() -> None:
    """What the watch of the cluster does when something of a release changed."""
    Release.objects.status_update(alarm=F("alarm") + 1)
    lease.wake(Release.objects.all())


def forge(kubectl: Any, plane: ControlPlane, namespace: str, manifest: str) -> None:
    """Helm's next record, with the labels that ours have and a manifest of somebody's own."""
    name = "sh.helm.release.v1.shop.v1"
    record = json.loads(
        kubectl("get", "secret", name, "-n", namespace, "-o", "json", cluster=plane)
    )
    packed = base64.b64decode(base64.b64decode(record["data"]["release"]))
    release = json.loads(gzip.decompress(packed))
    release |= {"version": 2, "manifest": f"---\n{release['manifest']}\n---\n{manifest}"}
    text = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    labels = {**record["metadata"]["labels"], "version": "2", ATTEMPT_LABEL: "9999"}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": record["type"],
        "metadata": {
            "name": name.replace(".v1.shop.v1", ".v1.shop.v2"),
            "namespace": namespace,
            "labels": labels,
        },
        "data": {"release": base64.b64encode(text).decode()},
    }
    plane.api.create(f"/api/v1/namespaces/{namespace}/secrets", body)
