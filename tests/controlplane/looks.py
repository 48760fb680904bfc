"""What helm and kubectl say of a cluster: the tests' witnesses."""

from __future__ import annotations

import json
from typing import Any

from tools.controlplane import ControlPlane


def deployments(kubectl: Any, plane: ControlPlane, namespace: str) -> dict[str, int]:
    found = json.loads(kubectl("get", "deployments", "-n", namespace, "-o", "json", cluster=plane))
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in found["items"]}


def helm_list(helm: Any, plane: ControlPlane, namespace: str) -> dict[str, Any]:
    found = json.loads(helm("list", "-n", namespace, "-o", "json", cluster=plane))
    return {item["name"]: item for item in found}
