"""A file's name says what is in it, and its first line why it exists."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_PACKAGES = ("accounts", "apps", "bench", "fleet", "kubecarrier", "monitoring", "tools")
_FORBIDDEN = {"base", "common", "helpers", "managers", "misc", "mixins", "signals", "utils"}
_ALLOWED = {"kubecarrier/settings/base.py"}  # what the other settings build on
# Edges have one place each.
_ONLY_IN_API = {"routers", "serializers", "views", "viewsets"}


def _modules() -> Iterator[tuple[str, Path]]:
    for package in _PACKAGES:
        for file in sorted((_CHECKOUT / package).rglob("*.py")):
            if "migrations" not in file.parts:
                yield file.relative_to(_CHECKOUT).as_posix(), file


_MODULES = dict(_modules())


def test_no_file_is_a_drawer_for_everything() -> None:
    found = {name for name, file in _MODULES.items() if file.stem in _FORBIDDEN}
    assert found - _ALLOWED == set()


def test_rest_lives_in_api_packages() -> None:
    found = [name for name, file in _MODULES.items() if file.stem in _ONLY_IN_API]
    assert [name for name in found if "/api/" not in name] == []


@pytest.mark.parametrize("name", [name for name, file in _MODULES.items() if file.stat().st_size])
def test_a_module_says_why_it_exists(name: str) -> None:
    assert ast.get_docstring(ast.parse(_MODULES[name].read_text())), name
