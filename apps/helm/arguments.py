"""Helm's arguments and environment, with nothing that a caller could smuggle in."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubecarrier.lib.errors import InvalidError

Values = Mapping[str, Any]

# Helm's own rule for release names (pkg/chart/v2/util) and Kubernetes' for namespaces (RFC 1123).
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_RESERVED_LABELS = {"name", "owner", "status", "version", "createdAt", "modifiedAt"}
_MAX_NAME = 53
_MAX_LABEL = 63


@dataclass(frozen=True, slots=True)
class ReleaseSpec:
    """What a release should be.

    `chart_path` is a chart archive or folder on this machine, absolute.
    `timeout_seconds` bounds each hook inside Helm and the whole run outside it.
    `force_conflicts` takes fields from other managers (an autoscaler, a person
    with kubectl); False makes such a field a `helm_conflict`. `secrets` are
    values that must not show up in an error's text.
    """

    name: str
    namespace: str
    chart_path: Path
    values: Values = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    timeout_seconds: float = 300.0
    max_history: int = 10
    skip_crds: bool = False
    disable_openapi_validation: bool = True
    take_ownership: bool = False
    create_namespace: bool = False
    force_conflicts: bool = False
    no_hooks: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


def check_name(name: str) -> str:
    """Raises `release_name_invalid`."""
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise InvalidError("release_name_invalid", f"{name[:80]!r} is no release name.")
    return name


def check_namespace(namespace: str) -> str:
    """Raises `namespace_invalid`."""
    if len(namespace) > _MAX_LABEL or not _NAMESPACE.fullmatch(namespace):
        raise InvalidError("namespace_invalid", f"{namespace[:80]!r} is no namespace.")
    return namespace


def chart_argument(release: ReleaseSpec) -> str:
    """An existing absolute path: anything else Helm would look for in repositories."""
    if not release.chart_path.is_absolute() or not release.chart_path.exists():
        raise InvalidError("chart_missing", "The chart is not on this machine.")
    return str(release.chart_path)


def upgrade_arguments(release: ReleaseSpec, values_path: str) -> list[str]:
    """`helm upgrade --install`, without the name and the chart at its end."""
    return [
        "upgrade",
        "--install",
        "--output=json",
        "--reset-values",  # empty values would otherwise mean those of the last revision
        f"--values={values_path}",
        f"--history-max={release.max_history}",
        f"--timeout={seconds(release.timeout_seconds)}",
        *flags(
            {
                "--skip-crds": release.skip_crds,
                "--disable-openapi-validation": release.disable_openapi_validation,
                "--take-ownership": release.take_ownership,
                "--create-namespace": release.create_namespace,
                "--force-conflicts": release.force_conflicts,
                "--no-hooks": release.no_hooks,
            }
        ),
        *_labels(release.labels),
        *([f"--description={release.description[:256]}"] if release.description else []),
    ]


def flags(switches: Mapping[str, bool]) -> list[str]:
    """The names that are on."""
    return [name for name, on in switches.items() if on]


def revision_flags(revision: int | None) -> list[str]:
    return [] if revision is None else [f"--revision={revision}"]


def seconds(value: float) -> str:
    """Helm's duration, at least a second."""
    return f"{max(1, math.ceil(value))}s"


def _labels(labels: Mapping[str, str]) -> list[str]:
    for key, value in labels.items():
        _check_label(key, value)
    joined = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return [f"--labels={joined}"] if joined else []


def _check_label(key: str, value: str) -> None:
    """Helm gives the labels of a release to its record's Secret; its own names are taken."""
    name = key.rpartition("/")[2]
    if key in _RESERVED_LABELS or len(name) > _MAX_LABEL or not _LABEL_KEY.fullmatch(key):
        raise InvalidError("label_invalid", f"{key[:80]!r} cannot be a label of a release.")
    if len(value) > _MAX_LABEL or not _LABEL_VALUE.fullmatch(value) or value == "null":
        raise InvalidError("label_invalid", f"The value of label {key[:80]!r} is not allowed.")


def environment_for(work_dir: Path, server: str) -> dict[str, str]:
    """The whole environment of a run: nothing of ours is inherited, no proxy, no plug-in.

    `server` names the discovery cache. Caches hold what any client may read.
    """
    home = work_dir / "home"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "HELM_CACHE_HOME": str(work_dir / "cache"),
        "HELM_CONFIG_HOME": str(work_dir / "config"),
        "HELM_DATA_HOME": str(work_dir / "data"),
        "HELM_NO_PLUGINS": "1",
        "HELM_DRIVER": "secret",
        "HELM_COLOR": "never",
        "KUBECACHEDIR": str(work_dir / "discovery" / server),
        "KUBECONFIG": "/dev/null",
        "NO_PROXY": "*",
        "LANG": "C.UTF-8",
        "PATH": "",
        # Short runs: collecting less often takes a fifth off the CPU of each, measured.
        "GOGC": "400",
    }
