"""The benchmarks' arithmetic and forms, and that each of them is registered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import machine
from bench.__main__ import main
from bench.frame import Found, Report, median, per_thousand, percentile, ratio
from bench.planes import is_write, record_written
from bench.registry import benches

ROOT = Path(__file__).parents[3]
RECORD = {
    "verb": "update",
    "user": {"username": "admin"},
    "objectRef": {"namespace": "shop", "name": "sh.helm.release.v1.web.v1"},
    "responseStatus": {"code": 200},
    "stageTimestamp": "2026-11-23T10:00:00.500000Z",
}


def test_ratio_pairs_the_rounds() -> None:
    assert ratio([2.0, 30.0, 4.0], [1.0, 10.0, 4.0]) == 2.0
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0, 1)])
def test_percentile_is_a_measured_value(percent: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == expected


def test_small_sums() -> None:
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert per_thousand(0.5, 200) == 2.5


def test_json_has_exactly_these_keys() -> None:
    found = Found({"raw": 1.23456}, {"seconds": 2.0})
    line = Report("x", 7, found, {"helm": "4"}).json()
    assert "\n" not in line
    assert json.loads(line) == {
        "bench": "x",
        "scale": 7,
        "ratios": {"raw": 1.2346},
        "figures": {"seconds": 2.0},
        "versions": {"helm": "4"},
    }


def test_table_is_for_people() -> None:
    text = Report("x", 7, Found({"raw": 1.2}, {"seconds": 2.0}), {"helm": "4"}).table()
    assert text.splitlines()[0] == "x"
    assert "ratio raw  1.20" in text


def test_every_benchmark_is_registered_under_its_name() -> None:
    found = benches()
    assert {"deploy", "idle", "queue", "start"} <= set(found)
    assert all(bench.name == name and bench.scale > 0 for name, bench in found.items())


def test_listing_and_a_wrong_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "idle" in capsys.readouterr().out
    assert main(["nothing"]) == 2
    assert "no benchmark nothing" in capsys.readouterr().err


def test_what_the_audit_log_shows() -> None:
    found = record_written(RECORD)
    assert found is not None
    assert found[:2] == ("shop", "sh.helm.release.v1.web.v1")
    assert found[2] % 1 == 0.5
    assert record_written({**RECORD, "verb": "create"}) is None
    assert record_written({**RECORD, "responseStatus": {"code": 409}}) is None
    assert is_write(RECORD)
    assert not is_write({**RECORD, "user": {"username": "kwok"}})
    assert not is_write({**RECORD, "verb": "list"})


def test_cpu_of_a_tree_counts_children_that_ended() -> None:
    spin = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}]); print(1); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert machine.cpu_seconds([child.pid]) >= 0.2
        assert machine.cpu_seconds([os.getpid()]) > machine.cpu_seconds([child.pid])
        child.kill()


@pytest.mark.slow
def test_idle_from_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "idle", "--scale", "20", "--rounds", "1", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["bench"] == "idle"
    assert found["figures"]["helm_processes"] == 0
    assert found["figures"]["cluster_writes"] == 0
    assert found["figures"]["still_due"] == 0
