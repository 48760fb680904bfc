"""A warm start of the whole portal, and of the command line beside kubectl."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.frame import Bench, Found, Options, median
from bench.portal import Home, Portal
from tools.controlplane import binaries, ensure_binaries

_CLI_PAIRS = 10


def run(options: Options) -> Found:
    """Warm: the database is migrated, byte code and files are in the caches."""
    ensure_binaries(options.say)
    with Portal(Home(options.directory)) as portal:
        portal.stop()
        starts = [_start_seconds(portal) for _ in range(options.rounds)]
    ours, theirs = _cli(), [str(binaries().kubectl), "version", "--client"]
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(_CLI_PAIRS * options.scale)]
    figures = {
        "api_seconds": median(starts),
        "api_seconds_worst": max(starts),
        "cli_seconds": median([pair[0] for pair in pairs]),
        "kubectl_seconds": median([pair[1] for pair in pairs]),
    }
    return Found({}, figures)


def _start_seconds(portal: Portal) -> float:
    begun = time.monotonic()
    portal.start()
    seconds = time.monotonic() - begun
    portal.stop()
    return seconds


def _cli() -> list[str]:
    """The installed program, as people run it; the module where it is not installed."""
    script = Path(sys.executable).with_name("kubecarrier")
    arguments = [str(script)] if script.exists() else [sys.executable, "-m", "kubecarrier.cli"]
    return [*arguments, "version"]


def _seconds(command: Sequence[str]) -> float:
    begun = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


BENCH = Bench(
    name="start",
    work="`manage.py up` to the first answer of the API; `kubecarrier version` beside kubectl",
    unit="times ten pairs",
    scale=1,
    rounds=5,
    run=run,
)
