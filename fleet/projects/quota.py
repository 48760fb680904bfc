"""Quotas: which names and quantities a ResourceQuota and a LimitRange take, and the objects.

Source of the names: "Resource Quotas" and "Limit Ranges" in Kubernetes' concepts
(`pkg/apis/core/helper` `IsStandardQuotaResourceName`, `pkg/apis/core/validation`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from fleet.errors import ProjectInvalidError
from fleet.quantities import QuantityError, parse_quantity

_COMPUTE = frozenset({"cpu", "memory", "ephemeral-storage"})
_AMOUNTS = frozenset({
    *_COMPUTE, "requests.cpu", "requests.memory", "requests.ephemeral-storage", "requests.storage",
    "limits.cpu", "limits.memory", "limits.ephemeral-storage",
})  # fmt: skip
_NUMBERS = frozenset({
    "pods", "services", "services.loadbalancers", "services.nodeports", "secrets", "configmaps",
    "persistentvolumeclaims", "replicationcontrollers", "resourcequotas",
})  # fmt: skip
_COUNT = re.compile(r"count/[a-z0-9-]+(\.[-a-z0-9.]+)?")
_STORAGE_CLASS = re.compile(
    r"[-a-z0-9.]+\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims)"
)
_EXTENDED = re.compile(r"requests\.[-a-z0-9.]+/[-A-Za-z0-9_.]+|(requests\.)?hugepages-[0-9A-Za-z]+")
_MAX_NAMES = 100


def check_hard(given: Mapping[str, str]) -> dict[str, str]:
    """The `hard` of a ResourceQuota; raises ProjectInvalidError `quota_invalid`."""
    if len(given) > _MAX_NAMES:
        raise _invalid(f"A quota has at most {_MAX_NAMES} names.")
    for name, text in given.items():
        if not is_quota_name(name):
            raise _invalid(
                f"“{name[:80]}” is nothing that a quota can limit.",
                "Write for example requests.cpu, limits.memory, pods or count/jobs.batch.",
            )
        value = _quantity(name, text)
        if is_number(name) and value.denominator != 1:
            raise _invalid(f"{name} is a whole number.")
    return dict(given)


def check_limits(given: dict[str, Any]) -> dict[str, Any]:
    """The container limits of a LimitRange, in order: min ≤ defaultRequest ≤ default ≤ max."""
    order = ("min", "defaultRequest", "default", "max")
    for part in order:
        for name, text in (given.get(part) or {}).items():
            if name not in _COMPUTE and not _EXTENDED.fullmatch(f"requests.{name}"):
                raise _invalid(f"“{name[:80]}” is no resource of a container.")
            _quantity(name, text)
    for name in {name for part in order for name in given.get(part) or {}}:
        said = [(part, given[part][name]) for part in order if name in (given.get(part) or {})]
        for (low, less), (high, more) in pairwise(said):
            if parse_quantity(less) > parse_quantity(more):
                raise _invalid(f"{name}: {low} {less} is more than {high} {more}.")
    return given


def is_quota_name(name: str) -> bool:
    """Whether a ResourceQuota takes this name."""
    return (
        name in _AMOUNTS
        or is_number(name)
        or any(form.fullmatch(name) for form in (_STORAGE_CLASS, _EXTENDED))
    )


def is_number(name: str) -> bool:
    """Whether it counts objects rather than an amount."""
    return (
        name in _NUMBERS or bool(_COUNT.fullmatch(name)) or name.endswith("/persistentvolumeclaims")
    )


def _quantity(name: str, text: str) -> Any:
    try:
        value = parse_quantity(text)
    except QuantityError as error:
        raise _invalid(f"{name[:80]}: {error.message}") from error
    if value < 0:
        raise _invalid(f"{name[:80]} is below zero.")
    return value


def _invalid(message: str, hint: str | None = None) -> ProjectInvalidError:
    return ProjectInvalidError("quota_invalid", message, hint=hint)
