"""config: list, get, describe, create, set, unset, edit, delete, adopt."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.actions import AT_ONCE, NO_WAIT, WAITING, Manner, Subject, act_on
from kubecarrier.cli.bundles import spread
from kubecarrier.cli.commands import pausing, reading
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.options import Labels, OnCluster, pairs
from kubecarrier.cli.session import connect


class Type(StrEnum):
    """What it is in the clusters."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105 - a kind's name


class Propagation(StrEnum):
    """What becomes of a change made in a cluster."""

    ONE_WAY = "one-way"
    TWO_WAY = "two-way"
    INBOX = "inbox"


Name = Annotated[str, typer.Argument(autocompletion=complete.names_of("configitems"))]
FromFile = Annotated[
    list[str] | None,
    typer.Option(
        "--from-file",
        metavar="<key=file>",
        help="KEY=FILE, or FILE (then its name is the key); - is stdin.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, "configitems", in_project=True)
    reading.register_get(app, "configitems")
    reading.register_describe(app, "configitems")
    pausing.register(
        app,
        plural="configitems",
        singular="configitem",
        paused="Change nothing of the config item until it is resumed.",
    )
    app.command("set")(set_)
    for command in (create, unset, edit, adopt, delete):
        app.command()(command)


@spread()
def create(
    ctx: typer.Context,
    *,
    name: str,
    type_: Annotated[Type, typer.Option("--type", help="ConfigMap or Secret.")] = Type.CONFIG_MAP,
    secret_type: Annotated[str, typer.Option(help="Of a secret, such as kubernetes.io/tls.")] = "",
    namespace: Annotated[
        list[str],
        typer.Option(
            "--namespace", "-n", metavar="<name>", help="Where in the clusters; repeatable."
        ),
    ],
    literal: Annotated[
        list[str] | None,
        typer.Option("--from-literal", metavar="<key=value>", help="KEY=VALUE; may be repeated."),
    ] = None,
    from_file: FromFile = None,
    cluster: options.Clusters = None,
    selector: options.ClusterSelector = "",
    propagation: Annotated[
        Propagation, typer.Option(help="What becomes of a change made in a cluster.")
    ] = Propagation.ONE_WAY,
    project: options.Project = "",
    label: Labels = None,
    manner: Manner = AT_ONCE,
) -> None:
    """Create a config item; one of that name must not exist."""
    from kubecarrier.cli import configuring

    spec = {
        "type": type_.value,
        "secretType": secret_type,
        "namespaces": namespace,
        **configuring.values(literal or [], from_file or []),
        "placement": {"clusters": configuring.names(cluster), "selector": selector},
        "propagation": propagation.value,
    }
    metadata = {"name": name, "labels": pairs(label, "--label"), "project": project or None}
    configuring.create(connect(ctx), metadata, spec, manner)


@spread()
def set_(
    ctx: typer.Context,
    *,
    name: Name,
    pairs_: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Only these keys change.")
    ] = None,
    from_file: FromFile = None,
    cluster: OnCluster = "",
    manner: Manner = WAITING,
) -> None:
    """Set keys, everywhere or on one cluster; the others stay as they are."""
    from kubecarrier.cli import configuring

    if not pairs_ and not from_file:
        raise usage_error("Name what to set: KEY=VALUE or --from-file KEY=FILE.")
    body = configuring.values(pairs_ or [], from_file or []) | {"cluster": cluster}
    _act(ctx, name, "set", body, verb="configured", manner=manner)


@spread()
def unset(
    ctx: typer.Context,
    *,
    name: Name,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...")],
    cluster: OnCluster = "",
    manner: Manner = WAITING,
) -> None:
    """Remove keys, everywhere or on one cluster."""
    body = {"unset": keys, "cluster": cluster}
    _act(ctx, name, "set", body, verb="configured", manner=manner)


@spread(without=NO_WAIT)
def edit(
    ctx: typer.Context,
    *,
    name: Name,
    manner: Manner = AT_ONCE,
) -> None:
    """Edit the document in your editor (KUBE_EDITOR, VISUAL or EDITOR).

    A secret's values are not in it; `data` that you add replaces all of them.
    """
    from kubecarrier.cli import configuring

    configuring.edit(connect(ctx), name, manner)


@spread()
def adopt(
    ctx: typer.Context,
    *,
    name: Name,
    cluster: OnCluster = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only in this one.")] = "",
    manner: Manner = WAITING,
) -> None:
    """Take over objects of that name which are in the clusters already."""
    body = {"cluster": cluster, "namespace": namespace}
    _act(ctx, name, "adopt", body, verb="adopted", manner=manner)


@spread()
def delete(
    ctx: typer.Context,
    *,
    name: Name,
    keep_objects: Annotated[
        bool | None,
        typer.Option(
            "--keep-objects/--remove-objects",
            help="Leave every object in the clusters, or not; by default as the item says.",
        ),
    ] = None,
    manner: Manner = AT_ONCE,
) -> None:
    """Delete a config item from the portal and from its clusters."""
    from kubecarrier.cli import deleting
    from kubecarrier.cli.kinds import Kinds

    api = connect(ctx)
    params = {} if keep_objects is None else {"keepObjects": str(keep_objects).lower()}
    kind = Kinds.fetch(api).find("configitems")
    deleting.delete(api, kind, name, params, manner)


def _act(
    ctx: typer.Context, name: str, action: str, body: object, *, verb: str, manner: Manner
) -> None:
    sent = body if isinstance(body, dict) else {}
    act_on(ctx, Subject("configitems", "configitem", name, verb), action, sent, manner)
