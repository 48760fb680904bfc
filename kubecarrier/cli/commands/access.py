"""auth: may I, who can, and who holds what where."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from kubecarrier.cli import complete, options, reviewing
from kubecarrier.cli.answers import Document
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.options import OnCluster, Output, Project
from kubecarrier.cli.output import Format, echo, list_of, note, write_data
from kubecarrier.cli.reviewing import Place
from kubecarrier.cli.session import connect
from kubecarrier.cli.tables import table

_REVIEWS = "accessreviews"
Verb = Annotated[
    str, typer.Argument(help="view, edit, create, scale …; in a cluster get, list, delete …")
]
What = Annotated[
    str, typer.Argument(metavar="KIND[/NAME]", help="A kind or one object; in a cluster also a path.")
]  # fmt: skip
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="The namespace of the cluster.")]
Subresource = Annotated[str, typer.Option(help="In a cluster: log, exec, scale …")]


class ReviewFormat(StrEnum):
    """The forms of `-o`."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    CSV = "csv"


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("can-i")(can_i)
    group.command("who-can")(who_can)
    group.command()(review)


def can_i(
    ctx: typer.Context,
    *,
    verb: Verb,
    what: What = "",
    project: Project = "",
    cluster: OnCluster = "",
    namespace: Namespace = "",
    user: Annotated[
        str, typer.Option("--as", help="Of this person; sa:NAME is a service account.")
    ] = "",
    subresource: Subresource = "",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing: the exit code says it.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Ask whether you (or --as somebody) may do something; exit code 1 is no.

    `can-i edit app/shop` asks the portal. With --cluster and a verb of Kubernetes the cluster itself
    is asked, as the person is known there: `can-i get pods --cluster one -n shop --as ann`. A question
    that is none ends with 2.
    """
    place = Place(project, cluster, namespace)
    try:
        found = _asked(ctx, verb, what, subresource, place, user)
    except CliError as error:
        if error.exit_code == ExitCode.ERROR:  # which is taken by the answer
            error.exit_code = ExitCode.USAGE
        raise
    if not quiet:
        _say(found, output)
    if not found.get("allowed"):
        raise typer.Exit(ExitCode.ERROR)


def _asked(
    ctx: typer.Context, verb: str, what: str, subresource: str, place: Place, user: str
) -> Document:
    """The portal's answer, or that of the cluster."""
    api = connect(ctx)
    if reviewing.of_cluster(api, verb, what.partition("/")[0] or what, place):
        body = reviewing.cluster_question(verb, what, subresource, place)
        path = reviewing.cluster_path(place.cluster, "can-i")
    else:
        body = reviewing.portal_question(verb, what, place)
        path = f"{_REVIEWS}/can-i"
    return api.post(path, {**body, **({"user": user} if user else {})})


def _say(found: Document, output: Format) -> None:
    word = "yes" if found.get("allowed") else "no"
    if output is Format.NAME:
        echo(word)
    elif output.is_table:
        message = str(found.get("message") or "")
        echo(f"{word} - {message}" if message else word)
        portal = found.get("portal")
        if isinstance(portal, dict) and portal.get("allowed") != found.get("allowed"):
            held = "is held" if portal.get("allowed") else "is not held"
            note(f"In the portal's own pages {portal.get('right')} counts as well, which {held}.")
    else:
        write_data(found, output)


def who_can(
    ctx: typer.Context,
    *,
    verb: Verb,
    what: What = "",
    project: Project = "",
    cluster: OnCluster = "",
    namespace: Namespace = "",
    subresource: Subresource = "",
    limit: options.Limit = 0,
    output: Output = Format.TABLE,
) -> None:
    """List everybody who may do something, with the binding and the group for each.

    With --cluster and a verb of Kubernetes: all that the cluster's own RBAC allows it, ours or not.
    """
    api, place = connect(ctx), Place(project, cluster, namespace)
    if reviewing.of_cluster(api, verb, what.partition("/")[0] or what, place):
        params = reviewing.cluster_question(verb, what, subresource, place)
        items = api.get(reviewing.cluster_path(cluster, "who-can"), params).get("items") or []
        headers, rows = reviewing.subjects_table(items)
        names = [f"{one.get('kind')}/{one.get('name')}" for one in items]
    else:
        params = reviewing.portal_question(verb, what, place)
        items = api.items(f"{_REVIEWS}/who-can", params, limit)
        headers, rows = reviewing.holders_table(items, wide=output is Format.WIDE)
        names = [f"user/{one.get('user')}" for one in items]
    _print(items, output, headers, rows, names, empty="Nobody may.")


def review(
    ctx: typer.Context,
    *,
    user: Annotated[str, typer.Argument(help="Only of this person.")] = "",
    group: Annotated[str, typer.Option("--group", help="Only through this group.")] = "",
    role: Annotated[
        str,
        typer.Option("--role", help="Only by it.", autocompletion=complete.names_of("roles")),
    ] = "",
    right: Annotated[
        str, typer.Option("--right", help="Only where it gives this: applications.edit.")
    ] = "",
    project: Project = "",
    cluster: OnCluster = "",
    namespace: Namespace = "",
    drift: Annotated[
        bool, typer.Option("--drift", help="What differs in the clusters from what is granted.")
    ] = False,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="What nobody needs, or nobody should have.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="With --drift or --orphans: 1 where there is any.")
    ] = False,
    limit: options.Limit = 0,
    output: Annotated[
        ReviewFormat, typer.Option("--output", "-o", help="How to print.", show_default=False)
    ] = ReviewFormat.TABLE,
) -> None:
    """Review access: who holds which role where, by which binding and group.

    Without the right `accessreviews.view` you see yourself. --drift and --orphans ask the clusters
    now; one that does not answer is Unknown, and never without drift.
    """
    filters = {
        "user": user, "group": group, "role": role, "right": right, "project": project,
        "cluster": cluster, "namespace": namespace,
    }  # fmt: skip
    params = {key: text for key, text in filters.items() if text}
    if drift and orphans:
        raise usage_error("--drift or --orphans, one at a time.")
    if not (drift or orphans):
        _bindings(ctx, params, limit, output)
        return
    if unknown := sorted(set(params) - {"cluster"}):
        raise usage_error(f"--{unknown[0]} is not for --drift and --orphans; --cluster is.")
    found = _report(ctx, "drift" if drift else "orphans", params, output)
    if exit_code and found:
        raise typer.Exit(ExitCode.ERROR)


def _bindings(ctx: typer.Context, params: dict[str, str], limit: int, output: ReviewFormat) -> None:
    api = connect(ctx)
    if output is ReviewFormat.CSV:
        reviewing.write_csv(api, _REVIEWS, params)
        return
    items = api.items(_REVIEWS, params, limit)
    headers, rows = reviewing.lines_table(items, wide=output is ReviewFormat.WIDE)
    names = [f"binding/{one.get('binding')}" for one in items]
    _print(items, Format(output.value), headers, rows, names, empty="No binding reaches anybody.")


def _report(
    ctx: typer.Context, what: str, params: dict[str, str], output: ReviewFormat
) -> list[Document]:
    api, path = connect(ctx), f"{_REVIEWS}/{what}"
    if output is ReviewFormat.CSV:
        reviewing.write_csv(api, path, params)
        return []
    pages = list(reviewing.pages(api, path, params))
    items: list[Any] = [item for page in pages for item in page["items"]]
    made = reviewing.drift_table if what == "drift" else reviewing.orphans_table
    headers, rows = made(items, wide=output is ReviewFormat.WIDE)
    names = [_name(one) for one in items]
    asked = sum(len(page.get("clusters") or ()) for page in pages)
    empty = f"No drift on {asked} clusters." if what == "drift" else "Nothing to clean up."
    _print(items, Format(output.value), headers, rows, names, empty=empty)
    return items


def _name(item: Document) -> str:
    """`clusterrolebinding/x`; what stands for a whole cluster is `cluster/NAME`."""
    if not item.get("name"):
        return f"cluster/{item.get('cluster')}"
    return f"{str(item.get('kind')).lower()}/{item.get('name')}"


def _print(
    items: list[Document],
    output: Format,
    headers: list[str],
    rows: list[list[str]],
    names: list[str],
    *,
    empty: str,
) -> None:
    if output is Format.NAME:
        for name in dict.fromkeys(names):
            echo(name)
    elif not output.is_table:
        write_data(list_of(items), output)
    elif rows:
        echo(table(headers, rows))
    else:
        note(empty)
