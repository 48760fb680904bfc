"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kubecarrier.settings.test")


@pytest.fixture(autouse=True)
def _own_home(settings, tmp_path_factory: pytest.TempPathFactory) -> None:  # type: ignore[no-untyped-def]
    """Work files of a test go to a folder of their own."""
    settings.KUBECARRIER_HOME = tmp_path_factory.mktemp("home")
