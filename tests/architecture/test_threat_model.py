"""The threat model names tests; each is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_PAGE = (_CHECKOUT / "docs" / "security.md").read_text()
_TEST = re.compile(r"`((?:[\w/]+\.py)?(?:::\w+)+)`")
_ROW = re.compile(r"^\|(.*)\|$", re.MULTILINE)


def _named() -> Iterator[tuple[str, str]]:
    """File and name of each test; a name alone is in the file named before it."""
    file = ""
    for found in _TEST.findall(_PAGE):
        path, _, name = found.partition("::")
        file = path or file
        yield file, name


_NAMED = sorted(set(_named()))


def test_the_page_names_tests() -> None:
    assert len(_NAMED) > 80


@pytest.mark.parametrize(("file", "name"), _NAMED, ids=[f"{f}::{n}" for f, n in _NAMED])
def test_each_is_there(file: str, name: str) -> None:
    path = _CHECKOUT / "tests" / file
    assert path.is_file(), file
    text = path.read_text()
    *classes, function = name.split("::")
    assert re.search(rf"^\s*(?:async )?def {function}\(", text, re.MULTILINE), name
    for one in classes:
        assert re.search(rf"^class {one}\b", text, re.MULTILINE), one


def test_each_control_has_a_test() -> None:
    """Boundary, threat, control, tests: a row without a test says why in so many words."""
    rows = [[cell.strip() for cell in row.split(" | ")] for row in _ROW.findall(_PAGE)]
    threats = [row for row in rows if len(row) == 4 and row[0] not in {"boundary", "---"}]
    assert len(threats) > 30
    assert [row[1] for row in threats if not _TEST.search(row[3])] == []
