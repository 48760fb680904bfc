"""The layers hold, and the contracts name every module they should."""

from __future__ import annotations

import configparser
import pkgutil
import subprocess
import sys
from pathlib import Path

import kubecarrier

_CHECKOUT = Path(__file__).parents[2]


def test_the_layers_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [program, "--no-cache"], cwd=_CHECKOUT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-3000:]


def test_bottom_and_command_line_are_closed_to_every_other_part() -> None:
    contracts = configparser.ConfigParser(comment_prefixes="#")
    contracts.read(_CHECKOUT / ".importlinter")
    parts = {f"kubecarrier.{part.name}" for part in pkgutil.iter_modules(kubecarrier.__path__)}
    for contract, source in (("lib", "kubecarrier.lib"), ("cli", "kubecarrier.cli")):
        forbidden = contracts[f"importlinter:contract:{contract}"]["forbidden_modules"].split()
        assert parts - set(forbidden) == {source}, contract
