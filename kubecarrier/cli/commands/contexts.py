"""context list, use, delete: the portals in the contexts file."""

from __future__ import annotations

from typing import Annotated

import typer

from kubecarrier.cli import config
from kubecarrier.cli.options import Output
from kubecarrier.cli.output import Format, echo, note, write_data
from kubecarrier.cli.tables import table


def _complete(incomplete: str) -> list[str]:
    return [name for name in config.load().contexts if name.startswith(incomplete)]


Name = Annotated[str, typer.Argument(autocompletion=_complete)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_)
    app.command()(use)
    app.command()(delete)


def list_(output: Output = Format.TABLE) -> None:
    """List the portals; * is the current one. Tokens are never printed."""
    stored = config.load()
    rows = [
        ("*" if c.name == stored.current else "", c.name, c.url, c.username or "<none>")
        for c in stored.contexts.values()
    ]
    if output is Format.NAME:
        echo("\n".join(stored.contexts))
    elif not output.is_table:
        keys = ("current", "name", "url", "username")
        write_data([dict(zip(keys, row, strict=True)) for row in rows], output)
    elif rows:
        echo(table(("Current", "Name", "URL", "User"), rows))
    else:
        note("No contexts. Make one with `kubecarrier login URL`.")


def use(name: Name) -> None:
    """Make a context the current one."""
    stored = config.load()
    config.save(stored.with_context(stored.get(name)))
    echo(f"Switched to context “{name}”.")


def delete(name: Name) -> None:
    """Forget a context and its token. The token stays valid on the server: log out first."""
    stored = config.load()
    stored.get(name)
    config.save(stored.without(name))
    echo(f"Deleted context “{name}”.")
