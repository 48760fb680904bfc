"""app: scale, upgrade, rollback, redeploy, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kubecarrier.cli.actions import AT_ONCE, WAITING, Manner, Subject, act, act_on
from kubecarrier.cli.bundles import spread
from kubecarrier.cli.commands import pausing
from kubecarrier.cli.commands.applications import revisions
from kubecarrier.cli.errors import CliError
from kubecarrier.cli.options import ApplicationName, OnCluster
from kubecarrier.cli.session import connect


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


@spread()
def scale(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    replicas: Annotated[int, typer.Option(min=0)],
    cluster: OnCluster = "",
    manner: Manner = WAITING,
) -> None:
    """Change the number of replicas, everywhere or on one cluster."""
    body = {"replicas": replicas, "cluster": cluster}
    _act(ctx, name, "scale", body, verb="scaled", manner=manner)


@spread()
def upgrade(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    version: Annotated[str, typer.Option(help="By default the newest that fits.")] = "",
    manner: Manner = WAITING,
) -> None:
    """Go to another version of the chart."""
    _act(ctx, name, "upgrade", {"version": version}, verb="upgraded", manner=manner)


@spread()
def rollback(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    revision: Annotated[int, typer.Argument(help="By default the one before.")] = 0,
    cluster: OnCluster = "",
    manner: Manner = WAITING,
) -> None:
    """Go back to an earlier revision; see `app history`."""
    number = revision or _previous(ctx, name)
    verb = f"rolled back to revision {number}"
    _act(ctx, name, "rollback", {"revision": number, "cluster": cluster}, verb=verb, manner=manner)


def _previous(ctx: typer.Context, name: str) -> int:
    items = revisions(ctx, name)
    if len(items) < 2:
        raise CliError(f"application/{name} has no earlier revision.", code="revision_missing")
    return int(items[1]["number"])


@spread()
def redeploy(
    ctx: typer.Context,
    *,
    name: ApplicationName,
    cluster: OnCluster = "",
    manner: Manner = WAITING,
) -> None:
    """Deploy the same revision again, everywhere or on one cluster."""
    from kubecarrier.cli.api import path_of

    if not cluster:
        _act(ctx, name, "redeploy", {}, verb="redeployed", manner=manner)
        return
    release = f"{name}.{cluster}"
    path = path_of("releases", release, "redeploy")
    act(connect(ctx), path, {}, ("release", release, "redeployed"), manner)


@spread()
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
    manner: Manner = AT_ONCE,
) -> None:
    """Delete an application from the portal and, if wanted, from its clusters."""
    from kubecarrier.cli import deleting
    from kubecarrier.cli.kinds import Kind

    kind = Kind("Application", "applications", "application")
    params = {} if keep_resources is None else {"keepResources": str(keep_resources).lower()}
    deleting.delete(connect(ctx), kind, name, params, manner)
