"""The scheduler's sum for one pod."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.pod_requests import Amount, pod_requests


def container(cpu: str, memory: str = "0", **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}


def sidecar(cpu: str) -> dict[str, Any]:
    return container(cpu, restartPolicy="Always")


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": spec}


@pytest.mark.parametrize(
    ("given", "cpu"),
    [
        (pod(), 0),
        (pod(containers=[container("100m"), container("1")]), 1100),
        (pod(containers=[{}, {"resources": None}]), 0),
        (pod(containers=[container("100m")], initContainers=[container("500m")]), 500),
        (pod(containers=[container("1")], initContainers=[container("500m")]), 1000),
        (pod(containers=[container("100m")], initContainers=[sidecar("200m")]), 300),
        (
            pod(
                containers=[container("100m")],
                initContainers=[sidecar("200m"), container("400m"), sidecar("50m")],
            ),
            600,
        ),
        (
            pod(
                containers=[container("100m")],
                initContainers=[container("400m"), sidecar("200m")],
            ),
            400,
        ),
        (pod(containers=[container("1")], overhead={"cpu": "250m"}), 1250),
        (
            pod(containers=[container("1")], resources={"requests": {"cpu": "3"}}),
            3000,
        ),
        (pod(containers=[container("nonsense")]), 0),
    ],
)
def test_cpu(given: dict[str, Any], cpu: int) -> None:
    assert pod_requests(given).cpu_millicores == cpu


def test_each_resource_counts_for_itself() -> None:
    given = pod(
        containers=[container("1", "1Gi")],
        initContainers=[container("100m", "4Gi")],
        resources={"requests": {"cpu": "2"}},
    )
    assert pod_requests(given) == Amount(2000, 4 * 1024**3)
