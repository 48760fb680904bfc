"""audit: who did what, through which channel, with filters, as a table, JSON lines or CSV."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kubecarrier.cli import complete
from kubecarrier.cli.session import connect


class AuditFormat(StrEnum):
    """The forms of `-o`; JSON is one record a line."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(
    ctx: typer.Context,
    *,
    who: Annotated[str, typer.Option(help="Only what this user did.")] = "",
    of: Annotated[
        str, typer.Option(help="The history of one object, such as application/web.")
    ] = "",
    kind: Annotated[str, typer.Option(help="Only objects of this kind, such as cluster.")] = "",
    name: Annotated[str, typer.Option("--object", help="Only the object of this name.")] = "",
    cluster: Annotated[
        str, typer.Option(help="Only on it.", autocompletion=complete.names_of("clusters"))
    ] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only in it.")] = "",
    project: Annotated[str, typer.Option(help="Only in this project.")] = "",
    since: Annotated[str, typer.Option(help="From then on: 2h, 3d, or 2030-01-31T12:00.")] = "",
    until: Annotated[str, typer.Option(help="Before then, in the same forms.")] = "",
    channel: Annotated[
        str, typer.Option(help="console, api, cli, command, git or reconciler.")
    ] = "",
    event: Annotated[str, typer.Option(help="Only this event, such as login-failed.")] = "",
    request: Annotated[str, typer.Option(help="Only what this request id did.")] = "",
    denied: Annotated[bool, typer.Option("--denied", help="Only what was refused.")] = False,
    search: Annotated[str, typer.Option(help="Only what contains this text.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 is all.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Then print what comes.")] = False,
    output: Annotated[
        AuditFormat, typer.Option("--output", "-o", help="How to print.", show_default=False)
    ] = AuditFormat.TABLE,
) -> None:
    """Print the audit, the newest last."""
    from kubecarrier.cli import auditing

    api = connect(ctx)
    filters = {
        "of": of,
        "who": who,
        "kind": auditing.kind_of(api, kind),
        "object": name,
        "cluster": cluster,
        "namespace": namespace,
        "project": project,
        "since": auditing.moment(since, "--since"),
        "until": auditing.moment(until, "--until"),
        "channel": channel,
        "event": event,
        "requestId": request,
        "result": "denied" if denied else "",
        "search": search,
    }
    printer = auditing.printer_of(output.value)
    wanted = {key: value for key, value in filters.items() if value}
    auditing.show(api, wanted, printer, limit=limit, follow=follow)
