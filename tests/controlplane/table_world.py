"""The world of tests/authorization.yaml in real clusters: what lies there, and who asked for it.

`one` and `two` are the session's clusters; `old` is an API server of its own, which comes into the
portal twice under its name. The portal's credential is a certificate of a name that nobody else
has, so that each of its requests is told from the tests' own in the clusters' audit logs.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from accounts.tasks import summarize_bindings
from fleet.grants.portal_account import NAMESPACE
from fleet.models import ClusterGrant, Namespace
from fleet.tasks import (
    probe_clusters,
    reconcile_grants,
    reconcile_project_copies,
    summarize_projects,
)
from tests.authorization.asking import NAME, live_object
from tests.authorization.table import PLACES, Place
from tests.portal import Portal
from tools.controlplane import ControlPlane, ControlPlaneError

Json = dict[str, Any]
ACCOUNT = "the-portal-of-the-table"
_SECONDS = 90.0
_POD = {"containers": [{"name": "c", "image": "nginx"}]}


@dataclass
class Real:
    """Clusters that answer, by the names of the table."""

    planes: Mapping[str, ControlPlane]
    _nodes: dict[str, str] = field(default_factory=dict)

    def spec(self, name: str) -> Json:
        plane = self.planes[name]
        config = yaml.safe_load(plane.client_certificate(ACCOUNT, ["system:masters"]))
        user = config["users"][0]["user"]
        return {
            "server": plane.server, "caCertificate": plane.ca_pem,
            "credential": {
                "clientCertificate": base64.b64decode(user["client-certificate-data"]).decode(),
                "clientKey": base64.b64decode(user["client-key-data"]).decode(),
            },
        }  # fmt: skip

    def settle(self, portal: Portal) -> None:
        """Projects make their namespaces, every grant is in force, and something lies everywhere."""
        for place in PLACES.values():
            if not place.project:
                namespace = {"metadata": {"name": place.namespace}}
                self.planes[place.cluster].api.create("/api/v1/namespaces", namespace)
        self._until(portal, _prepared)
        for name in self.planes:
            portal.call("post", f"clusters/{name}/probe")
        self._until(portal, _granted)
        for place in PLACES.values():
            self._furnish(place)

    def node(self, cluster: str) -> str:
        if cluster not in self._nodes:
            items = self.planes[cluster].api.get("/api/v1/nodes")["items"]
            self._nodes[cluster] = items[0]["metadata"]["name"] if items else "none"
        return self._nodes[cluster]

    def version(self, place: Place) -> str:
        return str(self.found(place)["metadata"]["resourceVersion"])

    def found(self, place: Place, name: str = NAME) -> Json:
        """The ConfigMap there; {} where there is none."""
        path = f"/api/v1/namespaces/{place.namespace}/configmaps/{name}"
        try:
            return self.planes[place.cluster].api.get(path)
        except ControlPlaneError:
            return {}

    def mend(self, place: Place) -> None:
        """What an allowed act changed is as it was."""
        api = self.planes[place.cluster].api
        path = f"/api/v1/namespaces/{place.namespace}/configmaps"
        there = self.found(place)
        if there.get("data") != {"a": "b"}:
            if there:
                api.delete(f"{path}/{NAME}")
            api.create(path, live_object(place))
        if self.found(place, "another"):
            api.delete(f"{path}/another")
        if (node := self.node(place.cluster)) != "none":
            path = f"/api/v1/nodes/{node}"
            there = api.get(path)
            touched = [there["spec"].pop(key, None) for key in ("taints", "unschedulable")]
            if any([*touched, there["metadata"]["labels"].pop("a", None)]):
                api.put(path, there)

    def clean(self) -> None:
        """Nothing of this world stays in the session's clusters."""
        ours = ("-l", "app.kubernetes.io/managed-by=kubecarrier", "--ignore-not-found")
        for name, plane in self.planes.items():
            if name == "old":
                continue
            plane.kubectl("delete", "clusterroles,clusterrolebindings", *ours)
            plane.kubectl("delete", "rolebindings", "-A", *ours)
            mine = [one.namespace for one in PLACES.values() if one.cluster == name]
            plane.kubectl("delete", "namespace", *mine, "--wait=false", "--ignore-not-found")
            plane.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")

    def _until(self, portal: Portal, done: Any) -> None:
        deadline = time.monotonic() + _SECONDS
        while not done(portal):
            assert time.monotonic() < deadline, f"not within {_SECONDS} s: {done.__name__}"
            probe_clusters()
            reconcile_project_copies()
            summarize_projects()
            reconcile_grants()
            summarize_bindings()
            time.sleep(0.05)

    def _furnish(self, place: Place) -> None:
        plane = self.planes[place.cluster]
        labels = {"app": NAME}
        template = {"metadata": {"labels": labels}, "spec": _POD}
        job = {"template": {"spec": {**_POD, "restartPolicy": "Never"}}}
        at = f"namespaces/{place.namespace}"
        for path, body in {
            f"/api/v1/{at}/configmaps": live_object(place),
            f"/api/v1/{at}/secrets": {"stringData": {"password": "x"}},
            f"/apis/apps/v1/{at}/deployments": {
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
            },
            f"/apis/batch/v1/{at}/cronjobs": {
                "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}}
            },
        }.items():
            plane.api.create(path, {"metadata": {"name": NAME}, **body})
        if place.cluster == "old":  # no controllers: no account, and no pod, there
            return
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                plane.api.create(f"/api/v1/{at}/pods", {"metadata": {"name": NAME}, "spec": _POD})
                break
            except ControlPlaneError:  # its account is not there yet
                assert time.monotonic() < deadline
                time.sleep(0.1)
        plane.kubectl("wait", f"pod/{NAME}", "-n", place.namespace, "--for=condition=Ready")


def _prepared(portal: Portal) -> bool:
    return all(portal.ready(f"projects/{one.project}") for one in PLACES.values() if one.project)


def _granted(portal: Portal) -> bool:
    seen = set(Namespace.objects.values_list("cluster__name", "name"))
    grants = ClusterGrant.objects.all()
    return {(one.cluster, one.namespace) for one in PLACES.values()} <= seen and all(
        one.ready == "True" for one in grants
    )


@dataclass
class Log:
    """What the portal asked of a cluster since it was looked at last, by the server's own audit log."""

    plane: ControlPlane
    _read: int

    @classmethod
    def now(cls, plane: ControlPlane) -> Log:
        return cls(plane, plane.audit_log.stat().st_size)

    def since(self) -> list[Json]:
        """An entry is written once its answer was sent: so far that a later question is in it."""
        mark = f"/version?mark={uuid.uuid4().hex}"
        self.plane.api.get(mark)
        deadline = time.monotonic() + 20
        while mark not in (text := self.plane.audit_log.read_bytes()[self._read :].decode()):
            assert time.monotonic() < deadline, "the audit log does not go on"
            time.sleep(0.02)
        self._read += len(text.encode())
        return list(self._ours(text))

    def _ours(self, text: str) -> Iterator[Json]:
        for line in text.splitlines():
            entry: Json = json.loads(line)
            if entry["user"]["username"] == ACCOUNT:
                yield entry
