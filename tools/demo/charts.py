"""The charts of charts/demo as archives."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Final

from tools.demo.state import CHECKOUT

FOLDER: Final = CHECKOUT / "charts" / "demo"


def archives() -> list[bytes]:
    """One archive per chart."""
    return [package(chart) for chart in sorted(FOLDER.iterdir()) if chart.is_dir()]


def package(chart: Path) -> bytes:
    """A gzipped tar file whose bytes depend on the chart's files only.

    A repository refuses another archive for a version it has, so times and owners stay out.
    """
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file in sorted(path for path in chart.rglob("*") if path.is_file()):
            content = file.read_bytes()
            member = tarfile.TarInfo(f"{chart.name}/{file.relative_to(chart).as_posix()}")
            member.size = len(content)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
