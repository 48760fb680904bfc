"""repo: where charts come from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kubecarrier.cli import options
from kubecarrier.cli.actions import Manner, act, tell
from kubecarrier.cli.commands import reading
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.options import Labels, Output, PathOption, RepositoryName, dry, pairs
from kubecarrier.cli.output import Format, echo, result_line
from kubecarrier.cli.session import connect, read_ca


class RepositoryType(StrEnum):
    """How a repository is read."""

    HTTP = "http"
    OCI = "oci"
    LOCAL = "local"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, "repositories")
    reading.register_get(app, "repositories")
    for command in (add, refresh, search, remove):
        app.command()(command)


def add(
    ctx: typer.Context,
    *,
    name: str,
    url: Annotated[str, typer.Argument(help="https://... or oci://...; none for type local.")] = "",
    kind: Annotated[
        RepositoryType | None, typer.Option("--type", help="By default what the URL says.")
    ] = None,
    username: str = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin")] = False,
    ca_file: PathOption = None,
    chart: Annotated[
        list[str] | None,
        typer.Option(metavar="<chart>", help="OCI only: a chart in it; may be repeated."),
    ] = None,
    refresh_seconds: Annotated[int, typer.Option(min=0)] = 0,
    label: Labels = None,
    dry_run: options.DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Add a repository, or change it."""
    from kubecarrier.cli import prompts
    from kubecarrier.cli.api import path_of

    found = kind or _type_of(url)
    if bool(url) == (found is RepositoryType.LOCAL):
        raise usage_error("A repository needs a URL, unless its type is local.")
    password = prompts.read_secret_line("--password-stdin") if password_stdin else ""
    spec = {
        "type": found.value,
        "url": url,
        "username": username,
        "password": password,
        "caCertificate": read_ca(ca_file) if ca_file else "",
        "charts": list(chart or []),
        "refreshSeconds": refresh_seconds,
    }
    document = {
        "apiVersion": "kubecarrier.io/v1",
        "kind": "ChartRepository",
        "metadata": {"name": name, "labels": pairs(label, "--label")},
        "spec": {key: value for key, value in spec.items() if value},
    }
    path = path_of("repositories", name)
    answer = connect(ctx).call("PUT", path, body=document, params=dry(dry_run=dry_run))
    if output.is_table:
        echo(result_line("chartrepository", name, answer.result, dry_run=dry_run))
    tell(answer.body, "chartrepository", name, Manner(output))


def _type_of(url: str) -> RepositoryType:
    if not url:
        return RepositoryType.LOCAL
    return RepositoryType.OCI if url.startswith("oci://") else RepositoryType.HTTP


def refresh(
    ctx: typer.Context,
    *,
    name: RepositoryName,
    wait: options.Wait = True,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    output: Output = Format.TABLE,
) -> None:
    """Read the repository's index now."""
    from kubecarrier.cli.api import path_of

    manner = Manner(output, False, wait, timeout)
    what = ("chartrepository", name, "refreshed" if wait else "refreshing")
    act(connect(ctx), path_of("repositories", name, "refresh"), {}, what, manner)


def search(
    ctx: typer.Context,
    *,
    text: Annotated[str, typer.Argument(help="A word of name, description or keywords.")] = "",
    repository: Annotated[str, typer.Option("--repo", help="Only this repository.")] = "",
    output: Output = Format.TABLE,
    limit: options.Limit = 0,
) -> None:
    """Find charts in all repositories."""
    filters = {"repository": repository}
    reading.show(ctx, "charts", output, search=text, limit=limit, filters=filters)


def remove(
    ctx: typer.Context,
    *,
    name: RepositoryName,
    wait: options.Wait = False,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    dry_run: options.DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Remove a repository and its charts from the portal."""
    from kubecarrier.cli import deleting
    from kubecarrier.cli.kinds import Kind

    kind = Kind("ChartRepository", "repositories", "chartrepository")
    deleting.delete(connect(ctx), kind, name, {}, Manner(output, dry_run, wait, timeout))
