"""operation: what was asked for and takes time."""

from __future__ import annotations

from typing import Annotated

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.actions import Manner, tell
from kubecarrier.cli.commands import reading
from kubecarrier.cli.options import Output
from kubecarrier.cli.output import Format, echo, result_line
from kubecarrier.cli.session import connect


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, "operations")
    reading.register_describe(app, "operations")
    app.command()(wait)


def wait(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(autocompletion=complete.names_of("operations"))],
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    output: Output = Format.TABLE,
) -> None:
    """Wait until an operation finished; exit code 1 if it failed."""
    from kubecarrier.cli import waiting

    manner = Manner(output, timeout=timeout)
    document = waiting.operation(connect(ctx), name, manner.seconds)
    if output.is_table:
        echo(result_line("operation", name, "succeeded"))
    tell(document, "operation", name, manner)
