"""Builds the missing binaries from pinned Go modules into the cache.

Go itself verifies every module: against the committed go.sum for `gomod/*`, against the
public checksum database for `go install name@version`.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tools.controlplane import versions
from tools.controlplane.binaries import NAMES, Binaries, binaries, cache_dir
from tools.controlplane.errors import BuildError
from tools.controlplane.kwok_stages import write_stages
from tools.controlplane.locks import file_lock
from tools.controlplane.progress import Progress

Say = Callable[[str], None]

GOMOD: Final = Path(__file__).parent / "gomod"
#: Seconds on two cores with cold caches, downloads included; only for the estimate.
WEIGHTS: Final = {
    "helm": 150.0,
    "etcd": 27.0,
    "kube-apiserver": 276.0,
    "kube-controller-manager": 90.0,
    "kube-scheduler": 11.0,
    "kubectl": 20.0,
    "kwok": 88.0,
}
_STRIP: Final = "-s -w"
#: What Go's network library says when the module proxy is not reached.
_NO_NETWORK: Final = re.compile(r"dial (tcp|udp)|no such host|i/o timeout|unreachable|handshake")


def ensure_binaries(progress: Say = print, *, only: Collection[str] = NAMES) -> Binaries:
    """Build what is missing of `only` (names of NAMES) and return all paths.

    Safe to call from several processes at once: the second waits for the first. A build
    that was interrupted continues with the first binary that is not complete.
    Raises BuildError with one line for a person.
    """
    found = binaries()
    if not _todo(found, only):
        return found
    with file_lock(cache_dir() / "build.lock", when_busy=lambda: progress(_WAITING)):
        todo = _todo(found, only)
        if todo:
            _build_all(todo, found, progress)
    return found


_WAITING: Final = "another process is building the binaries; waiting for it"


def _todo(found: Binaries, only: Collection[str]) -> list[str]:
    return [name for name in found.missing() if name in only]


def _build_all(todo: list[str], found: Binaries, say: Say) -> None:
    go = shutil.which("go")
    if go is None:
        raise BuildError(
            f"Go is not installed, and these are not built yet: {', '.join(todo)}. "
            "Install Go 1.26 or newer and try again."
        )
    for left_over in cache_dir().glob("tmp-*"):  # of a build that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    progress = Progress({name: WEIGHTS[name] for name in todo}, say)
    for name in todo:
        with progress.step(name), _scratch() as scratch:
            _build_one(go, name, scratch / name, found)
    say(f"built {len(todo)} in {progress.elapsed()} → {cache_dir()}")


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder on the file system of the cache: a finished file moves by rename."""
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="tmp-") as name:
        yield Path(name)


def _build_one(go: str, name: str, output: Path, found: Binaries) -> None:
    if name in ("helm", "kwok"):
        _go_install(go, name, output)
    else:
        _go_build(go, name, output)
    if name == "kwok":
        write_stages(_kwok_module(go), found.kwok_stages)
    target = cache_dir() / "bin" / name
    target.parent.mkdir(exist_ok=True)
    output.replace(target)


def _go_build(go: str, name: str, output: Path) -> None:
    """etcd and Kubernetes have modules of their own here (see README)."""
    if name == "etcd":
        folder, package, flags = "etcd", "go.etcd.io/etcd/server/v3", _STRIP
    else:
        folder, package, flags = "kubernetes", f"k8s.io/kubernetes/cmd/{name}", _kubernetes_flags()
    command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags", flags]
    _run_go(name, [*command, "-o", str(output), package], cwd=GOMOD / folder)


def _go_install(go: str, name: str, output: Path) -> None:
    if name == "helm":
        package = f"helm.sh/helm/v4/cmd/helm@v{versions.HELM}"
        flags = f"{_STRIP} -X helm.sh/helm/v4/internal/version.version=v{versions.HELM}"
    else:
        package, flags = f"sigs.k8s.io/kwok/cmd/kwok@v{versions.KWOK}", _STRIP
    command = [go, "install", "-trimpath", "-ldflags", flags, package]
    _run_go(name, command, cwd=output.parent, GOBIN=str(output.parent))


def _kubernetes_flags() -> str:
    """Without these the servers report v0.0.0, and charts' version checks fail."""
    major, minor, _ = versions.KUBERNETES.split(".")
    values = {"gitVersion": f"v{versions.KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    sets = [f"-X k8s.io/component-base/version.{key}={value}" for key, value in values.items()]
    return " ".join([_STRIP, *sets])


def _kwok_module(go: str) -> Path:
    """The folder of kwok's source in the Go module cache, downloaded if need be."""
    module = f"sigs.k8s.io/kwok@v{versions.KWOK}"
    _run_go("kwok", [go, "mod", "download", module], cwd=cache_dir())
    cache = _run_go("kwok", [go, "env", "GOMODCACHE"], cwd=cache_dir())
    return Path(cache.strip()) / module


def _run_go(name: str, command: list[str], *, cwd: Path, **extra: str) -> str:
    """Standard output of one go command; on failure the last line it said, in BuildError."""
    # GOWORK, GOFLAGS: what a developer set for other projects must not change this build.
    env = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-buildvcs=false", **extra}
    try:
        result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False)
    except OSError as error:
        raise BuildError(f"cannot run {command[0]}: {error}") from error
    if result.returncode:
        said = _last_line(result.stderr)
        why = " (no network?)" if _NO_NETWORK.search(said) else ""
        raise BuildError(f"building {name} failed{why}: {said}")
    return result.stdout.decode()


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "go said nothing"
