"""`python -m tools.demo run | clean`; see `make demo`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from tools.controlplane import ControlPlaneError, ensure_binaries
from tools.controlplane.progress import Progress, clock
from tools.demo import fleet, portal, report, state, story
from tools.demo.errors import DemoError

#: Flushed at once: progress must be seen in pipes and CI logs too.
_say = partial(print, flush=True)
#: Seconds on two cores, the first time; only for the estimate.
_SECONDS: Final = {
    "two control planes with fake nodes": 6.0,
    "database and administrator": 6.0,
    "web, workers and controller": 6.0,
    "importing the clusters": 2.0,
    "a chart repository with two charts": 2.0,
    "the application, on every cluster": 12.0,
    "a config item, and a change to decide on": 4.0,
}
_LOOK_SECONDS: Final = 0.5
_PLANES, _DATABASE, _PORTAL, _IMPORT, _CHARTS, _DEPLOY, _CONFIG = _SECONDS


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, 1 with one line on standard error, or 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    act: Callable[[argparse.Namespace], None] = options.act
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        act(options)
    except (DemoError, ControlPlaneError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("stopped; `make demo` goes on where it was, `make demo-clean` removes its state")
        return 130
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.demo")
    parser.add_argument("--dir", type=Path, default=state.DEFAULT, help="kept between runs")
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="run the demo until Ctrl-C")
    run.add_argument("--kubeconfig", type=Path, help="use these clusters and build nothing")
    run.add_argument("--port", type=int, default=8000)
    run.add_argument("--exit", action="store_true", help="stop once everything is healthy")
    run.set_defaults(act=_run)
    clean = commands.add_parser("clean", help="remove what the demo keeps")
    clean.set_defaults(act=_clean)
    return parser


def _clean(options: argparse.Namespace) -> None:
    state.clean(options.dir)
    _say("the demo's state is removed")


def _run(options: argparse.Namespace) -> None:
    began = time.monotonic()
    own: Path | None = options.kubeconfig
    portal.check_port(options.port)
    if own is None:
        ensure_binaries(_say)
    elif not os.access(own, os.R_OK):
        raise DemoError(f"{own}: this kubeconfig cannot be read")
    helm = portal.find_helm()
    steps = {name: seconds for name, seconds in _SECONDS.items() if not (own and name == _PLANES)}
    step = Progress(steps, _say).step
    with ExitStack() as stack:
        kept = stack.enter_context(state.opened(options.dir.absolute(), "own" if own else "local"))
        planes = [] if own else stack.enter_context(fleet.control_planes(kept, step(_PLANES)))
        with step(_DATABASE):
            portal.prepare(kept, helm)
        running = stack.enter_context(portal.running(kept, helm, options.port, step(_PORTAL)))
        rest = portal.login(kept, running.url)
        with step(_IMPORT):
            names = fleet.import_own(rest, kept, own) if own else fleet.import_planes(rest, planes)
        with step(_CHARTS):
            story.add_charts(rest)
        if own is None or _agreed(names):
            with step(_DEPLOY):
                story.deploy(rest, names)
                story.await_healthy(rest)
            with step(_CONFIG):
                story.configure(rest, names, planes)
        report.tell(kept, running.url, clock(time.monotonic() - began), names)
        while not options.exit:
            running.check()
            time.sleep(_LOOK_SECONDS)


def _agreed(names: list[str]) -> bool:
    """A person's clusters get the application only when that person says so."""
    question = (
        f"Deploy the demo's application into namespace {story.NAMESPACE} of {', '.join(names)}?"
    )
    if not sys.stdin.isatty():
        _say(f"not asked: {question}")
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:  # Ctrl-D
        _say("")
        return False


if __name__ == "__main__":
    sys.exit(main())
