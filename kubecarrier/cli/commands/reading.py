"""list, get and describe of one kind: the same three commands in every group.

Without `from __future__ import annotations`: the annotations are built per kind.
"""

from typing import Annotated

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.options import Output, Selector, pairs
from kubecarrier.cli.output import Format, echo
from kubecarrier.cli.session import connect

_WORDS = {"apitokens": "API tokens", "configitems": "config items"}


def words(plural: str) -> str:
    """What people call a kind: only that of several words differs from its plural."""
    return _WORDS.get(plural, plural)


def show(
    ctx: typer.Context,
    plural: str,
    form: Format,
    *,
    names: list[str] | None = None,
    selector: str = "",
    search: str = "",
    limit: int = 0,
    watch: bool = False,
    filters: dict[str, str] | None = None,
) -> None:
    """Print documents of a kind whose name is known."""
    from kubecarrier.cli import listing
    from kubecarrier.cli.kinds import Kinds

    api = connect(ctx)
    wanted = {key: value for key, value in (filters or {}).items() if value}
    query = listing.Query(tuple(names or ()), selector, search, limit, wanted)
    listing.get(api, Kinds.fetch(api).find(plural), query, form, watch=watch)


def describe(ctx: typer.Context, plural: str, names: list[str]) -> None:
    """Print everything about documents, for people."""
    from kubecarrier.cli.api import path_of
    from kubecarrier.cli.describing import described

    api = connect(ctx)
    documents = [api.get(path_of(plural, name)) for name in names]
    echo("\n\n\n".join(described(document) for document in documents))


def register_list(app: typer.Typer, plural: str, *, in_project: bool = False) -> None:
    """Add `list`; `in_project` for a kind that belongs to projects."""
    project_option = typer.Option(
        "--project",
        "-p",
        help="Only of this project.",
        hidden=not in_project,
        autocompletion=complete.names_of("projects"),
    )

    def list_(
        ctx: typer.Context,
        *,
        output: Output = Format.TABLE,
        selector: Selector = "",
        search: options.Search = "",
        filters: Annotated[
            list[str] | None,
            typer.Option(
                "--filter",
                metavar="<field=value>",
                help="A filter of the kind, such as ready=False.",
            ),
        ] = None,
        limit: options.Limit = 0,
        watch: options.Watch = False,
        project: Annotated[str, project_option] = "",
    ) -> None:
        show(
            ctx,
            plural,
            output,
            selector=selector,
            search=search,
            limit=limit,
            watch=watch,
            filters=pairs(filters, "--filter") | {"project": project},
        )

    app.command("list", help=f"List {words(plural)}.")(list_)


def register_get(app: typer.Typer, plural: str) -> None:
    """Add `get`."""

    def get(
        ctx: typer.Context,
        *,
        names: Annotated[list[str], typer.Argument(autocompletion=complete.names_of(plural))],
        output: Output = Format.TABLE,
        watch: options.Watch = False,
    ) -> None:
        show(ctx, plural, output, names=names, watch=watch)

    app.command("get", help=f"Print {words(plural)} by name.")(get)


def register_describe(app: typer.Typer, plural: str) -> None:
    """Add `describe`."""

    def describe_(
        ctx: typer.Context,
        *,
        names: Annotated[list[str], typer.Argument(autocompletion=complete.names_of(plural))],
    ) -> None:
        describe(ctx, plural, names)

    app.command("describe", help=f"Print everything about {words(plural)}, for people.")(describe_)
