"""Where the binaries are. Only looks paths up: it never builds and never fails."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.controlplane.versions import cache_key

#: Build order: helm and etcd first, because they are quick and other work waits for them.
NAMES: Final = (
    "helm",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
    "kwok",
)
#: The three programs the envtest convention puts into $KUBEBUILDER_ASSETS.
_ENVTEST: Final = frozenset({"kube-apiserver", "etcd", "kubectl"})


@dataclass(frozen=True, slots=True)
class Binaries:
    """Absolute paths; `missing` says which of them are not there yet."""

    helm: Path
    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubectl: Path
    kwok: Path
    #: kwok's own life-cycle rules (YAML), copied from its Go module at build time.
    kwok_stages: Path

    def path(self, name: str) -> Path:
        """The path of one of NAMES, e.g. "kube-apiserver"."""
        found: Path = getattr(self, name.replace("-", "_"))
        return found

    def missing(self) -> tuple[str, ...]:
        """Names (of NAMES, in build order) that still have to be built."""
        return tuple(name for name in NAMES if not self._complete(name))

    def _complete(self, name: str) -> bool:
        if name == "kwok" and not self.kwok_stages.is_file():
            return False
        return os.access(self.path(name), os.X_OK)


def cache_dir() -> Path:
    """The folder of this set of versions, outside any checkout; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kubecarrier" / "controlplane" / cache_key()


def binaries() -> Binaries:
    """Paths of all programs, whether or not they exist.

    A program found in $KUBEBUILDER_ASSETS wins over the cache, whatever its version.
    """
    cache = cache_dir()
    paths = {name.replace("-", "_"): _locate(name, cache / "bin") for name in NAMES}
    return Binaries(**paths, kwok_stages=cache / "share" / "kwok-stages.yaml")


def _locate(name: str, cache_bin: Path) -> Path:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and name in _ENVTEST and os.access(Path(assets) / name, os.X_OK):
        return Path(assets).absolute() / name
    return cache_bin / name
