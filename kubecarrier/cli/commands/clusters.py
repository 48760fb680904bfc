"""cluster: everything but the import."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from kubecarrier.cli import options
from kubecarrier.cli.actions import Manner, Subject, act_on
from kubecarrier.cli.commands import pausing, reading
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.options import ClusterName, Output, PathOption
from kubecarrier.cli.output import Format
from kubecarrier.cli.session import connect


class Policy(StrEnum):
    """What becomes of our objects in the cluster."""

    ORPHAN = "orphan"
    CLEANUP = "cleanup"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, "clusters")
    reading.register_get(app, "clusters")
    reading.register_describe(app, "clusters")
    pausing.register(
        app,
        plural="clusters",
        singular="cluster",
        paused="Change nothing in the cluster until it is resumed.",
    )
    for command in (rename, probe, rotate, exchange, rotate_credential, account_manifest, remove):
        app.command()(command)


def _act(
    ctx: typer.Context, name: str, action: str, body: dict[str, Any], *, verb: str, manner: Manner
) -> None:
    act_on(ctx, Subject("clusters", "cluster", name, verb), action, body, manner)


def rename(
    ctx: typer.Context,
    *,
    name: ClusterName,
    new_name: str,
    dry_run: options.DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Give a cluster another name; placements that name it follow."""
    _act(
        ctx,
        name,
        "rename",
        {"newName": new_name},
        verb=f"renamed to {new_name}",
        manner=Manner(output, dry_run),
    )


def probe(
    ctx: typer.Context,
    *,
    name: ClusterName,
    wait: options.Wait = True,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    output: Output = Format.TABLE,
) -> None:
    """Look at the cluster now: version, nodes, capacity, credential."""
    _act(
        ctx,
        name,
        "probe",
        {},
        verb="probed" if wait else "probing",
        manner=Manner(output, False, wait, timeout),
    )


def rotate(
    ctx: typer.Context,
    *,
    name: ClusterName,
    kubeconfig: PathOption = None,
    context: Annotated[str, typer.Option(help="A context of the kubeconfig.")] = "",
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read a token from stdin.")
    ] = False,
    wait: options.Wait = True,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    dry_run: options.DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Replace the credential; the new one is tested before the old one goes."""
    from kubecarrier.cli import prompts
    from kubecarrier.cli.kubeconfig import Kubeconfig

    if (kubeconfig is None) == (not token_stdin):
        raise usage_error("Give either --kubeconfig FILE or --token-stdin.")
    if kubeconfig is None:
        body = {"token": prompts.read_secret_line("--token-stdin")}
    else:
        file = Kubeconfig(kubeconfig)
        chosen = file.choose([context] if context else [], everything=False)
        body = {"kubeconfig": file.cut_down(chosen), "context": chosen[0]}
    manner = Manner(output, dry_run, wait, timeout)
    _act(ctx, name, "rotate", body, verb="credential rotated", manner=manner)


def account_manifest(ctx: typer.Context, *, name: ClusterName) -> None:
    """Print what the portal needs in the cluster, for kubectl apply, a reason at each rule."""
    from kubecarrier.cli.api import path_of
    from kubecarrier.cli.output import echo

    found = connect(ctx).get(path_of("clusters", name, "account-manifest"))
    echo(str(found.get("manifest") or "").rstrip("\n"))


def exchange(
    ctx: typer.Context,
    *,
    name: ClusterName,
    yes: options.Yes = False,
    wait: options.Wait = True,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    output: Output = Format.TABLE,
) -> None:
    """Put an account of the portal's own in place of the imported credential, which is forgotten."""
    from kubecarrier.cli import prompts

    prompts.confirm(
        f"Make an account of the portal in “{name}” and forget the stored credential?", yes=yes
    )
    manner = Manner(output, False, wait, timeout)
    _act(ctx, name, "exchange", {}, verb="credential exchanged", manner=manner)


def rotate_credential(
    ctx: typer.Context,
    *,
    name: ClusterName,
    wait: options.Wait = True,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    output: Output = Format.TABLE,
) -> None:
    """Renew the token of the portal's own account: a new one is tried and stored, then the old one ends."""
    manner = Manner(output, False, wait, timeout)
    _act(ctx, name, "rotate-credential", {}, verb="credential renewed", manner=manner)


def remove(
    ctx: typer.Context,
    *,
    name: ClusterName,
    policy: Annotated[
        Policy | None, typer.Option(help="Leave our objects in the cluster, or delete them.")
    ] = None,
    wait: options.Wait = False,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    dry_run: options.DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Take a cluster out of the fleet; it need not be reachable."""
    from kubecarrier.cli import deleting
    from kubecarrier.cli.kinds import Kind

    kind = Kind("Cluster", "clusters", "cluster")
    params = {"policy": policy.value} if policy else {}
    deleting.delete(connect(ctx), kind, name, params, Manner(output, dry_run, wait, timeout))
