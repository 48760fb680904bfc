"""pause and resume of one kind: the same two commands wherever something can be paused.

Without `from __future__ import annotations`: the annotations are built per kind.
"""

from typing import Annotated

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.actions import Manner, Subject, act_on
from kubecarrier.cli.options import Output
from kubecarrier.cli.output import Format


def register(app: typer.Typer, *, plural: str, singular: str, paused: str) -> None:
    """Add `pause` and `resume`; `paused` says what a pause means."""
    name_of = Annotated[str, typer.Argument(autocompletion=complete.names_of(plural))]

    def pause(
        ctx: typer.Context,
        *,
        name: name_of,
        dry_run: options.DryRun = False,
        output: Output = Format.TABLE,
    ) -> None:
        subject = Subject(plural, singular, name, "paused")
        act_on(ctx, subject, "suspend", {}, Manner(output, dry_run))

    def resume(
        ctx: typer.Context,
        *,
        name: name_of,
        dry_run: options.DryRun = False,
        output: Output = Format.TABLE,
    ) -> None:
        subject = Subject(plural, singular, name, "resumed")
        act_on(ctx, subject, "resume", {}, Manner(output, dry_run))

    app.command("pause", help=paused)(pause)
    app.command("resume", help=f"Go on with a paused {singular}.")(resume)
