"""Quotas of many namespaces as one: exact sums, written as Kubernetes writes quantities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from fleet.projects.quota import is_number
from fleet.quantities import QuantityError, format_bytes, format_cpu, parse_quantity


def summed(parts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The sum by name; a quantity that cannot be read is left out."""
    totals: dict[str, Fraction] = {}
    for part in parts:
        for name, text in part.items():
            try:
                totals[name] = totals.get(name, Fraction(0)) + parse_quantity(text)
            except QuantityError:
                continue
    return {name: written(name, total) for name, total in sorted(totals.items())}


def written(name: str, amount: Fraction) -> str:
    """An amount in the unit of its name."""
    if is_cpu(name):
        return format_cpu(math.ceil(amount * 1000))
    return str(math.ceil(amount)) if is_number(name) else format_bytes(math.ceil(amount))


def is_cpu(name: str) -> bool:
    """Whether a quota's name is counted in cores."""
    return name in {"cpu", "requests.cpu", "limits.cpu"}


def share(used: str | None, hard: str) -> int | None:
    """Percent of the quota that is used; None where it is not known or nothing is allowed."""
    try:
        limit = parse_quantity(hard)
        return None if used is None or not limit else round(100 * parse_quantity(used) / limit)
    except QuantityError:
        return None
