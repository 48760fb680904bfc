"""A portal, an empty home, and a runner of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kubecarrier.cli import listing, waiting
from kubecarrier.cli.app import app
from tests.unit.cli.portal import TOKEN, Portal, running

Run = Callable[..., Result]


@pytest.fixture
def portal() -> Iterator[Portal]:
    with running() as found:
        yield found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No contexts, no kubeconfig, nothing from the developer's own environment."""
    for name in ("KUBECARRIER_URL", "KUBECARRIER_TOKEN", "KUBECONFIG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def run(portal: Portal, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command against the portal, logged in."""
    monkeypatch.setenv("KUBECARRIER_URL", portal.url)
    monkeypatch.setenv("KUBECARRIER_TOKEN", TOKEN)
    monkeypatch.setattr(waiting, "FIRST_POLL_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "LONGEST_POLL_SECONDS", 0.02)
    monkeypatch.setattr(listing, "_FIRST_PAUSE", 0.01)

    def call(*args: str, input: str | None = None) -> Result:  # noqa: A002
        return CliRunner().invoke(app, list(args), input=input)

    return call
