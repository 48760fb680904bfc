"""What must hold after every fault, asked of the API servers' own audit logs and of Helm.

I2: one record is the newest of a release and none is left pending; I3: the portal
deleted nothing but what a test says it may; I5: what is not seen says so, since
when and why. I8 (converged without a human) is `eventually` with its limit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.portal import Portal
from tools.controlplane import ControlPlane

Json = dict[str, Any]
Deleted = tuple[str, str]  # resource and name

CONVERGED_SECONDS = 90.0
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_RECORD = "sh.helm.release.v1."


class Witness:
    """What one API server's audit log says from now on."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self._start = plane.audit_log.stat().st_size if plane.audit_log.exists() else 0

    def entries(self, *verbs: str) -> Iterator[Json]:
        """The portal's requests, and those of its Helm runs."""
        if not self.plane.audit_log.exists():
            return
        with self.plane.audit_log.open("rb") as log:
            log.seek(self._start)
            for line in log:
                entry = json.loads(line)
                agent = str(entry.get("userAgent", ""))
                ours = agent == "kubecarrier" or agent.startswith("Helm/")
                final = entry.get("stage") in {"ResponseComplete", "Panic"}
                if ours and final and (not verbs or entry["verb"] in verbs):
                    yield entry

    def writes(self, *, name: str = "") -> Counter[str]:
        """What was changed (dry runs and reviews are no changes), by verb."""
        return Counter(
            entry["verb"]
            for entry in self.entries(*_WRITES)
            if _code(entry) < 300 and _is_change(entry) and _named(entry, name)
        )

    def deleted(self) -> set[Deleted]:
        """What the portal deleted, without Helm's own records."""
        found = set()
        for entry in self.entries("delete", "deletecollection"):
            ref = entry.get("objectRef") or {}
            name = str(ref.get("name", ""))
            if _code(entry) < 300 and _is_change(entry) and not name.startswith(_RECORD):
                found.add((str(ref.get("resource")), name))
        return found


@contextmanager
def invariants(*planes: ControlPlane, deletes: Collection[Deleted] = ()) -> Iterator[list[Witness]]:
    """I2 and I3 over the block; gives the witnesses in the planes' order."""
    witnesses = [Witness(plane) for plane in planes]
    yield witnesses
    for witness in witnesses:
        beyond = witness.deleted() - set(deletes)
        assert not beyond, f"deleted on {witness.plane.name}: {beyond}"
        assert not pending(witness.plane)


def pending(plane: ControlPlane) -> list[str]:
    """Helm releases with an operation that nobody ends."""
    listed = json.loads(plane.helm("list", "-A", "--pending", "-o", "json"))
    return [f"{item['namespace']}/{item['name']}" for item in listed]


def revisions(plane: ControlPlane, namespace: str, release: str) -> list[str]:
    """The states of a release's Helm revisions, the oldest first."""
    found = json.loads(plane.helm("history", release, "-n", namespace, "-o", "json"))
    return [str(entry["status"]) for entry in found]


def unknown_since(portal: Portal, path: str) -> str:
    """I5: not ready, Unknown, since a time and for a reason; the reason, or "" while it is not so."""
    status = portal.call("get", path)["status"]
    if status["ready"] != "Unknown":
        return ""
    ready = next(c for c in status["conditions"] if c["type"] == "Ready")
    assert ready["reason"]
    assert ready["message"]
    assert datetime.fromisoformat(ready["lastTransitionAt"]) <= datetime.now(UTC)
    return str(ready["reason"])


def _code(entry: Json) -> int:
    return int((entry.get("responseStatus") or {}).get("code") or 500)


def _is_change(entry: Json) -> bool:
    group = (entry.get("objectRef") or {}).get("apiGroup", "")
    return "dryRun=All" not in entry["requestURI"] and group != "authorization.k8s.io"


def _named(entry: Json, name: str) -> bool:
    return not name or (entry.get("objectRef") or {}).get("name") == name
