"""release: an application on one cluster, as Helm sees it."""

from __future__ import annotations

from typing import Annotated

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.commands import reading
from kubecarrier.cli.options import Output, ReleaseName, Selector
from kubecarrier.cli.output import Format, echo, list_of, note, write_data
from kubecarrier.cli.session import connect
from kubecarrier.cli.tables import cell, table


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_)
    reading.register_describe(app, "releases")
    app.command()(history)


def list_(
    ctx: typer.Context,
    *,
    application: Annotated[
        str, typer.Option("--app", autocompletion=complete.names_of("applications"))
    ] = "",
    cluster: options.OnCluster = "",
    selector: Selector = "",
    search: options.Search = "",
    limit: options.Limit = 0,
    watch: options.Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """List releases: what runs where, in which version."""
    reading.show(
        ctx,
        "releases",
        output,
        selector=selector,
        search=search,
        limit=limit,
        watch=watch,
        filters={"application": application, "cluster": cluster},
    )


def history(ctx: typer.Context, name: ReleaseName, output: Output = Format.TABLE) -> None:
    """Print Helm's own revisions of a release."""
    from kubecarrier.cli.api import items_of, path_of

    items = items_of(connect(ctx).get(path_of("releases", name, "history")))
    if output in (Format.JSON, Format.YAML):
        write_data(list_of(items), output)
    elif not items:
        note("No resources found.")
    else:
        # The columns of `helm history`; what the server does not send is <none>.
        keys = ("revision", "updated", "status", "chart", "appVersion", "description")
        rows = [
            [cell(item.get(k), "date" if k == "updated" else "string") for k in keys]
            for item in items
        ]
        echo(table(("Revision", "Age", "Status", "Chart", "App version", "Description"), rows))
