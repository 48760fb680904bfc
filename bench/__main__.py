"""`python -m bench [NAME] [--scale N] [--rounds K] [--json] [--dir DIR]`."""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import machine
from bench.frame import Bench, Options, Report
from bench.registry import benches
from tools.controlplane import BuildError, ControlPlaneError


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 whatever the figures, 1 when there are none."""
    given = _parser().parse_args(arguments)
    known = benches()
    if not given.name:
        print("\n".join(f"{bench.name:<8} {bench.work}" for bench in known.values()))
        return 0
    if given.name not in known:
        print(f"error: no benchmark {given.name}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        report = _measured(known[given.name], given)
    except (BuildError, ControlPlaneError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(report.json() if given.json else report.table())
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="bench", description="Measure against real control planes.")
    parser.add_argument("name", nargs="?", help="without it: list them")
    parser.add_argument("--scale", type=int, help="how much; each benchmark has its own unit")
    parser.add_argument("--rounds", type=int, help="how often, everything alternating")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--dir", type=Path, help="keep logs and databases here")
    return parser


def _measured(bench: Bench, given: Namespace) -> Report:
    if given.dir:
        given.dir.mkdir(parents=True, exist_ok=True)
        return _run(bench, given, given.dir.absolute())
    with tempfile.TemporaryDirectory(
        prefix="kubecarrier-bench-", ignore_cleanup_errors=True
    ) as name:
        return _run(bench, given, Path(name))


def _run(bench: Bench, given: Namespace, directory: Path) -> Report:
    scale = given.scale or bench.scale
    options = Options(scale, given.rounds or bench.rounds, directory, _say)
    before = machine.load_average()
    _say(f"{bench.name}: {scale} {bench.unit}, {options.rounds} rounds, load average {before:.2f}")
    found = bench.run(options)
    loaded = {**found.figures, "load_average": before}
    return Report(bench.name, scale, replace(found, figures=loaded), machine.versions())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
