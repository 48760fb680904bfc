"""The portal as tests drive it: over its REST API, with its reconcilers run in this process.

The tasks are the very functions that the queue calls; only who calls them differs.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rest_framework.test import APIClient

Json = dict[str, Any]


def work() -> None:
    """One round of every reconciler over what is due."""
    from apps.tasks import reconcile_releases, refresh_repositories, summarize_applications
    from fleet.tasks import (
        probe_clusters,
        reconcile_config_copies,
        reconcile_project_copies,
        summarize_config_items,
        summarize_projects,
    )

    probe_clusters()
    refresh_repositories()
    reconcile_releases()
    summarize_applications()
    reconcile_config_copies()
    summarize_config_items()
    reconcile_project_copies()
    summarize_projects()


def eventually(found: Callable[[], Any], *, seconds: float = 60.0, what: str = "") -> Any:
    """Work until `found` answers something true, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        work()
        if answer := found():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or found}")
        time.sleep(0.1)


@dataclass(frozen=True)
class Portal:
    """A client of the API with administrator's rights."""

    client: APIClient

    def call(
        self, method: str, path: str, body: Any = None, *, code: Any = None, **headers: str
    ) -> Json:
        """One request; asserts the status when `code` is given, else that it is below 400.

        (`code` is an int; Any, because headers come as `**{"If-Match": …}`.)
        """
        send = getattr(self.client, method)
        response = send(f"/api/v1/{path}", body, format="json", headers=headers or None)
        text = response.content.decode() if hasattr(response, "content") else ""
        assert response.status_code == code if code else response.status_code < 400, text
        return response.json() if text else {}

    def import_cluster(self, plane: Any, **more: Any) -> Json:
        """Import a control plane by its admin kubeconfig."""
        body = {"kubeconfig": plane.kubeconfig.read_text(), "name": plane.name, **more}
        item: Json = self.call("post", "clusters/import", body)["items"][0]
        assert item["result"] == "created", item
        return dict(item["object"])

    def upload(self, repository: str, archive: bytes) -> Json:
        """Upload a chart archive."""
        response = self.client.post(
            f"/api/v1/repositories/{repository}/charts", archive, content_type="application/gzip"
        )
        assert response.status_code == 201, response.content
        return dict(response.json())

    def local_repository(self, *archives: bytes, name: str = "local") -> None:
        """A local repository with these charts."""
        self.call("put", f"repositories/{name}", {"spec": {"type": "local"}})
        for archive in archives:
            self.upload(name, archive)

    def apply(self, name: str, **spec: Any) -> Json:
        """Save an application."""
        return self.call("put", f"applications/{name}", {"spec": spec})

    def release(self, name: str) -> Json:
        """A release's status."""
        return dict(self.call("get", f"releases/{name}")["status"])

    def condition(self, path: str, type_: str) -> Json:
        """One condition of a document."""
        listed = self.call("get", path)["status"]["conditions"]
        return next((c for c in listed if c["type"] == type_), {})

    def ready(self, path: str) -> bool:
        """Whether the document is ready at its present generation."""
        found = self.call("get", path)
        current = found["status"]["observedGeneration"] >= found["metadata"]["generation"]
        return bool(found["status"]["ready"] == "True" and current)

    def gone(self, path: str) -> bool:
        """Whether the document is not there any more."""
        return bool(self.client.get(f"/api/v1/{path}").status_code == 404)


def chart(name: str, version: str = "0.1.0", **files: str) -> bytes:
    """A chart archive from file texts (`templates/x.yaml` as `templates__x.yaml`)."""
    texts = {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: '{version}'\n"
    }
    texts |= {
        path.replace("__", "/").replace("_yaml", ".yaml"): text for path, text in files.items()
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in texts.items():
            info = tarfile.TarInfo(f"{name}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicaCount }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Chart.Version }}"
          env: {{ toJson .Values.env }}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: {{ .Release.Name }}}, ports: [{port: 80}]}
"""
WEB_VALUES = "replicaCount: 1\nimage: {repository: nginx}\nenv: []\n"
FAILING_HOOK = """
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {"helm.sh/hook": "pre-install,pre-upgrade"}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 1
  template: {spec: {restartPolicy: Never, nodeSelector: {no: such}, containers: [{name: x, image: x}]}}
"""


def web_chart(version: str = "0.1.0") -> bytes:
    """A Deployment and a Service with the usual values."""
    return chart(
        "web",
        version,
        templates__web_yaml=WEB,
        templates__service_yaml=SERVICE,
        values_yaml=WEB_VALUES,
    )
