"""node: list, describe, cordon, uncordon, drain, label, taint, in kubectl's manners."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.commands import reading
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.output import echo, note, result_line
from kubecarrier.cli.session import connect

Node = Annotated[str, typer.Argument(autocompletion=complete.names_of("nodes"))]
Cluster = Annotated[
    str,
    typer.Option(
        "--cluster", help="The node's cluster.", autocompletion=complete.names_of("clusters")
    ),
]
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, "nodes")
    for command in (describe, cordon, uncordon, drain, label, taint):
        app.command()(command)


def describe(ctx: typer.Context, *, node: Node, cluster: Cluster) -> None:
    """Print what is known of a node, with what is reserved and used, and its pods."""
    from kubecarrier.cli.api import path_of
    from kubecarrier.cli.describing import described
    from kubecarrier.cli.tables import table

    found = connect(ctx).get(path_of("clusters", cluster, "nodes", node))
    shown = {
        key: found.get(key)
        for key in ("unschedulable", "taints", "capacity", "allocatable", "requested", "used")
    }
    conditions = [
        {**one, "lastTransitionAt": one.get("lastTransitionTime")}
        for one in found.get("conditions") or []
    ]
    labels = ((found.get("node") or {}).get("metadata") or {}).get("labels")
    head = {"kind": "Node", "metadata": {"name": node, "cluster": cluster, "labels": labels}}
    echo(described({**head, "status": {**shown, "conditions": conditions}}))
    rows = [
        [
            str(pod.get("namespace")),
            str(pod.get("name")),
            str(pod.get("phase")),
            f"{pod.get('ready')}/{pod.get('containers')}",
            str(pod.get("owner") or ""),
        ]
        for pod in found.get("pods") or []
    ]
    if rows:
        echo(table(("Namespace", "Pod", "Phase", "Ready", "Owner"), rows))


def cordon(
    ctx: typer.Context, *, node: Node, cluster: Cluster, dry_run: options.DryRun = False
) -> None:
    """Let no new pods come to a node."""
    _post(ctx, cluster, node, "cordon", {}, done="cordoned", dry_run=dry_run)


def uncordon(
    ctx: typer.Context, *, node: Node, cluster: Cluster, dry_run: options.DryRun = False
) -> None:
    """Let new pods come again."""
    _post(ctx, cluster, node, "uncordon", {}, done="uncordoned", dry_run=dry_run)


def label(
    ctx: typer.Context,
    *,
    node: Node,
    labels: Annotated[list[str], typer.Argument(metavar="KEY=VALUE|KEY-...")],
    cluster: Cluster,
    dry_run: options.DryRun = False,
) -> None:
    """Set labels; KEY- takes one away."""
    wanted: dict[str, str | None] = {}
    for item in labels:
        key, equals, value = item.partition("=")
        if equals:
            wanted[key] = value
        elif item.endswith("-"):
            wanted[item[:-1]] = None
        else:
            raise usage_error(f"{item}: expected KEY=VALUE or KEY-.")
    _post(ctx, cluster, node, "label", {"labels": wanted}, done="labelled", dry_run=dry_run)


def taint(
    ctx: typer.Context,
    *,
    node: Node,
    taints: Annotated[list[str], typer.Argument(metavar="KEY[=VALUE]:EFFECT[-]...")],
    cluster: Cluster,
    dry_run: options.DryRun = False,
) -> None:
    """Set taints; KEY:EFFECT- or KEY- takes them away."""
    body: dict[str, list[dict[str, str]]] = {"add": [], "remove": []}
    for item in taints:
        away = item.endswith("-")
        where, colon, effect = item.removesuffix("-").partition(":")
        key, _, value = where.partition("=")
        if not key or (colon and effect not in _EFFECTS) or (not colon and not away):
            raise usage_error(
                f"{item}: expected KEY[=VALUE]:EFFECT, or KEY[:EFFECT]-.",
                hint=f"EFFECT is one of {', '.join(_EFFECTS)}.",
            )
        given = {"key": key, "effect": effect}
        if away:
            body["remove"].append(given)
        else:
            body["add"].append({**given, "value": value})
    _post(ctx, cluster, node, "taint", body, done="tainted", dry_run=dry_run)


def drain(
    ctx: typer.Context,
    *,
    node: Node,
    cluster: Cluster,
    force: Annotated[
        bool, typer.Option("--force", help="Pods without a controller too: nobody makes them anew.")
    ] = False,
    delete_emptydir_data: Annotated[
        bool, typer.Option("--delete-emptydir-data", help="Pods with emptyDir volumes too.")
    ] = False,
    grace_period: Annotated[
        int, typer.Option("--grace-period", min=-1, help="Seconds; -1 is each pod's own.")
    ] = -1,
    timeout: options.Timeout = "15m",
    cancel: Annotated[bool, typer.Option("--cancel", help="Call a running drain off.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")] = True,
    dry_run: options.DryRun = False,
) -> None:
    """Cordon a node and evict its pods; disruption budgets are respected.

    Pods of DaemonSets and mirror pods stay. It goes on when this command ends.
    """
    from kubecarrier.cli import waiting
    from kubecarrier.cli.api import path_of

    seconds = options.seconds(timeout) or 86400.0
    api = connect(ctx)
    path = path_of("clusters", cluster, "nodes", node, "drain")
    if cancel:
        api.post(f"{path}/cancel")
        echo(result_line("node", node, "drain cancelled; it stays cordoned"))
        return
    body: dict[str, Any] = {
        "force": force,
        "deleteEmptyDirData": delete_emptydir_data,
        "timeoutSeconds": int(seconds),
    }
    if grace_period >= 0:
        body["gracePeriodSeconds"] = grace_period
    started = api.post(path, body, options.dry(dry_run=dry_run))
    for one in started.get("ignored") or []:
        note(f"stays: {one.get('pod')} ({one.get('why')})")
    for pod in started.get("evict") or []:
        note(f"goes: {pod}")
    operation = started.get("operation")
    if operation and wait:
        name = str((operation.get("metadata") or {}).get("name"))
        waiting.operation(api, name, seconds + 30)
    done = "drained" if wait and not dry_run else "draining"
    echo(result_line("node", node, done, dry_run=dry_run))


def _post(
    ctx: typer.Context,
    cluster: str,
    node: str,
    action: str,
    body: dict[str, Any],
    *,
    done: str,
    dry_run: bool,
) -> None:
    from kubecarrier.cli.api import path_of

    api = connect(ctx)
    path = path_of("clusters", cluster, "nodes", node, action)
    api.post(path, body, options.dry(dry_run=dry_run))
    echo(result_line("node", node, done, dry_run=dry_run))
