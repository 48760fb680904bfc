"""The console's pages of live objects, without a browser and without JavaScript."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from fleet.models import Cluster
from tests.controlplane.test_resources import (
    CANARY,
    certificate,
    certificates,
    deployment,
    deployments,
    one,
    soon,
)
from tests.portal import Portal
from tools.controlplane import ControlPlane

__all__ = ["certificates", "one"]
pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]
CERTIFICATES = "cert-manager.io/v1/certificates"


@pytest.fixture
def console(one: Portal) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="admin"))
    return client


def at(path: str = "") -> str:
    return f"/admin/fleet/cluster/{Cluster.objects.get(name='one').pk}/resources/{path}"


def text_of(answer: Any, code: int = 200) -> str:
    assert answer.status_code == code, re.findall(r'role="alert".*', answer.content.decode())
    return str(answer.content.decode())


def fields_of(text: str) -> Json:
    """What a browser would send of the page's form, without its buttons."""
    found: Json = {}
    for tag in re.findall(r"<(?:input|textarea|select)\b[^>]*>", text):
        name = re.search(r'\bname="([^"]*)"', tag)
        if name is None or name[1] == "csrfmiddlewaretoken" or 'type="checkbox"' in tag:
            continue
        value = re.search(r'\bvalue="([^"]*)"', tag)
        if tag.startswith("<input"):
            found[html.unescape(name[1])] = html.unescape(value[1]) if value else ""
    for name, inside in re.findall(
        r'<textarea[^>]*\bname="([^"]*)"[^>]*>(.*?)</textarea>', text, re.S
    ):
        found[html.unescape(name)] = html.unescape(inside)
    for name, inside in re.findall(r'<select[^>]*\bname="([^"]*)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        found[html.unescape(name)] = html.unescape(chosen[1]) if chosen else ""
    return found


def test_a_custom_resource_by_its_form(
    console: Client, one: Portal, certificates: Json, namespace: str, kubectl: Any,
    cluster_one: ControlPlane,
) -> None:  # fmt: skip
    """Form out of the CRD's schema → what would change → saved; then edited the same way."""
    soon(
        lambda: (
            one.client.get(f"/api/v1/clusters/one/resources/{CERTIFICATES}/schema").status_code
            == 200
        )
    )
    new = at(f"{CERTIFICATES}/new/")
    form = fields_of(text_of(console.get(f"{new}?namespace={namespace}")))
    assert form["p:/metadata/namespace"] == namespace
    assert {"p:/spec/secretName", "p:/spec/issuerRef/name"} <= set(form)
    form |= {
        "p:/metadata/name": "web",
        "p:/spec/secretName": "web-tls",
        "p:/spec/issuerRef/name": "ca",
    }
    form = fields_of(
        text_of(console.post(new, {**form, "new:/spec": "dnsNames", "op": "add:/spec"}))
    )
    form = fields_of(text_of(console.post(new, {**form, "op": "append:/spec/dnsNames"})))
    form["p:/spec/dnsNames/0"] = "web.example.org"
    refused = text_of(console.post(new, {**form, "p:/spec/secretName": "", "op": "preview"}), 422)
    assert "spec.secretName" in refused
    diff = text_of(console.post(new, {**form, "op": "preview"}))
    assert "secretName: web-tls" in diff
    assert (
        one.client.get(f"/api/v1/clusters/one/resources/{CERTIFICATES}/{namespace}/web").status_code
        == 404
    )
    saved = console.post(new, {**fields_of(diff), "reason": "because", "op": "save"})
    assert saved.status_code == 302
    there = json.loads(
        kubectl("get", "cert", "web", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert there["spec"] == {
        "secretName": "web-tls", "issuerRef": {"name": "ca"}, "dnsNames": ["web.example.org"],
    }  # fmt: skip
    assert AuditEntry.objects.get(event="resource-create").reason == "because"
    edit = f"{saved['Location']}edit/"
    form = fields_of(text_of(console.get(edit)))
    form |= {"p:/spec/secretName": "other-tls", "new:/spec": "privateKey", "op": "add:/spec"}
    form = fields_of(text_of(console.post(edit, form)))
    page = text_of(
        console.post(
            edit, {**form, "new:/spec/privateKey": "algorithm", "op": "add:/spec/privateKey"}
        )
    )
    assert '<option value="ECDSA"' in page  # an enum of the schema
    form = fields_of(page) | {"p:/spec/privateKey/algorithm": "ECDSA"}
    diff = text_of(console.post(edit, {**form, "op": "preview"}))
    assert "other-tls" in diff
    assert console.post(edit, {**fields_of(diff), "op": "save"}).status_code == 302
    there = json.loads(
        kubectl("get", "cert", "web", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert there["spec"]["privateKey"] == {"algorithm": "ECDSA"}
    assert certificate(namespace)["spec"]["dnsNames"] == there["spec"]["dnsNames"]


def test_somebody_else_edits_meanwhile(
    console: Client, one: Portal, namespace: str, kubectl: Any, cluster_one: ControlPlane
) -> None:
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    edit = at(f"apps/v1/deployments/{namespace}/web/edit/")
    web = ("deployment/web", "-n", namespace)
    kubectl("rollout", "status", *web, cluster=cluster_one)  # its controller is done with it
    form = fields_of(text_of(console.get(edit)))
    moved = json.dumps({"status": {"collisionCount": 1}})
    status = ("--subresource=status", "--type=merge", "-p", moved)
    kubectl("patch", *web, *status, cluster=cluster_one)
    form["p:/spec/replicas"] = "2"
    # The status moved since: that is no conflict.
    assert "spec.replicas" in text_of(console.post(edit, {**form, "op": "preview"}))
    kubectl("set", "image", "deployment/web", "web=nginx:2", "-n", namespace, cluster=cluster_one)
    page = text_of(console.post(edit, {**form, "op": "save"}), 409)
    assert "kubectl-set" in page
    assert "nginx:2" in page
    diff = text_of(console.post(edit, {**fields_of(page), "op": "rebase"}))
    assert "spec.replicas" in diff
    saved = console.post(edit, {**fields_of(diff), "op": "save"})
    assert saved.status_code == 302
    there = json.loads(
        kubectl("get", "deploy", "web", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert there["spec"]["replicas"] == 2
    assert there["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:2"


def test_a_part_that_was_not_there(
    console: Client, one: Portal, namespace: str, kubectl: Any, cluster_one: ControlPlane
) -> None:
    kubectl("create", "configmap", "empty", "-n", namespace, cluster=cluster_one)
    edit = at(f"core/v1/configmaps/{namespace}/empty/edit/")
    form = fields_of(text_of(console.get(edit)))
    form = fields_of(text_of(console.post(edit, {**form, "new:": "data", "op": "add:"})))
    form = fields_of(
        text_of(console.post(edit, {**form, "new:/data": "a.b/c~d", "op": "add:/data"}))
    )
    form["p:/data/a.b~1c~0d"] = "two\r\nlines"
    refused = text_of(console.post(edit, {**form, "op": "preview"}), 422)  # no key of a ConfigMap
    assert "kube_invalid" in refused
    form = fields_of(text_of(console.post(edit, {**form, "op": "remove:/data/a.b~1c~0d"})))
    form = fields_of(text_of(console.post(edit, {**form, "new:/data": "a.b", "op": "add:/data"})))
    form["p:/data/a.b"] = "two\r\nlines"
    diff = text_of(console.post(edit, {**form, "op": "preview"}))
    assert console.post(edit, {**fields_of(diff), "op": "save"}).status_code == 302
    there = json.loads(
        kubectl("get", "cm", "empty", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert there["data"] == {"a.b": "two\nlines"}


def test_yaml_and_wrong_fields(console: Client, one: Portal, namespace: str) -> None:
    one.call("post", deployments(namespace), deployment(namespace), code=201)
    edit = at(f"apps/v1/deployments/{namespace}/web/edit/")
    form = fields_of(text_of(console.get(edit)))
    page = text_of(console.post(edit, {**form, "p:/spec/replicas": "many", "op": "preview"}), 422)
    assert "Write a whole number." in page
    form = fields_of(text_of(console.get(f"{edit}?as=yaml")))
    diff = text_of(
        console.post(edit, {**form, "yaml": form["yaml"].replace("replicas: 1", "replicas: 3", 1)})
    )
    assert "spec.replicas" in diff
    twice = text_of(console.post(edit, {**form, "yaml": "a: 1\na: 2"}), 422)
    assert "yaml_duplicate_key" in twice
    other = text_of(
        console.post(edit, {**form, "yaml": form["yaml"].replace("name: web", "name: api", 1)}), 422
    )
    assert "document_mismatch" in other
    broken = text_of(console.post(edit, {"document": "{", "base": "{}", "op": "save"}), 400)
    assert "form_invalid" in broken


def test_lists_objects_and_acts(
    console: Client, one: Portal, namespace: str, kubectl: Any, cluster_one: ControlPlane
) -> None:
    for name in ("a", "b"):
        one.call("post", deployments(namespace), deployment(namespace, name), code=201)
    kinds = text_of(console.get(at("?q=deploy")))
    assert "Deployment" in kinds
    assert "ConfigMap" not in kinds
    page = text_of(console.get(at(f"apps/v1/deployments/?namespace={namespace}&q=a")))
    chosen = [html.unescape(one) for one in re.findall(r'name="chosen" value="([^"]*)"', page)]
    assert [one.split("|")[:2] for one in chosen] == [[namespace, "a"]]
    for tab in ("summary", "events", "owners", "yaml"):
        shown = text_of(console.get(at(f"apps/v1/deployments/{namespace}/a/?tab={tab}")))
        assert namespace in shown
    bulk = at("apps/v1/deployments/bulk/")
    gone = f"{namespace}|gone|"
    asked = text_of(console.post(bulk, {"action": "scale", "chosen": [*chosen, gone]}))
    assert "There is no Deployment" in asked
    done = {"action": "scale", "chosen": chosen, "confirmed": "1", "replicas": "3"}
    assert "0 of 1 were refused" in text_of(console.post(bulk, done))
    replicas = kubectl(
        "get",
        "deploy",
        "a",
        "-n",
        namespace,
        "-o",
        "jsonpath={.spec.replicas}",
        cluster=cluster_one,
    )
    assert replicas == "3"
    act = at(f"apps/v1/deployments/{namespace}/b/do/")
    assert console.get(f"{act}delete/").status_code == 200
    deleted = console.post(f"{act}delete/", {"propagation": "Background"})
    assert deleted["Location"] == at("apps/v1/deployments/")
    assert text_of(console.get(at("apps/v1/gadgets/")), 404)
    assert text_of(console.get(at(f"apps/v1/deployments/{namespace}/b/")), 404)
    assert console.get(f"{act}explode/").status_code == 404


def test_a_secret_in_the_console(
    console: Client, one: Portal, namespace: str, kubectl: Any, cluster_one: ControlPlane
) -> None:
    kubectl("create", "secret", "generic", "login", "-n", namespace, f"--from-literal=password={CANARY}",
            "--from-literal=user=anna", cluster=cluster_one)  # fmt: skip
    path = at(f"core/v1/secrets/{namespace}/login/")
    for more in ("", "?tab=yaml", "edit/", "edit/?as=yaml", "do/reveal/", "do/delete/"):
        assert CANARY not in text_of(console.get(f"{path}{more}")), more
    form = fields_of(text_of(console.get(f"{path}edit/")))
    assert form["p:/data/password"].startswith("***")
    diff = text_of(console.post(f"{path}edit/", {**form, "p:/data/user": "Ym9i", "op": "preview"}))
    assert console.post(f"{path}edit/", {**fields_of(diff), "op": "save"}).status_code == 302
    there = json.loads(
        kubectl("get", "secret", "login", "-n", namespace, "-o", "json", cluster=cluster_one)
    )
    assert there["data"] == {"password": "Y2FuYXJ5LW9mLWEtc2VjcmV0LTA4MTU=", "user": "Ym9i"}
    assert CANARY in text_of(console.post(f"{path}do/reveal/"))
    assert AuditEntry.objects.filter(event="resource-reveal").count() == 1
