"""What a probe makes of raw objects: sums by node and namespace, and where pods may go."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.pod_requests import Amount
from fleet.probe import Capacity, NodeInfo, load_of, node_info, used_by_namespace


def pod(namespace: str, cpu: str, node: str = "") -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}
    return {
        "metadata": {"namespace": namespace, "name": "x"},
        "spec": spec | ({"nodeName": node} if node else {}),
    }


def test_sums_by_node_and_namespace() -> None:
    found = load_of(
        [pod("a", "1", "n1"), pod("a", "500m", "n2"), pod("b", "2", "n1"), pod("b", "1")]
    )
    assert found.total == Capacity(4500, 0, 4)
    assert found.by_node == {"n1": Capacity(3000, 0, 2), "n2": Capacity(500, 0, 1)}
    assert found.by_namespace == {"a": Capacity(1500, 0, 2), "b": Capacity(3000, 0, 2)}


def test_nothing_runs() -> None:
    assert load_of([]) == load_of(iter(()))
    assert load_of([]).total == Capacity()


# Form of an answer of metrics.k8s.io/v1beta1 (metrics-server v0.9.0, PodMetricsList).
POD_METRICS: list[dict[str, Any]] = [
    {
        "metadata": {"name": "web-1", "namespace": "shop"},
        "timestamp": "2026-11-25T10:00:00Z",
        "window": "15.2s",
        "containers": [
            {"name": "web", "usage": {"cpu": "1250000n", "memory": "20480Ki"}},
            {"name": "side", "usage": {"cpu": "10m", "memory": "1Mi"}},
        ],
    },
    {"metadata": {"name": "web-2", "namespace": "shop"}, "containers": []},
    {
        "metadata": {"name": "dns", "namespace": "kube-system"},
        "containers": [{"name": "dns", "usage": {"cpu": "0", "memory": "5Mi"}}],
    },
]


def test_usage_by_namespace() -> None:
    assert used_by_namespace(POD_METRICS) == {
        "shop": Amount(12, 21 * 1024**2),
        "kube-system": Amount(0, 5 * 1024**2),
    }


@pytest.mark.parametrize(
    ("spec", "ready", "expected"),
    [
        ({}, "True", True),
        ({}, "False", False),
        ({}, "Unknown", False),
        ({"unschedulable": True}, "True", False),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "True", False),
        ({"taints": [{"key": "a", "effect": "NoExecute"}]}, "True", False),
        ({"taints": [{"key": "a", "effect": "PreferNoSchedule"}]}, "True", True),
    ],
)
def test_whether_pods_may_go_to_a_node(spec: dict[str, Any], ready: str, expected: bool) -> None:
    node: NodeInfo = node_info(
        {
            "metadata": {"name": "n"},
            "spec": spec,
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }
    )
    assert node.schedulable is expected
