"""The demo's charts are real charts: our own reader takes them, their values fit their schema."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps import archive
from apps.values import parse_values
from apps.values_schema import validate
from tools.demo import charts

_CHARTS = sorted(charts.FOLDER.iterdir())


@pytest.mark.parametrize("folder", _CHARTS, ids=lambda folder: folder.name)
def test_the_reader_takes_it(folder: Path) -> None:
    found = archive.read(charts.package(folder))
    assert found.name == folder.name
    assert found.readme.startswith(f"# {folder.name}\n")
    assert found.schema
    assert validate(parse_values(found.values_text), found.schema) == []


@pytest.mark.parametrize("folder", _CHARTS, ids=lambda folder: folder.name)
def test_the_schema_refuses_what_the_chart_does_not_know(folder: Path) -> None:
    found = archive.read(charts.package(folder))
    values = {**parse_values(found.values_text), "replicas": 3}
    assert validate(values, found.schema or {}) != []


def test_the_bytes_depend_on_the_files_alone(tmp_path: Path) -> None:
    chart = tmp_path / "one"
    chart.mkdir()
    file = chart / "Chart.yaml"
    file.write_text("name: one\n")
    first = charts.package(chart)
    os.utime(file, (1, 1))
    file.chmod(0o600)
    assert charts.package(chart) == first
