"""search, resource-types, resource explain: what is where, and what its fields mean."""

from __future__ import annotations

from typing import Annotated

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.commands.reading import show
from kubecarrier.cli.options import Output, Selector
from kubecarrier.cli.output import Format, echo
from kubecarrier.cli.session import connect

_SHOWN = 100


def register(app: typer.Typer) -> None:
    """Add the commands of the root."""
    app.command()(search)
    app.command("resource-types")(resource_types)


def register_explain(app: typer.Typer) -> None:
    """Add `explain` to the group `resource`."""
    app.command()(explain)


def search(
    ctx: typer.Context,
    *,
    words: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help="Words that must all be there.")
    ],
    output: Output = Format.TABLE,
    kind: Annotated[
        str, typer.Option("--kind", help="Only of this kind, such as deploy or certificates.")
    ] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only there.")] = "",
    health: Annotated[str, typer.Option("--health", help="Such as Degraded.")] = "",
    cluster: options.OnCluster = "",
    selector: Selector = "",
    limit: options.Limit = _SHOWN,
    watch: options.Watch = False,
) -> None:
    """Find objects in all clusters by words of their kind, namespace, name or labels."""
    wanted = {"kind": kind, "namespace": namespace, "health": health, "cluster": cluster}
    show(
        ctx,
        "inventory",
        output,
        selector=selector,
        search=" ".join(words),
        limit=limit,
        watch=watch,
        filters=wanted,
    )


def resource_types(
    ctx: typer.Context,
    *,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="A part of the name.")] = "",
    output: Output = Format.TABLE,
    cluster: options.OnCluster = "",
    group: Annotated[str, typer.Option("--group", help="Only of this API group.")] = "",
    custom: Annotated[bool, typer.Option("--custom", help="Only kinds that CRDs define.")] = False,
    limit: options.Limit = 0,
) -> None:
    """Print the kinds that clusters serve, with their versions; -o yaml says which cluster."""
    wanted = {"cluster": cluster, "group": group, "custom": "True" if custom else ""}
    show(ctx, "resourcetypes", output, search=text, limit=limit, filters=wanted)


def explain(
    ctx: typer.Context,
    *,
    of: Annotated[
        str,
        typer.Argument(
            metavar="RESOURCE[.FIELD.PATH]", autocompletion=complete.names_of("resourcetypes")
        ),
    ],
    cluster: options.OnCluster = "",
    version: Annotated[
        str, typer.Option("--version", help="Of the kind; else the preferred one.")
    ] = "",
    recursive: Annotated[
        bool, typer.Option("--recursive", "-R", help="Names and types of all fields below.")
    ] = False,
) -> None:
    """Print what the fields of a cluster's kind mean, such as certificates.cert-manager.io.spec."""
    from kubecarrier.cli.field_tree import described, listed

    given = {"of": of, "cluster": cluster, "version": version, "depth": "12" if recursive else "1"}
    found = connect(ctx).get(
        "resourcetypes/explain", {key: value for key, value in given.items() if value}
    )
    echo("\n".join(listed(found) if recursive else described(found)))
