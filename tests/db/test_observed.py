"""What a look at a cluster writes of its nodes and namespaces, and when it writes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.models import Cluster, Namespace, Node
from fleet.pod_requests import Amount
from fleet.probe import Capacity, Load, NamespaceInfo, NodeInfo, ProbeResult, Usage
from fleet.reconcilers.observed import observe

pytestmark = pytest.mark.django_db
NODE = NodeInfo(
    name="n1", uid="", ready=True, unschedulable=False, roles=(), kubelet_version="v1", os="", architecture="",
    capacity=Capacity(4000, 8, 110), allocatable=Capacity(4000, 8, 110),
)  # fmt: skip


def result(load: Load | None, usage: Usage | None) -> ProbeResult:
    namespaces = (NamespaceInfo("a", "", "Active"), NamespaceInfo("b", "", "Active"))
    return ProbeResult("v1", "", "uid", (NODE,), namespaces, load, usage)


@pytest.fixture
def cluster() -> Cluster:
    row = Cluster(name="one", server="https://one.example.org")
    row.save()
    return row


def seen(model: Any, name: str) -> tuple[Any, Any]:
    row = model.objects.get(name=name)
    return row.requested, row.usage


def test_requested_and_used_by_node_and_namespace(cluster: Cluster) -> None:
    load = Load(Capacity(1, 2, 3), {"n1": Capacity(500, 2, 1)}, {"a": Capacity(500, 2, 1)})
    observe(cluster, result(load, Usage({"n1": Amount(1234, 98765)}, {"a": Amount(7, 0)})))
    amounts = {"cpu_millicores": 500, "memory_bytes": 2, "pods": 1}
    assert seen(Node, "n1") == (amounts, {"cpu_millicores": 1200, "memory_bytes": 99000})
    assert seen(Namespace, "a") == (amounts, {"cpu_millicores": 7, "memory_bytes": 0})
    nothing = {"cpu_millicores": 0, "memory_bytes": 0, "pods": 0}
    assert seen(Namespace, "b") == (nothing, None)  # nothing runs there; what it uses was not told


def test_what_could_not_be_seen_is_unknown_and_not_zero(cluster: Cluster) -> None:
    observe(cluster, result(None, None))
    assert seen(Node, "n1") == ({}, None)
    assert seen(Namespace, "a") == ({}, None)


def test_a_small_move_of_what_is_used_writes_nothing(cluster: Cluster) -> None:
    observe(cluster, result(Load(), Usage({"n1": Amount(1234, 98765)}, {})))
    at = timezone.now()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        observe(cluster, result(Load(), Usage({"n1": Amount(1210, 99200)}, {})))
    assert [q["sql"] for q in queries if not q["sql"].startswith("SELECT")] == []
    assert Node.objects.get().seen_at < at
