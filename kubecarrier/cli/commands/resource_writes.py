"""resource apply, delete, scale, restart, suspend, resume: on one cluster or several, a result for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubecarrier.cli import options
from kubecarrier.cli.bundles import spread
from kubecarrier.cli.commands.resources import (
    Clusters,
    ClusterSelector,
    Labels,
    Names,
    Namespace,
    What,
    kind_of,
    split,
)
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.options import Yes
from kubecarrier.cli.output import echo, note
from kubecarrier.cli.session import connect

if TYPE_CHECKING:
    from kubecarrier.cli.answers import Document
    from kubecarrier.cli.api import Api


class Cascade(StrEnum):
    """What becomes of the dependents of a deleted object."""

    BACKGROUND = "background"
    FOREGROUND = "foreground"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Where:
    """On which clusters and in which namespace something is done, or only tried."""

    cluster: Clusters = None
    selector: ClusterSelector = ""
    namespace: Namespace = "default"
    dry_run: options.DryRun = False


EVERYWHERE = Where()


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (apply, delete, scale, restart, suspend, resume):
        app.command()(command)


def apply(
    ctx: typer.Context,
    *,
    filename: options.Files = None,
    cluster: Clusters = None,
    selector: ClusterSelector = "",
    namespace: Namespace = "default",
    force: Annotated[
        bool, typer.Option("--force", help="Take over fields of other field managers.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print the difference too.")] = False,
    dry_run: options.DryRun = False,
) -> None:
    """Server-side apply of documents, on one cluster or several; a result for each."""
    from kubecarrier.cli import clusters, resources
    from kubecarrier.cli.documents import read_objects

    if not filename:
        raise usage_error("Nothing to apply.", hint="Use -f FILE, -f DIRECTORY or -f -.")
    documents = read_objects(filename)
    api = connect(ctx)
    on = clusters.chosen(api, cluster or [], selector)

    def one(name: str) -> list[Document]:
        served = resources.Kinds(api, name)
        body = {"objects": [_placed(served, obj, namespace) for obj in documents], "force": force}
        return _sent(api, name, "apply", body, dry_run=dry_run)

    results = clusters.on_each(on, one)
    _tell(results, len(on) > 1, dry_run=dry_run, diff=diff)


def delete(
    ctx: typer.Context,
    *,
    what: Annotated[str, typer.Argument(metavar="KIND[/NAME]")] = "",
    names: Names = None,
    filename: options.Files = None,
    cluster: Clusters = None,
    selector: ClusterSelector = "",
    namespace: Namespace = "default",
    label_selector: Labels = "",
    cascade: Annotated[Cascade, typer.Option(help="What becomes of dependents.")] = (
        Cascade.BACKGROUND
    ),
    ignore_not_found: Annotated[bool, typer.Option("--ignore-not-found")] = False,
    dry_run: options.DryRun = False,
    yes: Yes = False,
) -> None:
    """Delete objects by name, by label (asks first), or as listed in files."""
    from kubecarrier.cli import clusters, prompts, resources
    from kubecarrier.cli.documents import read_objects

    if bool(filename) == bool(what):
        raise usage_error("Name what to delete: KIND NAME..., KIND -l SELECTOR or -f FILE.")
    word, wanted = split(what, names)
    if what and bool(wanted) == bool(label_selector):
        raise usage_error("Name objects, or choose them with -l SELECTOR.")
    documents = read_objects(filename) if filename else []
    asked = resources.Asked(wanted, namespace, label_selector)
    api = connect(ctx)
    on = clusters.chosen(api, cluster or [], selector)

    def items(name: str) -> list[Document]:
        served = resources.Kinds(api, name)
        if documents:
            return [_item_of(_placed(served, obj, namespace)) for obj in reversed(documents)]
        kind = served.find(word)
        if wanted:
            return resources.named_items(kind, asked)
        return resources.chosen_items(kind, resources.rows(api, name, kind, asked)[1])

    found = clusters.on_each(on, items)
    count = sum(len(result.value or []) for result in found)
    if not count and not any(result.error for result in found):
        note("No resources found.")
        return
    if label_selector:
        many = f"{count} objects on {len(on)} clusters" if len(on) > 1 else f"{count} objects"
        prompts.confirm(f"Delete {many}?", yes=yes or dry_run)
    chosen = {result.cluster: result.value or [] for result in found}
    body = {"action": "delete", "propagationPolicy": cascade.value}
    results = clusters.on_each(
        [name for name in on if chosen[name]],
        lambda name: _sent(api, name, "bulk", {**body, "objects": chosen[name]}, dry_run=dry_run),
    )
    results += [clusters.Result(r.cluster, error=r.error) for r in found if r.error]
    _tell(results, len(on) > 1, dry_run=dry_run, missing_ok=ignore_not_found)


@spread()
def scale(
    ctx: typer.Context,
    *,
    what: What,
    names: Names = None,
    replicas: Annotated[int, typer.Option("--replicas", min=0, help="How many.")],
    where: Where = EVERYWHERE,
) -> None:
    """Set the number of replicas."""
    body = {"action": "scale", "replicas": replicas}
    _bulk(ctx, what, names, body, where)


@spread()
def restart(
    ctx: typer.Context,
    *,
    what: What,
    names: Names = None,
    where: Where = EVERYWHERE,
) -> None:
    """Restart the pods of a workload, one after the other."""
    body = {"action": "restart"}
    _bulk(ctx, what, names, body, where)


@spread()
def suspend(
    ctx: typer.Context,
    *,
    what: What,
    names: Names = None,
    where: Where = EVERYWHERE,
) -> None:
    """Suspend CronJobs or Jobs."""
    body = {"action": "suspend"}
    _bulk(ctx, what, names, body, where)


@spread()
def resume(
    ctx: typer.Context,
    *,
    what: What,
    names: Names = None,
    where: Where = EVERYWHERE,
) -> None:
    """Resume CronJobs or Jobs."""
    body = {"action": "resume"}
    _bulk(ctx, what, names, body, where)


def _bulk(
    ctx: typer.Context,
    what: str,
    names: list[str] | None,
    body: Document,
    where: Where,
) -> None:
    """One act on named objects, on each chosen cluster."""
    from kubecarrier.cli import clusters, resources

    word, wanted = split(what, names)
    if not wanted:
        raise usage_error("Name an object: KIND/NAME or KIND NAME...")
    api = connect(ctx)
    on = clusters.chosen(api, where.cluster or [], where.selector)
    asked = resources.Asked(wanted, where.namespace)

    def one(name: str) -> list[Document]:
        items = resources.named_items(kind_of(api, name, word), asked)
        return _sent(api, name, "bulk", {**body, "objects": items}, dry_run=where.dry_run)

    _tell(clusters.on_each(on, one), len(on) > 1, dry_run=where.dry_run)


_DONE = {
    "delete": "deleted", "scale": "scaled", "restart": "restarted", "suspend": "suspended",
    "resume": "resumed",
}  # fmt: skip


def _sent(api: Api, cluster: str, action: str, body: Document, *, dry_run: bool) -> list[Document]:
    from kubecarrier.cli.api import items_of, path_of

    path = path_of("clusters", cluster, "resources", action)
    return items_of(api.post(path, body, options.dry(dry_run=dry_run)))


def _placed(served: Any, obj: Document, namespace: str) -> Document:
    """The document in a namespace, where its kind needs one and it names none."""
    kind = served.of_document(obj)
    metadata = obj["metadata"]
    if kind is None or not kind.namespaced or metadata.get("namespace"):
        return obj
    return {**obj, "metadata": {**metadata, "namespace": namespace}}


def _item_of(obj: Document) -> Document:
    metadata = obj["metadata"]
    return {
        "apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": metadata["name"],
        "namespace": metadata.get("namespace") or "",
    }  # fmt: skip


def _tell(
    results: list[Any],
    several: bool,
    *,
    dry_run: bool,
    diff: bool = False,
    missing_ok: bool = False,
) -> None:
    """A line per object, then the errors; raises CliError when there are any."""
    from kubecarrier.cli import clusters, resources
    from kubecarrier.cli.output import result_line

    errors: list[tuple[str, CliError]] = []
    for result in results:
        if result.error:
            errors.append((result.cluster, result.error))
        for item in result.value or []:
            error = resources.error_of_item(item)
            if error is not None:
                if not (missing_ok and error.exit_code == ExitCode.NOT_FOUND):
                    errors.append((result.cluster, error))
                continue
            data = item.get("data") or {}
            if diff and data.get("diff"):
                echo(str(data["diff"]))
            for warning in data.get("warnings") or []:
                note(f"warning: {warning}")
            group = str(item["apiVersion"]).rpartition("/")[0]
            kind = f"{str(item['kind']).lower()}{f'.{group}' if group else ''}"
            done = _DONE.get(str(item["result"]), str(item["result"]))
            line = result_line(kind, str(item["name"]), done, dry_run=dry_run)
            echo(f"{result.cluster}: {line}" if several else line)
    clusters.finish(errors, several=several)
