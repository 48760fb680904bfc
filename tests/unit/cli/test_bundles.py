"""A dataclass as a parameter is an option per field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from kubecarrier.cli.bundles import spread


@dataclass(frozen=True, slots=True)
class Both:
    """Two options."""

    left: Annotated[str, typer.Option("--left", "-l")] = "a"
    right: Annotated[int, typer.Option(min=0)] = 1


def made() -> typer.Typer:
    app = typer.Typer()

    @app.command("all")
    @spread()
    def _all(name: str, *, both: Both) -> None:
        typer.echo(f"{name} {both}")

    @app.command("one")
    @spread(without=["left"])
    def _one(*, both: Both = Both(left="kept", right=7)) -> None:
        typer.echo(str(both))

    return app


def test_options_become_the_fields_and_absent_ones_the_defaults() -> None:
    run = CliRunner().invoke
    assert run(made(), ["all", "x"]).stdout == "x Both(left='a', right=1)\n"
    assert (
        run(made(), ["all", "x", "-l", "b", "--right", "2"]).stdout == "x Both(left='b', right=2)\n"
    )
    assert run(made(), ["one"]).stdout == "Both(left='kept', right=7)\n"
    assert run(made(), ["all", "x", "--right", "-1"]).exit_code == 2
    assert run(made(), ["one", "--left", "b"]).exit_code == 2
