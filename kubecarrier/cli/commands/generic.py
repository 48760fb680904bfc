"""get, describe, explain, delete: any kind, as the server describes it."""

from __future__ import annotations

from typing import Annotated

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.options import Output, Selector, Yes, pairs
from kubecarrier.cli.output import Format, echo
from kubecarrier.cli.session import connect

KindWord = Annotated[str, typer.Argument(help="KIND or KIND/NAME.", autocompletion=complete.kinds)]
Names = Annotated[list[str] | None, typer.Argument(autocompletion=complete.names_of_kind)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(get)
    app.command()(describe)
    app.command()(explain)
    app.command()(delete)


def _split(kind: str, names: list[str] | None) -> tuple[str, list[str]]:
    """`application/web` means kind and name at once."""
    word, slash, name = kind.partition("/")
    if slash and names:
        raise usage_error("Write either KIND/NAME or KIND NAME...")
    return word, [name] if slash else list(names or [])


def get(
    ctx: typer.Context,
    *,
    kind: KindWord,
    names: Names = None,
    output: Output = Format.TABLE,
    selector: Selector = "",
    watch: options.Watch = False,
    search: options.Search = "",
    cluster: options.OnCluster = "",
    project: options.Project = "",
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", metavar="<field=value>", help="A filter of the kind, such as ready=False."
        ),
    ] = None,
    limit: options.Limit = 0,
) -> None:
    """Print objects of a kind, or single ones by name."""
    from kubecarrier.cli import listing
    from kubecarrier.cli.kinds import Kinds

    word, wanted = _split(kind, names)
    if wanted and (selector or search or filters or cluster or project):
        raise usage_error("Names and filters exclude each other.")
    chosen = pairs(filters, "--filter") | {"cluster": cluster, "project": project}
    query = listing.Query(tuple(wanted), selector, search, limit, chosen)
    api = connect(ctx)
    listing.get(api, Kinds.fetch(api).find(word), query, output, watch=watch)


def describe(
    ctx: typer.Context, kind: KindWord, names: Names = None, selector: Selector = ""
) -> None:
    """Print everything about objects, for people."""
    from kubecarrier.cli import listing
    from kubecarrier.cli.describing import described
    from kubecarrier.cli.kinds import Kinds

    word, wanted = _split(kind, names)
    api = connect(ctx)
    query = listing.Query(tuple(wanted), selector)
    documents = listing.fetch(api, Kinds.fetch(api).find(word), query)
    echo("\n\n\n".join(described(document) for document in documents))


def explain(
    ctx: typer.Context,
    *,
    path: Annotated[
        str, typer.Argument(metavar="KIND[.FIELD.PATH]", autocompletion=complete.kinds)
    ],
) -> None:
    """Print what the fields of a kind mean."""
    from kubecarrier.cli.explaining import explained
    from kubecarrier.cli.kinds import Kinds

    word, _, field = path.partition(".")
    echo(explained(Kinds.fetch(connect(ctx)).find(word), field))


def delete(
    ctx: typer.Context,
    *,
    kind: Annotated[str, typer.Argument(autocompletion=complete.kinds)] = "",
    names: Names = None,
    filename: options.Files = None,
    selector: Selector = "",
    ignore_not_found: Annotated[bool, typer.Option("--ignore-not-found")] = False,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    yes: Yes = False,
    output: Output = Format.TABLE,
) -> None:
    """Delete objects by name, by selector (asks first) or as listed in files."""
    from kubecarrier.cli import deleting
    from kubecarrier.cli.actions import Manner
    from kubecarrier.cli.kinds import Kinds

    if bool(filename) == bool(kind):
        raise usage_error(
            "Name what to delete: KIND NAME..., KIND/NAME, KIND -l SELECTOR or -f FILE."
        )
    api = connect(ctx)
    kinds = Kinds.fetch(api)
    manner = Manner(output, dry_run, wait, timeout)
    if filename:
        chosen = deleting.of_files(kinds, filename)
    else:
        word, wanted = _split(kind, names)
        chosen = deleting.of_words(api, kinds.find(word), wanted, selector, yes=yes or dry_run)
    for found, name in chosen:
        try:
            deleting.delete(api, found, name, {}, manner)
        except CliError as error:
            if not (ignore_not_found and error.exit_code == ExitCode.NOT_FOUND):
                raise
