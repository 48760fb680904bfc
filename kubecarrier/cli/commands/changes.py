"""app: create, deploy, diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.actions import Manner
from kubecarrier.cli.appspec import Change, OnFailure
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.options import DryRun, Labels, Output, Timeout, Wait, pairs
from kubecarrier.cli.output import Format
from kubecarrier.cli.session import connect

Name = Annotated[str, typer.Argument(autocompletion=complete.names_of("applications"))]
Chart = Annotated[
    str,
    typer.Option(help="<repository>/<chart>.", autocompletion=complete.names_of("charts")),
]
Version = Annotated[str, typer.Option(help="A version, or a constraint such as ^1.2.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Where in the clusters.")]
Values = Annotated[
    list[Path] | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="<file>",
        help="A values file; may be repeated, later ones win.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="<key=value>", help="key.path=value, as in Helm."),
]
SetString = Annotated[
    list[str] | None,
    typer.Option("--set-string", metavar="<key=value>", help="Like --set, but always text."),
]
Failure = Annotated[
    OnFailure | None, typer.Option("--on-failure", help="What a failed install or upgrade leaves.")
]
Keep = Annotated[
    bool | None,
    typer.Option(
        "--keep-resources/--remove-resources", help="On delete, leave every object in place."
    ),
]
File = Annotated[str, typer.Option("--filename", "-f", help="The whole document instead.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (create, deploy, diff):
        app.command()(command)


def create(
    ctx: typer.Context,
    *,
    name: str,
    chart: Chart,
    namespace: Namespace,
    version: Version = "",
    values: Values = None,
    set_: Set = None,
    set_string: SetString = None,
    cluster: options.Clusters = None,
    selector: options.ClusterSelector = "",
    on_failure: Failure = None,
    keep_resources: Keep = None,
    project: options.Project = "",
    label: Labels = None,
    wait: Wait = False,
    timeout: Timeout = options.DEFAULT_TIMEOUT,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Create an application; one of that name must not exist."""
    from kubecarrier.cli import deploying

    change = Change(
        chart, version, namespace, tuple(values or ()), tuple(set_ or ()), tuple(set_string or ()),
        _names(cluster), selector, on_failure, keep_resources, project,
    )  # fmt: skip
    manner = Manner(output, dry_run, wait, timeout)
    deploying.create(connect(ctx), name, change, pairs(label, "--label"), manner)


def deploy(
    ctx: typer.Context,
    *,
    name: Name = "",
    filename: File = "",
    chart: Chart = "",
    namespace: Namespace = "",
    version: Version = "",
    values: Values = None,
    set_: Set = None,
    set_string: SetString = None,
    cluster: options.Clusters = None,
    selector: options.ClusterSelector = "",
    on_failure: Failure = None,
    keep_resources: Keep = None,
    project: options.Project = "",
    label: Labels = None,
    wait: Wait = True,
    timeout: Timeout = options.DEFAULT_TIMEOUT,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Create an application or change it, and wait until it is ready everywhere.

    Values files replace the present values; --set changes them.
    """
    from kubecarrier.cli import deploying

    change = Change(
        chart, version, namespace, tuple(values or ()), tuple(set_ or ()), tuple(set_string or ()),
        _names(cluster), selector, on_failure, keep_resources, project,
    )  # fmt: skip
    manner = Manner(output, dry_run, wait, timeout)
    if filename and (not change.is_empty or label):
        raise usage_error("-f is the whole document; it excludes the other options.")
    if filename:
        deploying.deploy_file(connect(ctx), name, filename, manner)
    elif name:
        deploying.deploy(connect(ctx), name, change, pairs(label, "--label"), manner)
    else:
        raise usage_error("Name the application, or give it with -f FILE.")


def diff(
    ctx: typer.Context,
    *,
    name: Name,
    filename: File = "",
    chart: Chart = "",
    namespace: Namespace = "",
    version: Version = "",
    values: Values = None,
    set_: Set = None,
    set_string: SetString = None,
    cluster: options.Clusters = None,
    selector: options.ClusterSelector = "",
    project: options.Project = "",
    output: Output = Format.TABLE,
) -> None:
    """Print what a change would do in all clusters, grouped by equal differences.

    Without options, what the saved application would change. Exit code 1 means
    that there is a difference; an error that is 1 elsewhere is 2 here.
    """
    change = Change(
        chart, version, namespace, tuple(values or ()), tuple(set_ or ()), tuple(set_string or ()),
        _names(cluster), selector, project=project,
    )  # fmt: skip
    if filename and not change.is_empty:
        raise usage_error("-f is the whole document; it excludes the other options.")
    try:
        differs = _diff(ctx, name, filename, change, output)
    except CliError as error:
        if error.exit_code is ExitCode.ERROR:
            error.exit_code = ExitCode.USAGE
        raise
    if differs:
        raise typer.Exit(ExitCode.ERROR)


def _diff(ctx: typer.Context, name: str, filename: str, change: Change, form: Format) -> bool:
    from kubecarrier.cli import deploying, diffs

    return diffs.show(deploying.preview(connect(ctx), name, filename, change), form)


def _names(items: list[str] | None) -> tuple[str, ...]:
    return tuple(name for item in items or [] for name in item.split(",") if name)
