"""apply -f: documents become desired state, all or none."""

from __future__ import annotations

from typing import Annotated

import typer

from kubecarrier.cli import options
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.options import Output
from kubecarrier.cli.output import Format
from kubecarrier.cli.session import connect


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(apply)


def apply(
    ctx: typer.Context,
    *,
    filename: options.Files = None,
    project: options.Project = "",
    dry_run: options.DryRun = False,
    validate: Annotated[
        bool, typer.Option(help="Let the server check every document before the first is applied.")
    ] = True,
    wait: options.Wait = False,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    output: Output = Format.TABLE,
) -> None:
    """Create or update what the documents describe.

    All are checked on the server first, and none is applied if one is refused.
    --project is for documents that belong to one and do not say which.
    Use --no-validate where a document needs an earlier one of the same run.
    """
    from kubecarrier.cli import applying
    from kubecarrier.cli.actions import Manner
    from kubecarrier.cli.documents import read_files
    from kubecarrier.cli.kinds import Kinds

    if not filename:
        raise usage_error("Nothing to apply.", hint="Use -f FILE, -f DIRECTORY or -f -.")
    manner = Manner(output, dry_run, wait, timeout)
    api = connect(ctx)
    sources = read_files(filename, Kinds.fetch(api), verb="apply")
    if project:
        sources = [source.within(project) for source in sources]
    applying.run(api, sources, manner, validate=validate)
