"""Tables of the documentation whose rows name tests: what they name, and what is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
DOCS: Final = TESTS.parent / "docs"
REFERENCE: Final = re.compile(
    r"`((?:unit|db|controlplane|browser|architecture)/[\w/]+\.py(?:::\w+)*)`((?: `\[.+?\]`)*)"
)


def rows(page: str) -> list[tuple[str, str]]:
    """First cell and the rest of every row, without heads."""
    return _rows((DOCS / page).read_text())


def section_rows(page: str, title: str) -> list[tuple[str, str]]:
    """Those of one section, where the page has other tables."""
    _, found, rest = (DOCS / page).read_text().partition(f"\n## {title}\n")
    assert found, f"{page} has no section “{title}”"
    return _rows(rest.partition("\n## ")[0])


def _rows(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [line.strip("| ").split(" | ", 1) for line in lines]
    return [(first, rest) for first, rest in cells if rest != "shown by"]


def references(page: str) -> list[tuple[str, str]]:
    """(test, id or "") of every row."""
    found: list[tuple[str, str]] = []
    for test, ids in REFERENCE.findall((DOCS / page).read_text()):
        found += [(test, one) for one in re.findall(r"`\[(.+?)\]`", ids)] or [(test, "")]
    return found


def missing(test: str, row: str) -> str:
    """What of a reference is not there; "" when all of it is."""
    path, _, name = test.partition("::")
    file = TESTS / path
    if not file.exists():
        return path
    if name and name not in _names(file):
        return test
    return f"{test}[{row}]" if row and row not in _texts(file) else ""


@cache
def _names(file: Path) -> frozenset[str]:
    """`function` and `Class::function` of a test file."""
    tree = ast.parse(file.read_text())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body
                      if isinstance(inner, ast.FunctionDef)}  # fmt: skip
    return frozenset(found)


@cache
def _texts(file: Path) -> frozenset[str]:
    """Every text constant of a file, and the code in enums' names: what rows are called."""
    tree = ast.parse(file.read_text())
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if isinstance(value, str))
