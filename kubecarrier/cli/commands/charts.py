"""chart: what can be deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kubecarrier.cli import options
from kubecarrier.cli.answers import Document
from kubecarrier.cli.commands import reading
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.options import ChartName, Output
from kubecarrier.cli.output import Format, as_json, as_yaml, echo, list_of, note, write_data
from kubecarrier.cli.session import connect
from kubecarrier.cli.tables import cell, table

_GZIP = b"\x1f\x8b"
_VERSION_COLUMNS = ("version", "appVersion", "releasedAt", "description")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("list", list_),
        ("show", show),
        ("versions", versions),
        ("upload", upload),
    ):
        app.command(name)(command)


def document_name(name: str) -> str:
    """`repository/chart`, as people write it, as the name of its document."""
    return name.replace("/", ".", 1)


def list_(
    ctx: typer.Context,
    *,
    repository: Annotated[str, typer.Option("--repo", help="Only this repository.")] = "",
    search: options.Search = "",
    output: Output = Format.TABLE,
    limit: options.Limit = 0,
) -> None:
    """List charts."""
    filters = {"repository": repository}
    reading.show(ctx, "charts", output, search=search, limit=limit, filters=filters)


def versions(ctx: typer.Context, name: ChartName, output: Output = Format.TABLE) -> None:
    """List the versions of a chart, as the server orders them."""
    from kubecarrier.cli.api import items_of, path_of

    items = items_of(connect(ctx).get(path_of("charts", document_name(name), "versions")))
    if output is Format.NAME:
        echo("\n".join(str(item.get("version")) for item in items))
    elif not output.is_table:
        write_data(list_of(items), output)
    elif items:
        rows = [[_version_cell(item, key) for key in _VERSION_COLUMNS] for item in items]
        echo(table(("Version", "App version", "Age", "Description"), rows))
    else:
        note("No resources found.")


def _version_cell(item: Document, key: str) -> str:
    return cell(item.get(key), "date" if key == "releasedAt" else "string")


def show(
    ctx: typer.Context,
    *,
    name: ChartName,
    version: Annotated[str, typer.Option(help="By default the newest.")] = "",
    readme: Annotated[bool, typer.Option("--readme", help="Only the README.")] = False,
    values: Annotated[bool, typer.Option("--values", help="Only the default values.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Only the schema of the values.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Print a version of a chart: what it is, its README, its values."""
    if readme + values + schema > 1:
        raise usage_error("--readme, --values and --schema exclude each other.")
    found = _version(ctx, document_name(name), version)
    if not output.is_table:
        write_data(found, output) if output is not Format.NAME else echo(
            f"chart/{document_name(name)}"
        )
    elif readme:
        echo(str(found.get("readme") or ""))
    elif values:
        echo(_text(found.get("values")))
    elif schema:
        echo(as_json(found.get("schema"), indent=2))
    else:
        echo(_summary(found))


def _version(ctx: typer.Context, chart: str, version: str) -> Document:
    from kubecarrier.cli.api import items_of, path_of

    api = connect(ctx)
    if not version:
        items = items_of(api.get(path_of("charts", chart, "versions")))
        if not items:
            raise CliError(
                f"{chart} has no version.", code="not_found", exit_code=ExitCode.NOT_FOUND
            )
        version = str(items[0].get("version"))
    return api.get(path_of("charts", chart, "versions", version))


def _summary(found: Document) -> str:
    from kubecarrier.cli.describing import described

    aside = ("readme", "values", "valuesText", "schema", "apiVersion", "kind", "metadata")
    facts = {key: value for key, value in found.items() if key not in aside}
    text = described({"metadata": {"name": found.get("name")}, "kind": "Chart", "spec": facts})
    return f"{text}\n\n{found.get('readme') or ''}".rstrip()


def _text(values: object) -> str:
    return values if isinstance(values, str) else as_yaml(values if values is not None else {})


def upload(
    ctx: typer.Context,
    *,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A .tgz of `helm package`.")
    ],
    repository: Annotated[str, typer.Option("--repo", help="A repository of type local.")],
    dry_run: options.DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Upload a packaged chart to a repository that KubeCarrier serves itself."""
    from kubecarrier.cli.api import path_of

    with file.open("rb") as stream:
        if stream.read(2) != _GZIP:
            raise usage_error(f"{file} is no packaged chart.", hint="Make one with `helm package`.")
        stream.seek(0)
        answer = connect(ctx).call(
            "POST",
            path_of("repositories", repository, "charts"),
            content=stream,
            params=options.dry(dry_run=dry_run),
            headers={"Content-Type": "application/gzip"},
        )
    if output.is_table or output is Format.NAME:
        echo(f"{file.name} uploaded to {repository}{' (server dry run)' if dry_run else ''}")
    else:
        write_data(answer.body, output)
