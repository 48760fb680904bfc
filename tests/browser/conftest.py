"""The browser tests need Chromium and real control planes; without, they say why they are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import chromium
from tests.controlplane.conftest import _binaries, cluster_one, clusters, controlplane_dir, etcd
from tests.controlplane.test_up_life import client_of, portal

__all__ = [
    "_binaries",
    "client_of",
    "cluster_one",
    "clusters",
    "controlplane_dir",
    "etcd",
    "portal",
]

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked, so that nobody has to say so."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.controlplane)


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of a fresh browser, wide as a desk's."""
    if not chromium.EXECUTABLE.exists():
        pytest.skip(f"no Chromium at {chromium.EXECUTABLE}")
    with chromium.browser() as running:
        context = running.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(20_000)
        yield context.new_page()
        context.close()
