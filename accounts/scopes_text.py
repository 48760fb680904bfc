"""A binding's scope in one line, for tables and pages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def scope_text(scope: Mapping[str, Any]) -> str:
    """`platform`, `project shop`, `clusters a, b; env=prod; namespaces shop`."""
    if scope.get("platform"):
        return "platform"
    if scope.get("project"):
        return f"project {scope['project']}"
    parts = []
    if clusters := scope.get("clusters"):
        parts.append(f"clusters {', '.join(clusters)}")
    if selector := scope.get("selector"):
        parts.append("every cluster" if selector == "*" else f"clusters with {selector}")
    if namespaces := scope.get("namespaces"):
        parts.append(f"namespaces {', '.join(namespaces)}")
    return "; ".join(parts) or "nowhere any more"
