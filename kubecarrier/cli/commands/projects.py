"""project: list, get, describe, create, delete."""

from __future__ import annotations

import typer

from kubecarrier.cli import options
from kubecarrier.cli.actions import Manner
from kubecarrier.cli.commands import reading
from kubecarrier.cli.options import DryRun, Output, ProjectName, Wait
from kubecarrier.cli.output import Format
from kubecarrier.cli.session import connect


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, "projects")
    reading.register_get(app, "projects")
    reading.register_describe(app, "projects")
    app.command()(delete)


def delete(
    ctx: typer.Context,
    *,
    name: ProjectName,
    wait: Wait = False,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Delete a project; refused while something is in it."""
    from kubecarrier.cli import deleting
    from kubecarrier.cli.kinds import Kinds

    api = connect(ctx)
    manner = Manner(output, dry_run, wait, timeout)
    deleting.delete(api, Kinds.fetch(api).find("projects"), name, {}, manner)
