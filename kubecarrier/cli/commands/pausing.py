"""pause and resume of one kind: the same two commands wherever something can be paused.

Without `from __future__ import annotations`: the annotations are built per kind.
"""

from typing import Annotated

import typer

from kubecarrier.cli import complete
from kubecarrier.cli.actions import AT_ONCE, NO_WAIT, Manner, Subject, act_on
from kubecarrier.cli.bundles import spread


def register(app: typer.Typer, *, plural: str, singular: str, paused: str) -> None:
    """Add `pause` and `resume`; `paused` says what a pause means."""
    name_of = Annotated[str, typer.Argument(autocompletion=complete.names_of(plural))]

    @spread(without=NO_WAIT)
    def pause(
        ctx: typer.Context,
        *,
        name: name_of,
        manner: Manner = AT_ONCE,
    ) -> None:
        subject = Subject(plural, singular, name, "paused")
        act_on(ctx, subject, "suspend", {}, manner)

    @spread(without=NO_WAIT)
    def resume(
        ctx: typer.Context,
        *,
        name: name_of,
        manner: Manner = AT_ONCE,
    ) -> None:
        subject = Subject(plural, singular, name, "resumed")
        act_on(ctx, subject, "resume", {}, manner)

    app.command("pause", help=paused)(pause)
    app.command("resume", help="Undo a pause: what is due is done.")(resume)
