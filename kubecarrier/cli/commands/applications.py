"""app: reading applications, and waiting for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kubecarrier.cli import options
from kubecarrier.cli.answers import Document
from kubecarrier.cli.commands import reading
from kubecarrier.cli.errors import CliError, ExitCode
from kubecarrier.cli.options import ApplicationName, OnCluster, Output
from kubecarrier.cli.output import Format, echo, list_of, note, result_line, use_colour, write_data
from kubecarrier.cli.session import connect
from kubecarrier.cli.tables import cell, table


class Goal(StrEnum):
    """What to wait for."""

    READY = "ready"
    DELETED = "deleted"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, "applications", in_project=True)
    reading.register_get(app, "applications")
    for command in (describe, history, values, wait):
        app.command()(command)


def describe(ctx: typer.Context, name: ApplicationName) -> None:
    """Print everything about an application, with its releases."""
    from kubecarrier.cli import listing
    from kubecarrier.cli.kinds import Kinds

    reading.describe(ctx, "applications", [name])
    echo("Releases:")
    api = connect(ctx)
    query = listing.Query(filters={"application": name})
    listing.get(api, Kinds.fetch(api).find("releases"), query, Format.TABLE)


def history(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    revision: Annotated[int, typer.Option(min=0, help="Print what this revision changed.")] = 0,
    output: Output = Format.TABLE,
) -> None:
    """Print the saved revisions of an application."""
    items = revisions(ctx, name)
    if revision:
        _one(items, revision, output)
    elif not output.is_table:
        write_data(list_of(items), output)
    elif items:
        keys = ("number", "author", "createdAt", "reason")
        rows = [
            [cell(i.get(k), "date" if k == "createdAt" else "string") for k in keys] for i in items
        ]
        echo(table(("Revision", "Author", "Age", "Reason"), rows))
    else:
        note("No resources found.")


def revisions(ctx: typer.Context, name: str) -> list[Document]:
    """The revisions, newest first."""
    from kubecarrier.cli.api import items_of, path_of

    items = items_of(connect(ctx).get(path_of("applications", name, "revisions")))
    return sorted(items, key=lambda item: -int(item.get("number") or 0))


def _one(items: list[Document], number: int, form: Format) -> None:
    import sys

    from kubecarrier.cli.diffs import coloured

    found = next((item for item in items if item.get("number") == number), None)
    if found is None:
        message = f"There is no revision {number}."
        raise CliError(message, code="not_found", exit_code=ExitCode.NOT_FOUND)
    if not form.is_table:
        write_data(found, form)
        return
    sys.stdout.write(coloured(str(found.get("diff") or ""), use_colour()) + "\n")


def values(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    cluster: OnCluster = "",
    origins: Annotated[
        bool, typer.Option("--origins", help="Where each value comes from.")
    ] = False,
    output: Annotated[Format, typer.Option("--output", "-o")] = Format.YAML,
) -> None:
    """Print the effective values, or the layer that each one comes from."""
    from kubecarrier.cli.api import path_of

    params = {"cluster": cluster} if cluster else {}
    found = connect(ctx).get(path_of("applications", name, "values"), params)
    form = Format.YAML if output.is_table else output
    layers = found.get("origins") or {}
    if origins and form is not Format.JSON:
        rows = [(str(path), str(layer)) for path, layer in layers.items()]
        echo(table(("Path", "Layer"), rows))
    elif isinstance(found.get("values"), str) and form is Format.YAML:
        echo(str(found["values"]).rstrip("\n"))
    else:
        write_data(layers if origins else found.get("values"), form)


def wait(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    goal: Annotated[Goal, typer.Option("--for")] = Goal.READY,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
) -> None:
    """Wait until an application is ready on all its clusters, or gone."""
    from kubecarrier.cli import waiting

    api, limit = connect(ctx), options.seconds(timeout)
    if goal is Goal.READY:
        waiting.ready(api, "applications", "application", name, limit)
        echo(result_line("application", name, "is ready"))
    else:
        waiting.gone(api, "applications", "application", name, limit)
        echo(result_line("application", name, "is gone"))
