"""THE door to an API server. Only modules of this package import `kubernetes`.

`Kube(connection)` gives raw JSON objects (dicts), raises `fleet.kube_errors`,
and ends each call within its `Budget`. It decides nothing and retries nothing.
"""

from __future__ import annotations

from fleet.kube.client import ApplyResult, Kube, PatchType, Propagation
from fleet.kube.discovery import discovery_of
from fleet.kube.identity import Identity
from fleet.kube.shapes import ListPage
from fleet.kube.transport import Budget
from fleet.resource import ObjectRef, Resource

__all__ = [
    "ApplyResult",
    "Budget",
    "Identity",
    "Kube",
    "ListPage",
    "ObjectRef",
    "PatchType",
    "Propagation",
    "Resource",
    "discovery_of",
]
