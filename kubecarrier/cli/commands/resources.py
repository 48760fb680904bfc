"""resource kinds, get, describe, edit: any object of any cluster, in kubectl's manners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubecarrier.cli import complete, options
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.options import Output
from kubecarrier.cli.output import Format, echo, note
from kubecarrier.cli.session import connect

if TYPE_CHECKING:
    from kubecarrier.cli.api import Api

Clusters = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster",
        help="On these clusters: names, separated by commas.",
        autocompletion=complete.names_of("clusters"),
    ),
]
ClusterSelector = Annotated[
    str, typer.Option("--selector", help="On the clusters with these labels, such as env=prod.")
]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="The namespace.")]
Everywhere = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")]
Labels = Annotated[
    str, typer.Option("--label-selector", "-l", help="Only objects with these labels.")
]
Fields = Annotated[str, typer.Option("--field-selector", help="Only objects with these fields.")]
What = Annotated[str, typer.Argument(metavar="KIND[/NAME]")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (kinds, get, describe, edit):
        app.command()(command)


def split(what: str, names: list[str] | None) -> tuple[str, tuple[str, ...]]:
    """`deploy/web` means kind and name at once; raises a usage error."""
    word, slash, name = what.partition("/")
    if slash and (names or not name):
        raise usage_error("Write either KIND/NAME or KIND NAME...")
    return word, (name,) if slash else tuple(names or ())


def kinds(ctx: typer.Context, *, cluster: Clusters = None, selector: ClusterSelector = "") -> None:
    """Print what clusters serve, as kubectl api-resources does."""
    from kubecarrier.cli import clusters, resources
    from kubecarrier.cli.tables import table

    api = connect(ctx)
    wanted = clusters.chosen(api, cluster or [], selector)
    results = clusters.on_each(wanted, lambda name: resources.Kinds(api, name).all)
    several = len(wanted) > 1
    rows = [
        [result.cluster] * several
        + [one.plural, one.api_version, str(one.namespaced).lower(), one.kind]
        for result in results
        for one in result.value or []
    ]
    headers = ["Cluster"] * several + ["Name", "APIVersion", "Namespaced", "Kind"]
    if rows:
        echo(table(headers, rows))
    _finish(results, several)


def get(
    ctx: typer.Context,
    *,
    what: What,
    names: Names = None,
    cluster: Clusters = None,
    selector: ClusterSelector = "",
    namespace: Namespace = "default",
    all_namespaces: Everywhere = False,
    label_selector: Labels = "",
    field_selector: Fields = "",
    output: Output = Format.TABLE,
) -> None:
    """Print objects of a kind; on several clusters with a CLUSTER column."""
    from kubecarrier.cli import clusters, resource_printing, resources

    word, wanted = split(what, names)
    if wanted and (all_namespaces or label_selector or field_selector):
        raise usage_error("Names and selectors exclude each other.")
    asked = resources.Asked(
        wanted, "" if all_namespaces else namespace, label_selector, field_selector
    )
    api = connect(ctx)
    on = clusters.chosen(api, cluster or [], selector)
    if output in (Format.JSON, Format.YAML):
        found = clusters.on_each(
            on, lambda name: resources.objects(api, name, kind_of(api, name, word), asked)
        )
        resource_printing.print_objects(found, output, single=len(wanted) == 1)
        _finish(found, len(on) > 1)
        return
    if output is Format.NAME:
        named = clusters.on_each(on, lambda name: _named(api, name, word, asked))
        resource_printing.print_names(named)
        _finish(named, len(on) > 1)
        return
    rows = clusters.on_each(
        on, lambda name: resources.rows(api, name, kind_of(api, name, word), asked)
    )
    resource_printing.print_rows(rows, wide=output is Format.WIDE, everywhere=all_namespaces)
    _finish(rows, len(on) > 1)


def describe(
    ctx: typer.Context,
    *,
    what: What,
    names: Names = None,
    cluster: Clusters = None,
    selector: ClusterSelector = "",
    namespace: Namespace = "default",
) -> None:
    """Print everything about objects, with their events and what they own."""
    from kubecarrier.cli import clusters, resource_printing, resources

    word, wanted = split(what, names)
    if not wanted:
        raise usage_error("Name an object: KIND/NAME or KIND NAME...")
    api = connect(ctx)
    on = clusters.chosen(api, cluster or [], selector)

    def one(name: str) -> list[str]:
        kind = kind_of(api, name, word)
        texts = []
        for object_name in wanted:
            path = resources.object_path(name, kind, namespace, object_name)
            obj = api.get(path)
            events = api.get(f"{path}/events").get("items") or []
            owners = api.get(f"{path}/owners")
            texts.append(resource_printing.described_object(obj, events, owners))
        return texts

    results = clusters.on_each(on, one)
    for result in results:
        for text in result.value or []:
            if len(on) > 1:
                echo(f"Cluster: {result.cluster}")
            echo(f"{text}\n")
    _finish(results, len(on) > 1)


def edit(
    ctx: typer.Context,
    *,
    what: What,
    names: Names = None,
    cluster: Clusters = None,
    namespace: Namespace = "default",
    dry_run: options.DryRun = False,
) -> None:
    """Edit one object in your editor (KUBE_EDITOR, VISUAL or EDITOR)."""
    from kubecarrier.cli import clusters, resource_editing, resources

    word, wanted = split(what, names)
    api = connect(ctx)
    on = clusters.chosen(api, cluster or [], "")
    if len(on) != 1 or len(wanted) != 1:
        raise usage_error("Edit one object on one cluster.")
    kind = kind_of(api, on[0], word)
    path = resources.object_path(on[0], kind, namespace, wanted[0])
    done = resource_editing.edit(api, path, dry_run=dry_run)
    if done is not None:
        for warning in done.get("warnings") or []:
            note(f"warning: {warning}")
        if dry_run:
            echo(str(done.get("diff") or ""))
        suffix = " (server dry run)" if dry_run else ""
        echo(f"{kind.shown}/{wanted[0]} {done.get('result')}{suffix}")


# --- what they share -------------------------------------------------------------------------


def kind_of(api: Api, cluster: str, word: str) -> Any:
    """The kind that the cluster means by `word`."""
    from kubecarrier.cli.resources import Kinds

    return Kinds(api, cluster).find(word)


def _named(api: Api, cluster: str, word: str, asked: Any) -> Any:
    from kubecarrier.cli import resources

    kind = kind_of(api, cluster, word)
    _, found = resources.rows(api, cluster, kind, asked)
    return kind, [str(row["metadata"]["name"]) for row in found]


def _finish(results: list[Any], several: bool) -> None:
    from kubecarrier.cli import clusters

    errors = [(result.cluster, result.error) for result in results if result.error]
    clusters.finish(errors, several=several)
