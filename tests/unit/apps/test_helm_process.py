"""A child process is bounded in time and output, and takes its children with it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.helm import Helm, HelmError, HelmReason, ReleaseSpec
from apps.helm.process import Ending, Finished, run

SHELL = shutil.which("sh") or "/bin/sh"


def script(text: str, *, seconds: float = 20, **options: Callable[..., object]) -> Finished:
    return run(
        [SHELL, "-c", text],
        environment={"PATH": os.defpath, "ONLY": "this"},
        directory=Path("/"),
        descriptors=(),
        timeout_seconds=seconds,
        **options,  # type: ignore[arg-type]
    )


def gone(pid: int) -> bool:
    """Within five seconds: a kill is carried out a moment after it was asked for."""
    for _ in range(250):
        if _gone(pid):
            return True
        time.sleep(0.02)
    return False


def _gone(pid: int) -> bool:
    """Reaped, or a zombie that nobody reaps in a container without an init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_output_and_status() -> None:
    finished = script("echo out; echo err >&2; echo $ONLY; exit 3")
    assert finished == Finished(Ending.EXITED, 3, b"out\nthis\n", "err\n")


def test_time_out_kills_the_group() -> None:
    finished = script("sleep 600 & echo $!; wait", seconds=0.5)
    assert finished.ending is Ending.TIMED_OUT
    assert gone(int(finished.stdout))


def test_what_ignores_the_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.helm.process._GRACE_SECONDS", 0.2)
    finished = script("trap '' TERM; echo $$; while :; do sleep 1; done", seconds=0.5)
    assert (finished.ending, finished.code) == (Ending.TIMED_OUT, -9)
    assert gone(int(finished.stdout))


def test_cancel() -> None:
    assert script("sleep 600", cancelled=lambda: True).ending is Ending.CANCELLED


def test_too_much_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.helm.process.OUTPUT_LIMIT_BYTES", 100_000)
    assert script("while :; do echo xxxxxxxxxxxxxxxxxxxxxx; done").ending is Ending.TOO_MUCH_OUTPUT


def test_endless_errors_keep_the_end() -> None:
    text = f"{sys.executable} -c \"import sys; sys.stderr.write('x' * 3_000_000 + 'the end')\""
    finished = script(text)
    assert finished.stderr.endswith("the end")
    assert len(finished.stderr) <= 1024 * 1024


def test_a_child_that_outlives_its_parent_is_killed() -> None:
    finished = script("sleep 600 >/dev/null 2>&1 & echo $!")
    assert finished.code == 0
    assert gone(int(finished.stdout))


def test_a_missing_program_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HelmError) as caught:
        Helm(tmp_path / "absent", tmp_path).version()
    assert caught.value.reason is HelmReason.MISSING


def test_values_that_are_no_json(tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    chart.mkdir()
    for values in ({"a": object()}, {"a": 2**70}, {1: "a"}):
        with pytest.raises(HelmError) as caught:
            Helm(Path(SHELL), tmp_path).template(ReleaseSpec("a", "b", chart, values=values))  # type: ignore[arg-type]
        assert caught.value.reason is HelmReason.INVALID_VALUES
