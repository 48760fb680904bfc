"""How large the files are: a report; a large one is a reason to look, not an error."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_PACKAGES = ("accounts", "apps", "fleet", "kubecarrier", "monitoring", "tools")
_LOOK = 400


def test_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {
        file.relative_to(_CHECKOUT).as_posix(): len(file.read_text().splitlines())
        for package in _PACKAGES
        for file in (_CHECKOUT / package).rglob("*.py")
        if "migrations" not in file.parts
    }
    lines = sorted(size for size in sizes.values() if size)
    large = sorted((size, name) for name, size in sizes.items() if size > _LOOK)
    median, tenth = statistics.median(lines), statistics.quantiles(lines, n=10)[-1]
    report = [f"files: {len(lines)}, median {median:.0f} lines, 90 % below {tenth:.0f}"]
    report += [f"  {size} {name}" for size, name in reversed(large)]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(report) + "\n")
