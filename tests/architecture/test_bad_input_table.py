"""docs/bad-input.md names tests that exist: the function is there, and so is the row of its table."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

_TESTS: Final = Path(__file__).parents[1]
_TABLE: Final = _TESTS.parent / "docs" / "bad-input.md"
_REFERENCE: Final = re.compile(
    r"`((?:unit|db|controlplane)/[\w/]+\.py(?:::\w+)*)`((?: `\[.+?\]`)*)"
)


def references() -> list[tuple[str, str]]:
    """(test, id or "") of every row."""
    found = []
    for test, ids in _REFERENCE.findall(_TABLE.read_text()):
        found += [(test, one) for one in re.findall(r"`\[(.+?)\]`", ids)] or [(test, "")]
    return found


@cache
def names(file: Path) -> frozenset[str]:
    """`function` and `Class::function` of a test file."""
    tree = ast.parse(file.read_text())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body
                      if isinstance(inner, ast.FunctionDef)}  # fmt: skip
    return frozenset(found)


@cache
def texts(file: Path) -> frozenset[str]:
    """Every text constant of a file, and the code in enums' names: what rows are called."""
    tree = ast.parse(file.read_text())
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if isinstance(value, str))


def test_the_table_is_read() -> None:
    rows = [line for line in _TABLE.read_text().splitlines() if line.startswith("| ")]
    shown = [line for line in rows if not line.startswith("| input")]
    assert len(shown) > 50
    assert all(_REFERENCE.search(line) for line in shown), "every line names a test"


@pytest.mark.parametrize(("test", "row"), references())
def test_it_exists(test: str, row: str) -> None:
    path, _, name = test.partition("::")
    file = _TESTS / path
    assert file.exists()
    assert not name or name in names(file)
    assert not row or row in texts(file), f"no row {row}"
