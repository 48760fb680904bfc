"""app: scale, upgrade, rollback, redeploy, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kubecarrier.cli import options
from kubecarrier.cli.actions import Manner, Subject, act, act_on
from kubecarrier.cli.commands import pausing
from kubecarrier.cli.commands.applications import revisions
from kubecarrier.cli.errors import CliError
from kubecarrier.cli.options import ApplicationName, DryRun, OnCluster, Output, Timeout, Wait
from kubecarrier.cli.output import Format
from kubecarrier.cli.session import connect

_ACTIONS = options.DEFAULT_TIMEOUT


def register(app: typer.Typer) -> None:
    """Add the commands."""
    pausing.register(
        app,
        plural="applications",
        singular="application",
        paused="Change nothing of the application until it is resumed.",
    )
    for command in (scale, upgrade, rollback, redeploy, delete):
        app.command()(command)


def _act(
    ctx: typer.Context, name: str, action: str, body: dict[str, Any], *, verb: str, manner: Manner
) -> None:
    act_on(ctx, Subject("applications", "application", name, verb), action, body, manner)


def scale(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    replicas: Annotated[int, typer.Option(min=0)],
    cluster: OnCluster = "",
    wait: Wait = True,
    timeout: Timeout = _ACTIONS,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Change the number of replicas, everywhere or on one cluster."""
    manner = Manner(output, dry_run, wait, timeout)
    body = {"replicas": replicas, "cluster": cluster}
    _act(ctx, name, "scale", body, verb="scaled", manner=manner)


def upgrade(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    version: Annotated[str, typer.Option(help="By default the newest that fits.")] = "",
    wait: Wait = True,
    timeout: Timeout = _ACTIONS,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Go to another version of the chart."""
    manner = Manner(output, dry_run, wait, timeout)
    _act(ctx, name, "upgrade", {"version": version}, verb="upgraded", manner=manner)


def rollback(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    revision: Annotated[int, typer.Argument(help="By default the one before.")] = 0,
    cluster: OnCluster = "",
    wait: Wait = True,
    timeout: Timeout = _ACTIONS,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Go back to an earlier revision; see `app history`."""
    number = revision or _previous(ctx, name)
    manner = Manner(output, dry_run, wait, timeout)
    verb = f"rolled back to revision {number}"
    _act(ctx, name, "rollback", {"revision": number, "cluster": cluster}, verb=verb, manner=manner)


def _previous(ctx: typer.Context, name: str) -> int:
    items = revisions(ctx, name)
    if len(items) < 2:
        raise CliError(f"application/{name} has no earlier revision.", code="revision_missing")
    return int(items[1]["number"])


def redeploy(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    cluster: OnCluster = "",
    wait: Wait = True,
    timeout: Timeout = _ACTIONS,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Deploy the same revision again, everywhere or on one cluster."""
    from kubecarrier.cli.api import path_of

    manner = Manner(output, dry_run, wait, timeout)
    if not cluster:
        _act(ctx, name, "redeploy", {}, verb="redeployed", manner=manner)
        return
    release = f"{name}.{cluster}"
    path = path_of("releases", release, "redeploy")
    act(connect(ctx), path, {}, ("release", release, "redeployed"), manner)


def delete(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    keep_resources: Annotated[
        bool | None,
        typer.Option(
            "--keep-resources/--remove-resources",
            help="Leave every object in the clusters, or not; by default as the application says.",
        ),
    ] = None,
    wait: Wait = False,
    timeout: Timeout = _ACTIONS,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Delete an application from the portal and, if wanted, from its clusters."""
    from kubecarrier.cli import deleting
    from kubecarrier.cli.kinds import Kind

    kind = Kind("Application", "applications", "application")
    params = {} if keep_resources is None else {"keepResources": str(keep_resources).lower()}
    deleting.delete(connect(ctx), kind, name, params, Manner(output, dry_run, wait, timeout))
