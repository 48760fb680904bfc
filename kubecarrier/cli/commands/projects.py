"""project: list, get, describe, create, namespaces, pause, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kubecarrier.cli import options
from kubecarrier.cli.actions import Manner, act, tell
from kubecarrier.cli.answers import Document
from kubecarrier.cli.commands import reading
from kubecarrier.cli.options import DryRun, Labels, OnCluster, Output, ProjectName, Wait, dry, pairs
from kubecarrier.cli.output import Format, echo, note, result_line, write_data
from kubecarrier.cli.session import connect
from kubecarrier.cli.tables import NONE, UNKNOWN, table

_SINGULAR, _PLURAL = "project", "projects"
Names = Annotated[
    list[str] | None,
    typer.Option("--namespace", "-n", metavar="<name>", help="Names with commas, or repeated."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, _PLURAL)
    reading.register_get(app, _PLURAL)
    reading.register_describe(app, _PLURAL)
    for command in (create, namespaces, suspend, resume, delete):
        app.command()(command)


def create(
    ctx: typer.Context,
    *,
    name: str,
    namespace: Names = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take over namespaces that are there already.")
    ] = False,
    cluster: options.Clusters = None,
    selector: options.ClusterSelector = "",
    quota: Annotated[
        list[str] | None,
        typer.Option(
            metavar="<resource=quantity>",
            help="Of each namespace, such as requests.cpu=8; may be repeated.",
        ),
    ] = None,
    repository: Annotated[
        list[str] | None,
        typer.Option(
            "--repo",
            metavar="<pattern>",
            help="Charts only from these repositories; * and ? as in a shell.",
        ),
    ] = None,
    description: str = "",
    label: Labels = None,
    wait: Wait = False,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Create a project; one of that name must not exist. What more it can say: `explain project`."""
    from kubecarrier.cli import waiting

    manner = Manner(output, dry_run, wait, timeout)
    manner.seconds  # noqa: B018  a wrong --timeout must be said before anything is done
    spec: dict[str, Any] = {
        "description": description,
        "namespaces": [{"name": one, "adopt": adopt} for one in _split(namespace)],
        "placement": {"clusters": _split(cluster), "selector": selector},
        "quota": {"hard": pairs([p for item in quota or [] for p in item.split(",")], "--quota")},
    }
    if repository:
        spec["allow"] = {"repositories": _split(repository)}
    body = {
        "apiVersion": "kubecarrier.io/v1",
        "kind": "Project",
        "metadata": {"name": name, "labels": pairs(label, "--label")},
        "spec": spec,
    }
    api = connect(ctx)
    answer = api.call("POST", _PLURAL, body=body, params=dry(dry_run=dry_run))
    if output.is_table:
        echo(result_line(_SINGULAR, name, answer.result, dry_run=dry_run))
    document = answer.body
    if wait and not dry_run:
        document = waiting.ready(api, _PLURAL, _SINGULAR, name, manner.seconds)
        note(result_line(_SINGULAR, name, "is ready"))
    tell(document, _SINGULAR, name, manner)


def namespaces(
    ctx: typer.Context,
    *,
    name: ProjectName,
    cluster: OnCluster = "",
    output: Output = Format.TABLE,
) -> None:
    """Print the namespaces of a project on its clusters, with their quotas and what is used."""
    from kubecarrier.cli.api import path_of

    params = {"cluster": cluster} if cluster else {}
    found = connect(ctx).get(path_of(_PLURAL, name, "namespaces"), params)
    if not output.is_table:
        write_data(found, output)
        return
    items = found.get("items") or []
    if not items:
        note("No resources found.")
        return
    rows = [
        [str(item["cluster"]), str(item["name"]), str(item["state"]), _used(item), str(item["message"] or NONE)]
        for item in items
    ]  # fmt: skip
    echo(table(("Cluster", "Namespace", "State", "Used of quota", "Message"), rows))


def _used(item: Document) -> str:
    """`requests.cpu=2/8`, and `<unknown>` where a quota was not seen."""
    quota = item.get("quota")
    if not isinstance(quota, dict):
        return UNKNOWN if item.get("state") != "Ready" else NONE
    used, hard = quota.get("used") or {}, quota.get("hard") or {}
    return ",".join(f"{key}={used.get(key, '?')}/{hard[key]}" for key in sorted(hard)) or NONE


def suspend(ctx: typer.Context, name: ProjectName, output: Output = Format.TABLE) -> None:
    """Pause: nothing of it is changed in the clusters."""
    _act(ctx, name, "suspend", "suspended", output)


def resume(ctx: typer.Context, name: ProjectName, output: Output = Format.TABLE) -> None:
    """End the pause."""
    _act(ctx, name, "resume", "resumed", output)


def _act(ctx: typer.Context, name: str, action: str, said: str, output: Format) -> None:
    from kubecarrier.cli.api import path_of

    path = path_of(_PLURAL, name, action)
    act(connect(ctx), path, {}, (_SINGULAR, name, said), Manner(output))


def delete(
    ctx: typer.Context,
    *,
    name: ProjectName,
    delete_namespaces: Annotated[
        list[str] | None,
        typer.Option(
            metavar="<name>",
            help="Delete this namespace too, with everything in it; may be repeated.",
        ),
    ] = None,
    wait: Wait = False,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    dry_run: DryRun = False,
    yes: options.Yes = False,
    output: Output = Format.TABLE,
) -> None:
    """Delete a project; refused while something is in it. Its namespaces stay, unless named."""
    from kubecarrier.cli import deleting, prompts
    from kubecarrier.cli.kinds import Kinds

    names = _split(delete_namespaces)
    if names:
        text = f"Delete {', '.join(names)} on every cluster of {name}, with everything in them?"
        prompts.confirm(text, yes=yes or dry_run)
    api = connect(ctx)
    params = {"deleteNamespaces": ",".join(names)} if names else {}
    manner = Manner(output, dry_run, wait, timeout)
    deleting.delete(api, Kinds.fetch(api).find(_PLURAL), name, params, manner)


def _split(items: list[str] | None) -> list[str]:
    return [name for item in items or [] for name in item.split(",") if name]
