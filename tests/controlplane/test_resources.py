"""Any object of a real cluster over REST, checked with kubectl and the server's own audit log."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from fleet.models import Cluster
from fleet.tasks import probe_clusters, reconcile_grants
from tests.controlplane.foreign import cert_manager
from tests.portal import Portal
from tools.controlplane import ControlPlane

pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]
CANARY = "canary-of-a-secret-0815"
ROOT = "clusters/one/resources"
CERTIFICATES = f"{ROOT}/cert-manager.io/v1/certificates"


@pytest.fixture
def one(portal: Portal, cluster_one: ControlPlane) -> Portal:
    """The portal with one cluster."""
    portal.import_cluster(cluster_one)
    return portal


@pytest.fixture
def anna(one: Portal) -> Portal:
    """Somebody who is no superuser: impersonated, in the group `shop`."""
    user = User.objects.create_user("anna", "anna@example.org", "a-long-password", is_staff=True)
    user.groups.add(Group.objects.create(name="shop"))
    client = APIClient()
    client.force_authenticate(user)
    return Portal(client)


@pytest.fixture
def certificates(cluster_one: ControlPlane) -> Iterator[Json]:
    """cert-manager's CRD, served."""
    definition = cert_manager("certificates")
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    cluster_one.api.create(path, definition)
    cluster_one.kubectl(
        "wait", "--for=condition=Established", "--timeout=30s", "crd/certificates.cert-manager.io"
    )
    yield definition
    cluster_one.kubectl("delete", "crd", "certificates.cert-manager.io")


def certificate(namespace: str, **spec: Any) -> Json:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "secretName": "web-tls",
            "dnsNames": ["web.example.org"],
            "issuerRef": {"name": "ca", "kind": "ClusterIssuer"},
            **spec,
        },
    }


def deployment(namespace: str, name: str = "web", **spec: Any) -> Json:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "nginx:1"}]},
            },
            **spec,
        },
    }


def deployments(namespace: str, name: str = "") -> str:
    base = f"{ROOT}/apps/v1/deployments"
    return f"{base}/{namespace}/{name}" if name else base


def patch(portal: Portal, path: str, body: Any, media: str, *, code: int, **headers: str) -> Json:
    answer = portal.client.patch(
        f"/api/v1/{path}",
        body if isinstance(body, str) else json.dumps(body),
        content_type=media,
        headers=headers or None,
    )
    assert answer.status_code == code, answer.content
    return dict(answer.json())


def soon(found: Callable[[], Any], seconds: float = 20.0) -> Any:
    ends_at = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    return answer


def audited(plane: ControlPlane, **wanted: str) -> list[Json]:
    """Entries of the API server's own audit log."""
    entries = [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
    return [
        entry
        for entry in entries
        if all((entry.get("objectRef") or {}).get(k, entry.get(k)) == v for k, v in wanted.items())
    ]


def events(name: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(event=name).order_by("timestamp"))


# --- reading ---------------------------------------------------------------------------------


def test_kinds_and_the_names_they_go_by(one: Portal, namespace: str) -> None:
    items = one.call("get", ROOT)["items"]
    by_name = {(item["group"], item["plural"]): item for item in items}
    deploy = by_name["apps", "deployments"]
    assert deploy["shortNames"] == ["deploy"]
    assert deploy["actions"] == ["scale", "restart"]
    assert by_name["core", "nodes"]["namespaced"] is False
    assert by_name["autoscaling", "horizontalpodautoscalers"]["versions"][0] == "v2"
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    for spelling in (
        "apps/v1/deployments", "apps/v1/Deployment", "apps/-/deployment", "-/-/deploy",
        "-/-/deployments.apps", "-/-/deployments.v1.apps",
    ):  # fmt: skip
        found = one.call("get", f"{ROOT}/{spelling}/{namespace}/web")
        assert found["metadata"]["name"] == "web", spelling
    refused = one.call("get", f"{ROOT}/-/-/gadgets", code=404)["error"]
    assert refused["code"] == "kube_unknown_kind"


def test_a_list_has_the_servers_columns_pages_and_searches(
    one: Portal, namespace: str, cluster_one: ControlPlane
) -> None:
    for number in range(7):
        tier = "web" if number < 4 else "db"
        obj = {
            "metadata": {"name": f"map-{number}", "namespace": namespace, "labels": {"tier": tier}}
        }
        cluster_one.api.create(f"/api/v1/namespaces/{namespace}/configmaps", obj)
    base = f"{ROOT}/core/v1/configmaps?namespace={namespace}"
    page = one.call("get", f"{base}&limit=3&labelSelector=tier%3Dweb")
    assert [column["name"] for column in page["columns"]][:2] == ["Name", "Data"]
    assert [item["cells"][0] for item in page["items"]] == ["map-0", "map-1", "map-2"]
    token = page["metadata"]["continue"]
    rest = one.call("get", f"{base}&limit=3&labelSelector=tier%3Dweb&continue={token}")
    assert [item["cells"][0] for item in rest["items"]] == ["map-3"]
    assert rest["metadata"]["continue"] is None
    found = one.call("get", f"{base}&search=AP-5")
    assert [item["metadata"]["name"] for item in found["items"]] == ["map-5"]
    by_field = one.call("get", f"{base}&fieldSelector=metadata.name%3Dmap-6")
    assert len(by_field["items"]) == 1
    assert one.call("get", f"{base}&continue=bogus", code=400)["error"]["code"] == "kube_invalid"
    assert one.call("get", f"{base}&limt=3", code=400)["error"]["field"] == "limt"
    assert one.call("get", f"{base}&labelSelector=a%3D%3D%3Db", code=400)


def test_a_secret_shows_names_and_reveals_on_record(
    one: Portal, namespace: str, cluster_one: ControlPlane
) -> None:
    cluster_one.kubectl(
        "create", "secret", "generic", "login", "-n", namespace, f"--from-literal=password={CANARY}"
    )
    path = f"{ROOT}/core/v1/secrets/{namespace}/login"
    texts = [
        one.call("get", path),
        one.call("get", f"{path}?managedFields=true"),
        one.call("get", f"{path}?row=true"),
        one.call("get", f"{ROOT}/core/v1/secrets?namespace={namespace}"),
    ]
    assert list(texts[0]["data"]) == ["password"]
    assert texts[0]["data"]["password"].startswith("***")
    encoded = cluster_one.kubectl(
        "get", "secret", "login", "-n", namespace, "-o", "jsonpath={.data.password}"
    )
    assert not any(CANARY in json.dumps(text) or encoded in json.dumps(text) for text in texts)
    assert events("resource-reveal") == []
    assert one.call("post", f"{path}/reveal")["data"] == {"password": CANARY}
    (entry,) = events("resource-reveal")
    assert entry.changes_text == f"reveal Secret {namespace}/login"
    assert CANARY not in json.dumps(entry.changes or {})
    refused = one.call("post", f"{ROOT}/core/v1/namespaces/-/{namespace}/reveal", code=400)
    assert refused["error"]["code"] == "not_a_secret"


def test_a_mask_is_never_written_back(
    one: Portal, namespace: str, cluster_one: ControlPlane
) -> None:
    cluster_one.kubectl(
        "create", "secret", "generic", "login", "-n", namespace, f"--from-literal=password={CANARY}"
    )
    path = f"{ROOT}/core/v1/secrets/{namespace}/login"

    def stored() -> Json:
        text = cluster_one.kubectl("get", "secret", "login", "-n", namespace, "-o", "json")
        return dict(json.loads(text)["data"])

    before = stored()
    shown = one.call("get", path)
    shown["stringData"] = {"user": "anna"}
    written = one.call("put", path, shown)
    assert written["result"] == "configured"
    assert [change["path"] for change in written["changes"]] == ["data.user"]
    assert stored() == {**before, "user": "YW5uYQ=="}
    assert "YW5uYQ==" not in json.dumps(written)
    for mask in ("*** (00000000)", "***"):
        body = {"data": {"password": mask}}
        refused = patch(one, path, body, "application/merge-patch+json", code=409)
        assert refused["error"]["code"] == "secret_changed"
        body = {"stringData": {"fresh": mask}}
        refused = patch(one, path, body, "application/merge-patch+json", code=400)
        assert refused["error"]["code"] == "secret_mask_written"
    # A patch that carries a value to where it would be shown.
    steal = [{"op": "copy", "from": "/data/password", "path": "/metadata/labels"}]
    refused = patch(one, path, steal, "application/json-patch+json", code=400)
    assert refused["error"]["code"] == "secret_json_patch"
    assert stored() == {**before, "user": "YW5uYQ=="}
    assert CANARY not in json.dumps([e.changes for e in AuditEntry.objects.all()])


def test_events_and_owners(one: Portal, namespace: str, cluster_one: ControlPlane) -> None:
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    path = deployments(namespace, "web")
    reasons = soon(lambda: one.call("get", f"{path}/events")["items"])
    assert reasons[0]["reason"] == "ScalingReplicaSet"

    def pods() -> Any:
        tree = one.call("get", f"{path}/owners")
        sets = tree["dependents"]
        return tree if sets and sets[0]["dependents"] else None

    tree = soon(pods)
    (replica_set,) = tree["dependents"]
    (pod,) = replica_set["dependents"]
    assert (replica_set["kind"], pod["kind"], tree["unseen"]) == ("ReplicaSet", "Pod", [])
    above = one.call("get", f"{ROOT}/core/v1/pods/{namespace}/{pod['name']}/owners")["owners"]
    assert (above[0]["kind"], above[0]["owners"][0]["name"]) == ("ReplicaSet", "web")
    # A dependent of a kind of which nothing is known.
    uid = above[0]["owners"][0]["uid"]
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "default"}
    account = json.loads(
        cluster_one.kubectl("get", "sa", "default", "-n", namespace, "-o", "json")
    )["metadata"]["uid"]
    obj = {"metadata": {"name": "child", "ownerReferences": [{**owner, "uid": account}]}}
    cluster_one.api.create(f"/api/v1/namespaces/{namespace}/configmaps", obj)
    below = one.call("get", f"{ROOT}/core/v1/serviceaccounts/{namespace}/default/owners")
    assert [item["name"] for item in below["dependents"]] == ["child"]
    assert uid


# --- writing ---------------------------------------------------------------------------------


def test_a_custom_resource_nobody_here_wrote(
    one: Portal, namespace: str, certificates: Json, kubectl: Any, cluster_one: ControlPlane
) -> None:
    """Schema → dry run → apply → the CRD's own columns, for cert-manager's Certificate."""
    published = f"/api/v1/{CERTIFICATES}/schema"  # a moment after the kind is served
    soon(lambda: one.client.get(published).status_code == 200)
    schema = one.call("get", f"{CERTIFICATES}/schema")
    spec = schema["properties"]["spec"]
    assert set(spec["required"]) == {"issuerRef", "secretName"}
    assert spec["properties"]["issuerRef"]["properties"]["name"]["type"] == "string"
    path = f"{CERTIFICATES}/{namespace}/web"
    body = json.dumps(certificate(namespace))
    dry = patch(one, f"{path}?dryRun=All", body, "application/apply-patch+yaml", code=201)
    assert (dry["result"], dry["dryRun"]) == ("created", True)
    assert "+  secretName: web-tls" in dry["diff"]
    assert one.call("get", path, code=404)["error"]["code"] == "kube_not_found"
    made = patch(one, path, body, "application/apply-patch+yaml", code=201)
    assert made["object"]["spec"]["dnsNames"] == ["web.example.org"]
    assert patch(one, path, body, "application/apply-patch+yaml", code=200)["result"] == "unchanged"
    there = json.loads(
        kubectl("get", "cert", "web", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert there["spec"] == certificate(namespace)["spec"]
    page = one.call("get", f"{CERTIFICATES}?namespace={namespace}")
    wanted = [c["name"] for c in certificates["spec"]["versions"][0]["additionalPrinterColumns"]]
    assert [c["name"] for c in page["columns"]] == ["Name", *wanted]
    assert page["items"][0]["cells"][:3] == ["web", "", "web-tls"] or page["items"]
    wrong = json.dumps(certificate(namespace, duration=7, issuerRef={"kind": "x"}))
    refused = patch(one, path, wrong, "application/apply-patch+yaml", code=400)["error"]
    assert refused["code"] == "kube_invalid"
    assert "issuerRef.name" in refused["message"] or "duration" in refused["message"]
    entries = [e for e in events("resource-apply") if e.changes]
    assert entries[0].changes["spec"][0] is None


def test_replace_says_who_changed_it(
    one: Portal, namespace: str, kubectl: Any, cluster_one: ControlPlane
) -> None:
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    path = deployments(namespace, "web")
    read = one.call("get", path)
    kubectl("set", "image", "deployment/web", "web=nginx:2", "-n", namespace, cluster=cluster_one)
    read["spec"]["replicas"] = 3
    refused = one.call("put", path, read, code=409)["error"]
    assert refused["code"] == "resource_conflict"
    by_path = {item["path"]: item for item in refused["data"]["difference"]}
    image = by_path["spec.template.spec.containers[name=web].image"]
    assert (image["yours"], image["theirs"], image["manager"]) == (
        "nginx:1",
        "nginx:2",
        "kubectl-set",
    )
    assert by_path["spec.replicas"]["manager"] == "kubecarrier:admin"
    version = read["metadata"].pop("resourceVersion")
    stale = one.call("put", path, read, code=412, **{"If-Match": f'"{version}"'})["error"]
    assert stale["code"] == "resource_conflict"
    missing = one.call("put", path, read, code=400)["error"]
    assert missing["code"] == "resource_version_missing"
    kubectl("rollout", "status", "deployment/web", "-n", namespace, cluster=cluster_one)
    fresh = one.call("get", path)
    fresh["spec"]["replicas"] = 3
    dry = one.call("put", f"{path}?dryRun=All", fresh)
    assert [c["path"] for c in dry["changes"]] == ["spec.replicas"]
    assert one.call("get", path)["spec"]["replicas"] == 1
    done = one.call("put", path, fresh)
    assert done["object"]["spec"]["replicas"] == 3
    (entry,) = events("resource-replace")
    assert entry.changes == {"spec.replicas": [1, 3]}
    assert entry.object_repr == "one"
    kubectl("delete", "deployment", "web", "-n", namespace, cluster=cluster_one)
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    again = one.call("put", path, done["object"], code=409)["error"]
    assert again["code"] == "resource_conflict"


def test_patches_and_field_ownership(
    one: Portal, namespace: str, kubectl: Any, cluster_one: ControlPlane
) -> None:
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    path = deployments(namespace, "web")
    merged = patch(
        one, path, {"metadata": {"labels": {"tier": "web"}}}, "application/json", code=200
    )
    assert merged["object"]["metadata"]["labels"]["tier"] == "web"
    env = {
        "spec": {
            "template": {
                "spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "1"}]}]}
            }
        }
    }
    strategic = patch(one, path, env, "application/strategic-merge-patch+json", code=200)
    (container,) = strategic["object"]["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["env"]) == ("nginx:1", [{"name": "A", "value": "1"}])
    steps = [{"op": "replace", "path": "/spec/replicas", "value": 2}]
    assert (
        patch(one, path, steps, "application/json-patch+json", code=200)["object"]["spec"][
            "replicas"
        ]
        == 2
    )
    kubectl("annotate", "deployment", "web", "-n", namespace, "x/y=1", cluster=cluster_one)
    yours = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 5
"""
    refused = patch(one, path, yours, "application/apply-patch+yaml", code=409)["error"]
    assert refused["code"] == "field_conflict"
    assert refused["data"]["fields"] == [
        {"field": ".spec.replicas", "manager": "kubecarrier:admin"}
    ]
    forced = patch(one, f"{path}?force=true", yours, "application/apply-patch+yaml", code=200)
    assert forced["object"]["spec"]["replicas"] == 5
    stale = patch(
        one,
        path,
        {"spec": {"replicas": 1}},
        "application/merge-patch+json",
        code=412,
        **{"If-Match": '"1"'},
    )
    assert stale["error"]["data"]["difference"] == [
        {
            "path": "spec.replicas", "yours": 1, "theirs": 5, "manager": "kubecarrier-apply",
            "at": stale["error"]["data"]["difference"][0]["at"],
        }
    ]  # fmt: skip
    other = yours.replace("name: web", "name: api")
    mismatch = patch(one, path, other, "application/apply-patch+yaml", code=400)["error"]
    assert mismatch["field"] == "metadata.name"
    twice = patch(one, path, "a: 1\na: 2", "application/apply-patch+yaml", code=400)["error"]
    assert twice["code"] == "yaml_duplicate_key"


def test_scale_restart_suspend_delete(
    one: Portal, namespace: str, kubectl: Any, cluster_one: ControlPlane
) -> None:
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    path = deployments(namespace, "web")
    dry = one.call("post", f"{path}/scale?dryRun=All", {"replicas": 4})
    assert (dry["before"], dry["after"]) == (1, 4)
    assert events("resource-scale") == []
    one.call("post", f"{path}/scale", {"replicas": 4})
    one.call("post", f"{path}/restart")
    there = json.loads(
        kubectl("get", "deploy", "web", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert there["spec"]["replicas"] == 4
    assert (
        "kubectl.kubernetes.io/restartedAt" in there["spec"]["template"]["metadata"]["annotations"]
    )
    assert events("resource-scale")[0].changes == {"spec.replicas": [1, 4]}
    assert one.call("post", f"{ROOT}/core/v1/configmaps/{namespace}/kube-root-ca.crt/scale",
                    {"replicas": 1}, code=400)["error"]["code"] == "not_scalable"  # fmt: skip
    assert (
        one.call("post", f"{path}/scale", {"replicas": -1}, code=400)["error"]["field"]
        == "replicas"
    )
    kubectl(
        "create",
        "cronjob",
        "tick",
        "-n",
        namespace,
        "--image=x",
        "--schedule=0 0 1 1 *",
        cluster=cluster_one,
    )
    tick = f"{ROOT}/batch/v1/cronjobs/{namespace}/tick"
    assert one.call("post", f"{tick}/suspend")["after"] is True
    assert one.call("get", tick)["spec"]["suspend"] is True
    one.call("post", f"{tick}/resume")
    assert one.call("get", tick)["spec"]["suspend"] is False
    uid = one.call("get", path)["metadata"]["uid"]
    wrong = one.call("delete", f"{path}?uid=00000000-0000-0000-0000-000000000000", code=409)[
        "error"
    ]
    assert wrong["code"] == "resource_recreated"
    assert (
        one.call("delete", f"{path}?propagationPolicy=sideways", code=400)["error"]["field"]
        == "propagationPolicy"
    )
    assert one.call("delete", f"{path}?dryRun=All")["gone"] is False
    assert one.call("get", path)["metadata"]["uid"] == uid
    one.call("delete", f"{path}?propagationPolicy=orphan&uid={uid}")
    soon(
        lambda: (
            "web"
            not in kubectl("get", "deploy", "-n", namespace, "-o", "name", cluster=cluster_one)
        )
    )
    assert kubectl("get", "rs", "-n", namespace, "-o", "name", cluster=cluster_one).strip()
    assert [e.changes_text for e in events("resource-delete")] == [
        f"delete Deployment {namespace}/web (orphan)"
    ]


def test_several_at_once_with_a_result_each(one: Portal, namespace: str) -> None:
    for name in ("a", "b"):
        one.call("post", deployments(namespace), deployment(namespace, name), code=201)
    chosen = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": name}
        for name in ("a", "missing", "b")
    ]
    answer = one.call("post", f"{ROOT}/bulk", {"action": "scale", "replicas": 2, "objects": chosen})
    assert [item["result"] for item in answer["items"]] == ["scale", "error", "scale"]
    assert answer["failed"] == 1
    assert answer["items"][1]["error"]["code"] == "kube_not_found"
    dry = one.call("post", f"{ROOT}/bulk?dryRun=All", {"action": "delete", "objects": chosen[:1]})
    assert dry["items"][0]["data"]["gone"] is False
    objects = [
        deployment(namespace, "a", replicas=3),
        {"apiVersion": "v1", "kind": "Gadget", "metadata": {"name": "x"}},
    ]
    applied = one.call("post", f"{ROOT}/apply", {"objects": objects, "force": True})
    assert [item["result"] for item in applied["items"]] == ["configured", "error"]
    gone = one.call("post", f"{ROOT}/bulk", {"action": "delete", "objects": chosen})
    assert [item["result"] for item in gone["items"]] == ["delete", "error", "delete"]
    none = one.call("post", f"{ROOT}/bulk", {"action": "delete", "objects": []}, code=400)
    assert none["error"]["code"] == "objects_invalid"


def test_what_belongs_to_others_is_said(one: Portal, namespace: str) -> None:
    obj = deployment(namespace)
    obj["metadata"]["annotations"] = {
        "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": namespace,
    }  # fmt: skip
    one.call("post", deployments(namespace), obj, code=201)
    written = patch(
        one,
        deployments(namespace, "web"),
        {"spec": {"replicas": 2}},
        "application/merge-patch+json",
        code=200,
    )
    assert written["warnings"] == [
        f"It belongs to the Helm release {namespace}/shop: a change will be seen as drift."
    ]


# --- who acts --------------------------------------------------------------------------------


def test_the_cluster_sees_the_person(
    one: Portal, anna: Portal, namespace: str, cluster_one: ControlPlane
) -> None:
    path = deployments(namespace, "web")
    assert anna.call("get", path, code=404)["error"]["code"] == "not_found"  # holds nothing yet
    probe_clusters()
    scope = {"clusters": ["one"], "namespaces": [namespace]}
    one.call(
        "put", "bindings/shop", {"spec": {"role": "editor", "groups": ["shop"], "scope": scope}}
    )
    denied = anna.call("get", path, code=403)["error"]  # the binding has not reached the cluster
    assert denied["code"] == "cluster_denied"
    assert 'User "kubecarrier:anna" cannot get' in denied["message"]
    (entry,) = events("resource-denied")
    assert (str(entry.actor), entry.object_repr, entry.result) == ("anna", "one", "denied")
    reconcile_grants()
    soon(lambda: anna.client.post(
        f"/api/v1/{deployments(namespace)}", deployment(namespace), format="json",
        headers={"Impersonate-User": "system:admin", "Impersonate-Group": "system:masters"},
    ).status_code == 201)  # fmt: skip
    made = [e for e in audited(cluster_one, verb="create", name="web", namespace=namespace)
            if "dryRun" not in e["requestURI"]]  # fmt: skip
    assert [e["impersonatedUser"]["username"] for e in made] == ["kubecarrier:anna"]
    assert "kubecarrier:group:shop" in made[0]["impersonatedUser"]["groups"]
    assert "system:masters" not in made[0]["impersonatedUser"]["groups"]
    refused = anna.call("get", f"{ROOT}/core/v1/nodes", code=403)["error"]
    assert refused["code"] == "cluster_denied"


def test_a_token_that_may_only_look(one: Portal, namespace: str) -> None:
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    user: Any = User.objects.get(username="admin")
    user.token_scopes = ["read-only"]
    client = APIClient()
    client.force_authenticate(user)
    looking = Portal(client)
    path = deployments(namespace, "web")
    assert looking.call("get", path)["kind"] == "Deployment"
    chosen = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": "web"}
    ]
    for method, at, body in (
        ("post", f"{path}/scale", {"replicas": 2}),
        ("delete", path, None),
        ("put", path, looking.call("get", path)),
    ):
        assert looking.call(method, at, body, code=403)["error"]["code"] == "permission_denied"
    many = looking.call("post", f"{ROOT}/bulk", {"action": "delete", "objects": chosen})
    assert many["items"][0]["error"]["code"] == "permission_denied"


def test_superusers_act_as_the_portal(
    one: Portal, namespace: str, cluster_one: ControlPlane
) -> None:
    one.call("post", deployments(namespace), deployment(namespace, "mine"), code=201)
    made = audited(cluster_one, verb="create", name="mine", namespace=namespace)
    assert made
    assert not any("impersonatedUser" in entry for entry in made)


def test_unreachable_is_an_error_and_no_empty_list(one: Portal) -> None:
    Cluster.objects.status_update(identity=None)
    row = Cluster.objects.get()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        row.server = f"https://127.0.0.1:{closed.getsockname()[1]}"
    row.save()
    for path in (f"{ROOT}/core/v1/pods", ROOT):
        refused = one.call("get", path, code=503)["error"]
        assert refused["code"] == "kube_unreachable"
        assert refused["data"]["cluster"] == "one"


def test_yaml_out(one: Portal, namespace: str) -> None:
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    answer = one.client.get(
        f"/api/v1/{deployments(namespace, 'web')}", headers={"Accept": "application/yaml"}
    )
    assert answer["Content-Type"] == "application/yaml"
    assert answer.content.decode().startswith("apiVersion: apps/v1\n")
    assert "managedFields" not in answer.content.decode()
