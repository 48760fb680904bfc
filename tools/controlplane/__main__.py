"""`python -m tools.controlplane build | up | paths`."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.controlplane.binaries import NAMES, binaries, cache_dir
from tools.controlplane.build import ensure_binaries
from tools.controlplane.cluster import ControlPlane, start_all, stop_all
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.etcd import Etcd
from tools.controlplane.locks import file_lock


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 with one line (and the end of a log, if any) on standard error."""
    options = _parser().parse_args(arguments)
    act: Callable[[argparse.Namespace], None] = options.act
    try:
        act(options)
    except ControlPlaneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.controlplane", description=__doc__)
    commands = parser.add_subparsers(required=True)
    build = commands.add_parser("build", help="build the missing binaries")
    build.add_argument("--only", type=_names, default=NAMES, help=f"some of {','.join(NAMES)}")
    build.set_defaults(act=_build)
    up = commands.add_parser("up", help="run clusters until Ctrl-C or SIGTERM")
    up.add_argument("--clusters", type=int, default=1)
    up.add_argument("--nodes", type=int, default=2, help="fake nodes per cluster")
    up.add_argument("--dir", type=Path, default=_state_dir(), help="kept between runs")
    up.set_defaults(act=_up)
    commands.add_parser("paths", help="where the binaries are").set_defaults(act=_paths)
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = set(names) - set(NAMES)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return names


def _state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "kubecarrier" / "controlplane"


def _build(options: argparse.Namespace) -> None:
    ensure_binaries(_say, only=options.only)


def _paths(_: argparse.Namespace) -> None:
    found = binaries()
    print(f"cache {cache_dir()}")
    for name in NAMES:
        state = "missing" if name in found.missing() else "ok"
        print(f"{name:24} {state:8} {found.path(name)}")


def _up(options: argparse.Namespace) -> None:
    ensure_binaries(_say)
    folder: Path = options.dir

    def refuse() -> None:
        raise ControlPlaneError(f"clusters run in {folder} already; stop them first")

    with file_lock(folder / "up.lock", when_busy=refuse):
        _serve(folder, options.clusters, options.nodes)


def _serve(folder: Path, clusters: int, nodes: int) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Etcd(folder) as etcd:
        planes = [
            ControlPlane(name=f"cluster-{number}", dir=folder, etcd=etcd, nodes=nodes)
            for number in range(1, clusters + 1)
        ]
        _say(f"starting {clusters} control planes with {nodes} nodes each …")
        start_all(planes)
        try:
            for plane in planes:
                _say(f"{plane.name}  {plane.server}  KUBECONFIG={plane.kubeconfig}")
            _say("running; Ctrl-C stops them, their state is kept")
            stop.wait()
        finally:
            stop_all(planes)
    _say("stopped")


#: Flushed at once: progress must be seen in pipes and CI logs too.
_say = partial(print, flush=True)


if __name__ == "__main__":
    sys.exit(main())
