"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import pytest
import typer.main
import typer.testing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kubecarrier.settings.test")


@pytest.fixture(autouse=True)
def _own_home(settings, tmp_path_factory: pytest.TempPathFactory) -> None:  # type: ignore[no-untyped-def]
    """Work files of a test go to a folder of their own."""
    settings.KUBECARRIER_HOME = tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session", autouse=True)
def _emptying_opens_the_audit() -> Iterator[None]:
    """A test that committed empties all tables behind it; the audit's guard would refuse."""
    from django.db import connection
    from django.test import TransactionTestCase

    from accounts.trail import guard

    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def opened(case: TransactionTestCase) -> None:
        with guard.opened(connection):
            empty(case)

    TransactionTestCase._fixture_teardown = opened  # type: ignore[attr-defined]
    yield
    TransactionTestCase._fixture_teardown = empty  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def _commands_are_made_once() -> Iterator[None]:
    """typer makes all our commands anew at each `invoke`, which takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.main.get_command))
        yield
