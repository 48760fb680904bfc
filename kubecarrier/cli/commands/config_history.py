"""config: diff, history, rollback, reveal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kubecarrier.cli.actions import WAITING, Manner, Subject, act_on
from kubecarrier.cli.answers import Document
from kubecarrier.cli.bundles import spread
from kubecarrier.cli.commands.configs import Name
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.options import OnCluster, Output
from kubecarrier.cli.output import Format, echo, list_of, use_colour, write_data
from kubecarrier.cli.session import connect
from kubecarrier.cli.tables import cell, table


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (diff, history, rollback, reveal):
        app.command()(command)


def diff(
    ctx: typer.Context,
    *,
    name: Name,
    filename: Annotated[
        str, typer.Option("--filename", "-f", help="What saving this document would change.")
    ] = "",
    revision: Annotated[
        list[int] | None,
        typer.Option(
            metavar="<number>",
            help="What this revision changed; given twice: from one to the other.",
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Print what would change in the clusters, grouped by equal differences.

    Exit code 1 means that there is a difference; an error that is 1 elsewhere is 2 here.
    """
    if revision:
        _revision_diff(ctx, name, revision, output)
        return
    try:
        differs = _preview(ctx, name, filename, output)
    except CliError as error:
        if error.exit_code is ExitCode.ERROR:
            error.exit_code = ExitCode.USAGE
        raise
    if differs:
        raise typer.Exit(ExitCode.ERROR)


def _preview(ctx: typer.Context, name: str, filename: str, form: Format) -> bool:
    from kubecarrier.cli import configuring, diffs

    return diffs.show(configuring.preview(connect(ctx), name, filename), form)


def _revision_diff(ctx: typer.Context, name: str, numbers: list[int], form: Format) -> None:
    from kubecarrier.cli.api import path_of
    from kubecarrier.cli.diffs import coloured

    if len(numbers) > 2:
        raise usage_error("--revision may be given twice at most.")
    params: dict[str, str | int] = {"to": numbers[-1]}
    if len(numbers) == 2:
        params["from"] = numbers[0]
    found = connect(ctx).get(path_of("configitems", name, "diff"), params)
    if form.is_table:
        text = coloured(str(found.get("diff") or ""), use_colour())
        sys.stdout.write(text + "\n" if text else "")
    else:
        write_data(found, form)


def history(
    ctx: typer.Context,
    *,
    name: Name,
    revision: Annotated[int, typer.Option(min=0, help="Print what this revision changed.")] = 0,
    output: Output = Format.TABLE,
) -> None:
    """Print the saved revisions of a config item."""
    if revision:
        _revision_diff(ctx, name, [revision], output)
        return
    items = _revisions(ctx, name)
    if not output.is_table:
        write_data(list_of(items), output)
        return
    rows = [
        [
            cell(item.get("number"), "string"),
            cell(item.get("author"), "string"),
            cell(item.get("createdAt"), "date"),
            _changed(item),
            cell(item.get("reason"), "string"),
        ]
        for item in items
    ]
    echo(table(("Revision", "Author", "Age", "Keys", "Reason"), rows))


@spread()
def rollback(
    ctx: typer.Context,
    *,
    name: Name,
    revision: Annotated[int, typer.Argument(help="By default the one before.")] = 0,
    manner: Manner = WAITING,
) -> None:
    """Go back to an earlier revision; see `config history`."""
    number = revision or _previous(ctx, name)
    subject = Subject("configitems", "configitem", name, f"rolled back to revision {number}")
    act_on(ctx, subject, "rollback", {"revision": number}, manner)


def reveal(
    ctx: typer.Context,
    *,
    name: Name,
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...")] = None,
    cluster: OnCluster = "",
    revision: Annotated[int, typer.Option(min=0, help="Of an earlier revision.")] = 0,
    output: Annotated[Format, typer.Option("--output", "-o")] = Format.YAML,
) -> None:
    """Print values in clear; each call is in the audit log.

    One key alone is printed as it is, without anything around it.
    """
    import base64

    from kubecarrier.cli.api import path_of

    body = {"keys": keys or [], "cluster": cluster, "revision": revision}
    found = connect(ctx).post(path_of("configitems", name, "reveal"), body)
    form = Format.YAML if output.is_table else output
    data, binary = found.get("data") or {}, found.get("binaryData") or {}
    if len(keys or []) == 1 and form is Format.YAML:
        (key,) = keys or []
        raw = str(data[key]).encode() if key in data else base64.b64decode(binary[key])
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return
    write_data(found, form)


def _revisions(ctx: typer.Context, name: str) -> list[Document]:
    from kubecarrier.cli.api import items_of, path_of

    return items_of(connect(ctx).get(path_of("configitems", name, "revisions")))


def _previous(ctx: typer.Context, name: str) -> int:
    items = _revisions(ctx, name)
    if len(items) < 2:
        raise CliError(f"configitem/{name} has no earlier revision.", code="revision_missing")
    return int(items[1]["number"])


def _changed(item: Document) -> str:
    """`+new ~color -size`"""
    changed = item.get("changed") or {}
    marks = {"added": "+", "changed": "~", "removed": "-"}
    return " ".join(f"{mark}{key}" for how, mark in marks.items() for key in changed.get(how) or [])
