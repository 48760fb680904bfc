"""Rows of the inventory for the console's tests, written as the watch writes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone

from fleet.inventory import rows
from fleet.inventory.shapes import Shape
from fleet.models import Cluster, InventoryKind, ResourceSchema, ResourceType, ServedResource
from kubecarrier.lib import audit
from kubecarrier.lib.watching import Event, EventType, WatchSpec
from tests.unit.fleet.test_schema_fields import SCHEMAS

Json = dict[str, Any]
_PRINTER = (
    ("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    ("Secret", ".spec.secretName"),
)
_CERTIFICATE = ("cert-manager.io", "certificates", "Certificate", ["cert", "certs"], "v1")
_NAMES = ("catalog", "payments", "web")


def build() -> None:
    """Three workloads with pods, and what stands around them, on every cluster; the catalogue."""
    _catalogue()
    for number, cluster in enumerate(Cluster.objects.order_by("name")):
        events = list(_events(number))
        rows.take(cluster.pk, events)
        rows.take(cluster.pk, [_listed(spec, events) for spec in {e.spec for e in events}])
        if cluster.ready == "False":
            with audit.unaudited("a test"):
                InventoryKind.objects.filter(cluster=cluster).update(
                    heard_at=timezone.now() - timedelta(seconds=2520),
                    error_code="kube_timed_out",
                    error_message="The API server fell silent.",
                )


def _catalogue() -> None:
    """Two kinds on every cluster, one of them in an older version too."""
    with audit.unaudited("a test"):
        schema = ResourceSchema.objects.create(digest="1" * 64, packed=ResourceSchema.pack(SCHEMAS))
    names = (("", "pods", "Pod", ["po"], "v1"), _CERTIFICATE)
    for group, plural, kind, short, version in names:
        name = f"{plural}.{group}" if group else plural
        row = ResourceType.objects.create(
            name=name, group=group, plural=plural, kind=kind, short_names=short,
            namespaced=True, custom=bool(group),
        )  # fmt: skip
        for cluster in Cluster.objects.all():
            one = {"name": version, "verbs": ["list", "watch"], "schema": schema.digest}
            columns = [{"name": "Ready"}, {"name": "Secret"}]
            ServedResource.objects.create(
                cluster=cluster, type=row, versions=[{**one, "columns": columns}],
                seen_at=timezone.now(),
            )  # fmt: skip


def _listed(spec: WatchSpec, events: list[Event]) -> Event:
    present = frozenset(
        (str(e.obj["metadata"]["namespace"] or ""), str(e.obj["metadata"]["name"]))
        for e in events
        if e.spec == spec
    )
    return Event(EventType.LISTED, spec, present=present)


def _events(cluster: int) -> Iterator[Event]:
    for name in _NAMES:
        broken = cluster == 0 and name == "payments"
        yield from _workload(name, broken=broken)
        yield _event("v1", "Service", name, spec={"type": "ClusterIP", "ports": [{"port": 80}]})
        yield _event("v1", "Secret", f"{name}-login", data={"password": "eA=="}, type="Opaque")
        yield _event("v1", "ConfigMap", f"{name}-settings")
    ready = [{"type": "Ready", "status": "True"}]
    yield _event("v1", "Node", "worker-1", namespace="", status={"conditions": ready})
    yield _event(
        "cert-manager.io/v1", "Certificate", "shop-example-org", printer=_PRINTER,
        spec={"secretName": "shop-tls"}, status={"conditions": ready},
    )  # fmt: skip


def _workload(name: str, *, broken: bool) -> Iterator[Event]:
    spec = {"replicas": 2, "template": {"spec": {"containers": [{"image": f"{name}:1.4.2"}]}}}
    ready = 1 if broken else 2
    status = {
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": ready,
        "availableReplicas": ready,
    }  # fmt: skip
    yield _event("apps/v1", "Deployment", name, spec=spec, status=status)
    owner = {"kind": "Deployment", "name": name, "uid": f"Deployment-{name}", "controller": True}
    yield _event(
        "apps/v1", "ReplicaSet", f"{name}-7c9d", owner=owner, app=name, spec=spec, status=status
    )
    owner = {"kind": "ReplicaSet", "name": f"{name}-7c9d", "uid": f"ReplicaSet-{name}-7c9d"}
    for number in range(2):
        yield _pod(f"{name}-7c9d-{'xk'[number]}2v{number}", name, owner, broken and number == 1)


def _pod(pod: str, name: str, owner: Json, broken: bool) -> Event:
    waiting = {"reason": "ImagePullBackOff", "message": "manifest unknown"}
    container = {
        "name": name, "ready": not broken, "restartCount": 0,
        "state": {"waiting": waiting} if broken else {"running": {}},
    }  # fmt: skip
    return _event(
        "v1", "Pod", pod, owner=owner, app=name,
        spec={"nodeName": "worker-1", "containers": [{"name": name, "image": f"{name}:1.4.2"}]},
        status={
            "phase": "Pending" if broken else "Running", "containerStatuses": [container],
            "conditions": [{"type": "Ready", "status": "False" if broken else "True"}],
        },
    )  # fmt: skip


def _event(
    api_version: str,
    kind: str,
    name: str,
    *,
    namespace: str = "shop",
    owner: Json | None = None,
    app: str = "",
    printer: tuple[tuple[str, str], ...] = (),
    **parts: Any,
) -> Event:
    shape = Shape(api_version, kind, printer)
    metadata = {
        "uid": f"{kind}-{name}", "name": name, "namespace": namespace, "resourceVersion": "1",
        "generation": 1, "labels": {"app.kubernetes.io/name": app or name, "tier": "backend"},
        "creationTimestamp": (timezone.now() - timedelta(hours=5)).isoformat(),
        "ownerReferences": [owner] if owner else [],
    }  # fmt: skip
    spec = WatchSpec(api_version, kind, metadata_only=False, shape=shape)
    return Event(EventType.ADDED, spec, shape({"metadata": metadata, **parts}), initial=True)
