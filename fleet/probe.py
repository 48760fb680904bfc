"""One read-only look at a cluster: what it is, its nodes and namespaces, what is in use.

The parts that need a right of their own, or an add-on, are None when they could
not be had; everything else raises, so that nothing unseen looks empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fleet.kube import Kube, Resource
from fleet.kube_errors import Forbidden, NotFound, ServerError, Unauthorized, UnknownKind
from fleet.pod_requests import Amount, amount_of, pod_requests

Json = dict[str, Any]

_ROLE_PREFIX = "node-role.kubernetes.io/"
_NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
_NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
_PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
_POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", namespaced=True)
_NODE_METRICS = Resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", namespaced=False)
_NOT_FINISHED = "status.phase!=Succeeded,status.phase!=Failed"
_NO_METRICS = (NotFound, UnknownKind, Forbidden, Unauthorized, ServerError)


@dataclass(frozen=True, slots=True)
class Capacity:
    """CPU in millicores, memory in bytes, pods as a number."""

    cpu_millicores: int = 0
    memory_bytes: int = 0
    pods: int = 0

    def with_pod(self, requested: Amount) -> Capacity:
        """One pod more."""
        return Capacity(
            self.cpu_millicores + requested.cpu_millicores,
            self.memory_bytes + requested.memory_bytes,
            self.pods + 1,
        )


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One node. `conditions` is type → status (`{"Ready": "True"}`), `taints` raw as served."""

    name: str
    uid: str
    ready: bool
    unschedulable: bool
    roles: tuple[str, ...]
    kubelet_version: str
    os: str
    architecture: str
    capacity: Capacity
    allocatable: Capacity
    conditions: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Json, ...] = ()

    @property
    def schedulable(self) -> bool:
        """Whether an ordinary pod may come here: ready, not cordoned, no taint against it."""
        repels = any(t.get("effect") in ("NoSchedule", "NoExecute") for t in self.taints)
        return self.ready and not self.unschedulable and not repels


@dataclass(frozen=True, slots=True)
class NamespaceInfo:
    """One namespace. `phase` is Active or Terminating."""

    name: str
    uid: str
    phase: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """What pods that are not finished reserve: all of them, by node, by namespace."""

    total: Capacity = Capacity()
    by_node: dict[str, Capacity] = field(default_factory=dict)
    by_namespace: dict[str, Capacity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the metrics API measured; `by_namespace` is None where it does not tell of pods."""

    by_node: dict[str, Amount]
    by_namespace: dict[str, Amount] | None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`cluster_uid` is the uid of kube-system: the cluster's identity behind any URL.

    `load` is None without the right to list pods; `usage` is None when
    metrics.k8s.io does not answer.
    """

    git_version: str
    platform: str
    cluster_uid: str
    nodes: tuple[NodeInfo, ...]
    namespaces: tuple[NamespaceInfo, ...]
    load: Load | None
    usage: Usage | None


def probe(kube: Kube) -> ProbeResult:
    """Raises `fleet.kube_errors`; each page has the budget of `kube`."""
    version = kube.version()
    return ProbeResult(
        git_version=str(version.get("gitVersion", "")),
        platform=str(version.get("platform", "")),
        cluster_uid=cluster_uid(kube),
        nodes=tuple(node_info(item) for item in kube.list(_NODES)),
        namespaces=tuple(namespace_info(item) for item in kube.list(_NAMESPACES)),
        load=_load(kube),
        usage=_usage(kube),
    )


def cluster_uid(kube: Kube) -> str:
    """The uid of the namespace kube-system: another one means another cluster."""
    path = _NAMESPACES.path(name="kube-system")
    return str(kube.get(path, metadata_only=True)["metadata"]["uid"])


def node_info(node: Json) -> NodeInfo:
    """From a raw Node."""
    metadata, spec, status = _parts(node)
    labels = dict(metadata.get("labels") or {})
    about = status.get("nodeInfo") or {}
    conditions = {str(c["type"]): str(c["status"]) for c in status.get("conditions") or []}
    return NodeInfo(
        name=str(metadata["name"]),
        uid=str(metadata.get("uid", "")),
        ready=conditions.get("Ready") == "True",
        unschedulable=bool(spec.get("unschedulable")),
        roles=_roles(labels),
        kubelet_version=str(about.get("kubeletVersion", "")),
        os=str(about.get("operatingSystem") or labels.get("kubernetes.io/os", "")),
        architecture=str(about.get("architecture") or labels.get("kubernetes.io/arch", "")),
        capacity=_capacity(status.get("capacity")),
        allocatable=_capacity(status.get("allocatable")),
        conditions=conditions,
        labels=labels,
        taints=tuple(spec.get("taints") or ()),
    )


def namespace_info(namespace: Json) -> NamespaceInfo:
    """From a raw Namespace."""
    metadata, _, status = _parts(namespace)
    return NamespaceInfo(
        name=str(metadata["name"]),
        uid=str(metadata.get("uid", "")),
        phase=str(status.get("phase", "")),
        labels=dict(metadata.get("labels") or {}),
    )


def load_of(pods: Iterable[Json]) -> Load:
    """Sums over pods; a pod without a node counts in its namespace and in the total."""
    total = Capacity()
    by_node: dict[str, Capacity] = {}
    by_namespace: dict[str, Capacity] = {}
    for pod in pods:
        requested = pod_requests(pod)
        metadata, spec, _ = _parts(pod)
        total = total.with_pod(requested)
        for sums, name in (
            (by_node, spec.get("nodeName")),
            (by_namespace, metadata.get("namespace")),
        ):
            if name:
                sums[str(name)] = sums.get(str(name), Capacity()).with_pod(requested)
    return Load(total, by_node, by_namespace)


def _load(kube: Kube) -> Load | None:
    try:
        return load_of(kube.list(_PODS, field_selector=_NOT_FINISHED))
    except Forbidden:
        return None


def _usage(kube: Kube) -> Usage | None:
    """The metrics server is an add-on: its absence or failure is no failure of the cluster."""
    try:
        items = list(kube.list(_NODE_METRICS))
    except _NO_METRICS:
        return None
    by_node = {str(item["metadata"]["name"]): amount_of(item.get("usage")) for item in items}
    try:
        return Usage(by_node, used_by_namespace(kube.list(_POD_METRICS)))
    except _NO_METRICS:
        return Usage(by_node, None)


def used_by_namespace(metrics: Iterable[Json]) -> dict[str, Amount]:
    """From raw PodMetrics: the containers of all pods of a namespace."""
    found: dict[str, Amount] = {}
    for item in metrics:
        namespace = str(item["metadata"].get("namespace", ""))
        for container in item.get("containers") or []:
            found[namespace] = found.get(namespace, Amount()) + amount_of(container.get("usage"))
    return found


def _parts(obj: Json) -> tuple[Json, Json, Json]:
    return obj.get("metadata") or {}, obj.get("spec") or {}, obj.get("status") or {}


def _roles(labels: dict[str, str]) -> tuple[str, ...]:
    """kubectl's rule: the label's suffix, and the old `kubernetes.io/role`."""
    named = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    return tuple(sorted(filter(None, named | {labels.get("kubernetes.io/role", "")})))


def _capacity(given: Json | None) -> Capacity:
    amount = amount_of(given)
    pods = str((given or {}).get("pods", "0"))
    return Capacity(
        amount.cpu_millicores, amount.memory_bytes, int(pods) if pods.isdecimal() else 0
    )
