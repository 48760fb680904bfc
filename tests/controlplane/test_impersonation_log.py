"""Who acts in a cluster, by the API server's own audit log: every call of a person carries that person.

The portal has an account of its own there (an exchange), so that each of its requests is told
from everybody else's. In a person's window no controller runs: whatever the account asked for
in it, it asked for as that person.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.memberships import user_groups_set
from accounts.services.tokens import token_create
from fleet.grants.portal_account import SUBJECT
from fleet.tasks import drain_nodes
from tests.controlplane.test_account_exchange import (
    _nothing_of_earlier_portals as _nothing_of_earlier_portals,  # noqa: PLC0414 - a fixture
)
from tests.controlplane.test_account_exchange import granted, one
from tests.db.rights import bind
from tests.portal import Json, Portal, eventually
from tools.controlplane import ControlPlane

__all__ = ["one"]
#: What a caller might send to become somebody else; none of it may reach a cluster.
FORGED = {
    "Impersonate-User": "system:admin",
    "Impersonate-Group": "system:masters",
    "Impersonate-Uid": "0",
    "Impersonate-Extra-Scopes": "everything",
}
ROOT = "clusters/one/resources"
#: What the portal reads for itself: whether it speaks to the cluster it means, before anything is
#: sent; and the description of the API, which is the same for everybody.
_OF_NOBODY = "/api/v1/namespaces/kube-system", "/openapi/"


@dataclass(frozen=True)
class Log:
    """The audit log of one API server: what was asked of it since a moment."""

    plane: ControlPlane
    since: datetime

    @classmethod
    def of(cls, plane: ControlPlane) -> Log:
        return cls(plane, datetime.now(UTC))

    def entries(self) -> list[Json]:
        """An entry is written once its answer was sent: so far that a later question is in it."""
        mark = f"/version?mark={uuid.uuid4().hex}"
        self.plane.kubectl("get", "--raw", mark)
        deadline = time.monotonic() + 20
        while mark not in (text := self.plane.audit_log.read_text()):
            assert time.monotonic() < deadline, "the audit log does not go on"
            time.sleep(0.05)
        listed = [json.loads(line) for line in text.splitlines()]
        return [one_ for one_ in listed if _received(one_) >= self.since]

    def ours(self) -> list[Json]:
        """What came with the portal's credential."""
        return [one_ for one_ in self.entries() if one_["user"]["username"] == SUBJECT]


def _received(entry: Json) -> datetime:
    return datetime.fromisoformat(str(entry["requestReceivedTimestamp"]))


@contextmanager
def window(plane: ControlPlane, person: str, groups: set[str]) -> Iterator[None]:
    """Everything that the portal asks inside it asks as this person, a member of these groups."""
    log = Log.of(plane)
    yield
    found = log.ours()
    assert found, "nothing was asked of the cluster"
    for one_ in found:
        if one_["verb"] == "get" and _of_nobody(one_["requestURI"]):
            continue
        acted = one_.get("impersonatedUser")
        assert acted, f"as the portal itself: {one_['verb']} {one_['requestURI']}"
        assert acted["username"] == f"kubecarrier:{person}", one_["requestURI"]
        assert set(acted.get("groups", ())) - {"system:authenticated"} == groups
        assert "uid" not in acted
        assert "extra" not in acted


def _of_nobody(uri: str) -> bool:
    which, description = _OF_NOBODY
    return uri == which or uri.startswith(description)


def client(user: User) -> APIClient:
    """With a token of one's own, and with headers that claim to be somebody else."""
    _, secret = token_create(user=user, name="test")
    return APIClient(headers={"Authorization": f"Token {secret}", **FORGED})


def ask(of: APIClient, method: str, path: str, body: Any = None, **wanted: Any) -> Json:
    response = getattr(of, method)(f"/api/v1/{path}", body, format="json")
    code = wanted.get("code")
    assert response.status_code == code if code else response.status_code < 400, response.content
    found: Json = response.json()
    return found


def deployment(name: str, namespace: str) -> Json:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "nginx"}]},
            },
        },
    }  # fmt: skip


@pytest.fixture
def people(one: Portal, cluster_one: ControlPlane) -> dict[str, User]:
    """ann edits (by her group), ben looks, cleo administers; the account is the portal's own."""
    one.call("post", "clusters/one/exchange", code=202)
    team, idle = Group.objects.create(name="team"), Group.objects.create(name="idle")
    found = {
        name: User.objects.create_user(name, f"{name}@example.org", "a-long-password")
        for name in ("ann", "ben", "cleo")
    }
    bound = bind(found["ann"], "editor", clusters=["one"])
    bound.groups.add(team)
    user_groups_set(user=found["ann"], groups=[team, idle])
    bind(found["ben"], "viewer", clusters=["one"])
    bind(found["cleo"], "cluster-admin", clusters=["one"])
    eventually(granted)
    found["admin"] = User.objects.get(username="admin")
    return found


def test_every_live_call_carries_its_person(
    one: Portal, people: dict[str, User], namespace: str, cluster_one: ControlPlane
) -> None:
    whole = Log.of(cluster_one)
    apps, core = f"{ROOT}/apps/v1/deployments", f"{ROOT}/core/v1"
    web, settings = f"{apps}/{namespace}/web", f"{core}/configmaps/{namespace}/settings"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
              "metadata": {"name": "settings", "namespace": namespace}}  # fmt: skip
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "noted", "namespace": namespace},
           "spec": {"containers": [{"name": "c", "image": "nginx"}]}}  # fmt: skip

    ann = client(people["ann"])
    with window(cluster_one, "ann", {"kubecarrier:group:team"}):
        ask(ann, "get", ROOT)
        ask(ann, "post", f"{apps}?dryRun=All", deployment("web", namespace))
        ask(ann, "post", apps, deployment("web", namespace), code=201)
        ask(ann, "get", f"{apps}?namespace={namespace}")
        ask(ann, "get", web)
        ask(ann, "post", f"{web}/scale", {"replicas": 2})
        ask(ann, "post", f"{web}/restart", {})
        ask(ann, "get", f"{web}/events")
        ask(ann, "get", f"{web}/owners")
        ask(ann, "get", f"{apps}/schema")
        ask(ann, "post", f"{core}/pods", pod, code=201)
        cluster_one.kubectl("wait", "pod/noted", "-n", namespace, "--for=condition=Ready")
        ask(ann, "get", f"{core}/pods/{namespace}/noted/log")
        ask(ann, "post", f"{ROOT}/apply?dryRun=All", {"objects": [config]})
        ask(ann, "post", f"{ROOT}/apply", {"objects": [config]})
        ask(ann, "patch", settings, {"data": {"a": "c"}})
        ask(ann, "delete", settings)
        ask(ann, "delete", web)
        ask(ann, "get", f"{core}/secrets/{namespace}/x", code=403)

    ben = client(people["ben"])
    with window(cluster_one, "ben", set()):
        ask(ben, "get", f"{core}/pods")
        # What he claims to be gives him nothing.
        ask(ben, "get", f"{core}/secrets", code=403)
        ask(ben, "get", f"{core}/configmaps/kube-system/kube-root-ca.crt")
    before = Log.of(cluster_one)
    ask(ben, "delete", f"{core}/configmaps/kube-system/kube-root-ca.crt", code=403)
    assert not [one_ for one_ in before.ours() if one_["verb"] == "delete"]

    cleo = client(people["cleo"])
    node = one.call("get", "nodes?cluster=one")["items"][0]["metadata"]["name"]
    path = f"clusters/one/nodes/{node}"
    with window(cluster_one, "cleo", set()):
        ask(cleo, "get", path)
        ask(cleo, "post", f"{path}/cordon", {})
        ask(cleo, "post", f"{path}/label", {"labels": {"seen": "yes"}})
        ask(cleo, "post", f"{path}/drain", {"gracePeriodSeconds": 0, "force": True}, code=202)
        for _ in range(3):
            drain_nodes()
        ask(cleo, "post", f"{path}/uncordon", {})

    admin = client(people["admin"])
    with window(cluster_one, "admin", {"kubecarrier:administrators"}):
        ask(admin, "get", f"{core}/secrets?namespace={namespace}")
        ask(admin, "get", f"{core}/nodes")

    _nobody_else(whole)


def test_the_controllers_are_the_only_ones_that_act_as_the_portal(
    one: Portal, people: dict[str, User], namespace: str, cluster_one: ControlPlane
) -> None:
    """What is asked for here and done by a reconciler is the portal's own: of these kinds, no other."""
    log = Log.of(cluster_one)
    ann = client(people["ann"])
    bind(people["ann"], "editor", name="ann-everywhere")
    place = {"placement": {"clusters": ["one"]}}
    spec = {"namespaces": [namespace], "data": {"a": "b"}, **place}
    ask(ann, "post", "configitems?dryRun=All", {"metadata": {"name": "settings"}, "spec": spec})
    ask(ann, "put", "configitems/settings", {"spec": spec}, code=201)
    release = {"chart": "local/web", "version": "0.1.0", "namespace": namespace, **place}
    ask(ann, "put", "applications/shop", {"spec": release}, code=201)
    eventually(lambda: one.ready("configitems/settings") and one.ready("applications/shop"))
    own = [one_ for one_ in log.ours() if not one_.get("impersonatedUser")]
    written = {
        (str(one_["objectRef"].get("apiGroup", "")), one_["objectRef"]["resource"])
        for one_ in own
        if one_["verb"] in {"create", "update", "patch", "delete"}
        and "dryRun=All" not in one_["requestURI"]
    }
    assert written <= {
        ("", "configmaps"), ("", "secrets"), ("", "services"), ("", "namespaces"),
        ("apps", "deployments"), ("authorization.k8s.io", "subjectaccessreviews"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
    }  # fmt: skip
    assert {("", "configmaps"), ("apps", "deployments")} <= written
    _nobody_else(log)


def _nobody_else(log: Log) -> None:
    """No empty identity, no anonymous call, nothing of what was forged; all of it over the whole log."""
    seen = 0
    for entry in log.entries():
        agent = str(entry.get("userAgent", ""))
        if agent == "kubecarrier" or agent.startswith("Helm/"):
            seen += 1
            assert entry["user"]["username"] == SUBJECT, entry["requestURI"]
        acted = entry.get("impersonatedUser")
        if acted is not None and entry["user"]["username"] == SUBJECT:
            assert acted["username"].startswith("kubecarrier:"), acted
            assert acted["username"] != "kubecarrier:", acted
            assert "system:masters" not in acted.get("groups", ())
    assert seen
