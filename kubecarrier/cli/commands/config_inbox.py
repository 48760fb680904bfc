"""config inbox: list, show and resolve what somebody changed in a cluster."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from kubecarrier.cli import complete
from kubecarrier.cli.actions import AT_ONCE, NO_WAIT, Manner, Subject, act_on
from kubecarrier.cli.bundles import spread
from kubecarrier.cli.commands import reading
from kubecarrier.cli.options import Output
from kubecarrier.cli.output import Format, echo, note, use_colour, write_data
from kubecarrier.cli.session import connect
from kubecarrier.cli.tables import cell


class Choice(StrEnum):
    """What to do with a change that somebody made in a cluster."""

    ADOPT = "adopt"
    REVERT = "revert"
    PIN = "pin"
    IGNORE = "ignore"


Conflict = Annotated[
    str, typer.Argument(metavar="ID", autocompletion=complete.names_of("configconflicts"))
]


def register(app: typer.Typer) -> None:
    """Add `inbox`: a group that lists when nothing more is said."""
    inbox = typer.Typer(help="Changes made in clusters: list them, look at one, decide on it.")
    inbox.callback(invoke_without_command=True)(_alone)
    inbox.command("list")(list_)
    inbox.command()(show)
    inbox.command()(resolve)
    app.add_typer(inbox, name="inbox")


def _alone(ctx: typer.Context) -> None:
    """Changes made in clusters: list them, look at one, decide on it."""
    if ctx.invoked_subcommand is None:
        _listed(ctx, "", False, Format.TABLE)


def list_(
    ctx: typer.Context,
    *,
    item: Annotated[
        str,
        typer.Option(
            help="Only of this config item.", autocompletion=complete.names_of("configitems")
        ),
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also what has been decided already.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """List the changes that wait for a decision."""
    _listed(ctx, item, everything, output)


def _listed(ctx: typer.Context, item: str, everything: bool, form: Format) -> None:
    filters = {"item": item} | ({} if everything else {"open": "True"})
    reading.show(ctx, "configconflicts", form, filters=filters)


def show(ctx: typer.Context, *, conflict: Conflict, output: Output = Format.TABLE) -> None:
    """Print one change: who made it where, and what is wanted against what was found."""
    from kubecarrier.cli.api import path_of
    from kubecarrier.cli.diffs import coloured

    found = connect(ctx).get(path_of("configconflicts", conflict))
    if not output.is_table:
        write_data(found, output)
        return
    status = found.get("status") or {}
    echo(f"{status.get('item')} on {status.get('cluster')}, namespace {status.get('namespace')}")
    age = cell(status.get("changedAt"), "date")
    echo(f"Changed by {status.get('changedBy')}, {age} ago: {status.get('cause')}")
    sys.stdout.write(coloured(str(status.get("diff") or ""), use_colour()) + "\n")
    if status.get("open"):
        note(
            f"Decide: `kubecarrier config inbox resolve {conflict} --choose adopt|revert|pin|ignore`."
        )


@spread(without=NO_WAIT)
def resolve(
    ctx: typer.Context,
    *,
    conflict: Conflict,
    choose: Annotated[
        Choice,
        typer.Option(
            "--choose",
            help="adopt: everywhere; revert: put back; pin: for this cluster alone; "
            "ignore: each cluster may change these keys.",
        ),
    ],
    manner: Manner = AT_ONCE,
) -> None:
    """Decide on a change."""
    subject = Subject("configconflicts", "configconflict", conflict, f"decided: {choose.value}")
    act_on(ctx, subject, "resolve", {"choice": choose.value}, manner)
