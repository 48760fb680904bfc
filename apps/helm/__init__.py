"""THE door to the official `helm` command line (version 4). Nothing else runs it.

Kubeconfig and values are anonymous memory (memfd_create): Helm reads them as
`/proc/self/fd/N`, no disk ever holds them. It decides nothing: no retry, no
repair of a stuck release, no waiting for readiness (hooks excepted).
"""

from __future__ import annotations

from apps.helm.arguments import ReleaseSpec
from apps.helm.cli import Helm
from apps.helm.errors import HelmError, HelmFailed, HelmReason, HelmUnavailable
from apps.helm.results import HistoryEntry, ReleaseResult, ReleaseSummary

__all__ = [
    "Helm",
    "HelmError",
    "HelmFailed",
    "HelmReason",
    "HelmUnavailable",
    "HistoryEntry",
    "ReleaseResult",
    "ReleaseSpec",
    "ReleaseSummary",
]
