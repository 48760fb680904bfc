"""What a pod asks of a node, by the scheduler's rule.

Source of the rule: `PodRequests` in k8s.io/component-helpers `resource` and
KEP-753 (sidecars): app containers and restartable init containers (sidecars)
run together and add up; an ordinary init container runs alone with the
sidecars that were started before it, so only the largest moment counts. A
request for the whole pod (`spec.resources`, KEP-2837) replaces the sum, and the
overhead of the runtime class comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from fleet.quantities import QuantityError, bytes_of, cpu_millicores

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Amount:
    """CPU in millicores and memory in bytes."""

    cpu_millicores: int = 0
    memory_bytes: int = 0

    def __add__(self, other: Self) -> Amount:
        return Amount(
            self.cpu_millicores + other.cpu_millicores, self.memory_bytes + other.memory_bytes
        )

    def at_least(self, other: Amount) -> Amount:
        """The larger of both, each resource for itself."""
        return Amount(
            max(self.cpu_millicores, other.cpu_millicores),
            max(self.memory_bytes, other.memory_bytes),
        )


def amount_of(resources: Json | None) -> Amount:
    """`{"cpu": "250m", "memory": "1Gi"}`; what is missing or unreadable counts as nothing."""
    given = resources or {}
    return Amount(_cpu(given.get("cpu")), _memory(given.get("memory")))


def pod_requests(pod: Json) -> Amount:
    """What the scheduler reserves for this pod."""
    spec = pod.get("spec") or {}
    total = Amount()
    for container in spec.get("containers") or []:
        total += _request(container)
    moments, sidecars = Amount(), Amount()
    for container in spec.get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            sidecars += _request(container)
            moments = moments.at_least(sidecars)
        else:
            moments = moments.at_least(sidecars + _request(container))
    total = (total + sidecars).at_least(moments)
    return _pod_level(spec, total) + amount_of(spec.get("overhead"))


def _pod_level(spec: Json, summed: Amount) -> Amount:
    wanted = (spec.get("resources") or {}).get("requests") or {}
    whole = amount_of(wanted)
    return Amount(
        whole.cpu_millicores if "cpu" in wanted else summed.cpu_millicores,
        whole.memory_bytes if "memory" in wanted else summed.memory_bytes,
    )


def _request(container: Json) -> Amount:
    return amount_of((container.get("resources") or {}).get("requests"))


def _cpu(text: Any) -> int:
    try:
        return cpu_millicores(text) if text is not None else 0
    except QuantityError:
        return 0


def _memory(text: Any) -> int:
    try:
        return bytes_of(text) if text is not None else 0
    except QuantityError:
        return 0
