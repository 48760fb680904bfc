"""token: list, create, revoke."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from kubecarrier.cli import complete, prompts
from kubecarrier.cli.commands import reading
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.options import Output, Yes
from kubecarrier.cli.output import Format, echo, note, result_line, write_data
from kubecarrier.cli.session import connect

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LIFETIME = re.compile(r"([0-9]{1,5})([dhm])")
_UNITS = {"d": 86400, "h": 3600, "m": 60}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reading.register_list(app, "apitokens")
    app.command()(create)
    app.command()(revoke)


def create(
    ctx: typer.Context,
    *,
    title: Annotated[str, typer.Argument(help="What will use it.")],
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="<scope>",
            help="Such as read-only or clusters.view; may be repeated.",
        ),
    ] = None,
    networks: Annotated[
        list[str] | None,
        typer.Option(
            "--network", metavar="<cidr>", help="From where it may be used, such as 10.0.0.0/8."
        ),
    ] = None,
    expires: Annotated[str, typer.Option(help="Until it ends, such as 30d or 12h.")] = "",
    service_account: Annotated[
        str,
        typer.Option(
            help="Whose token; your own unless given.",
            autocompletion=complete.names_of("serviceaccounts"),
        ),
    ] = "",
    output: Output = Format.TABLE,
) -> None:
    """Make a token. It is printed this once, alone on stdout."""
    body: dict[str, Any] = {
        "title": title,
        "scopes": scopes or [],
        "networks": networks or [],
    }
    if expires:
        body["lifetimeSeconds"] = _lifetime(expires)
    if service_account:
        body["serviceAccount"] = service_account
    made = connect(ctx).post("apitokens", body)
    if output.is_table:
        status = (made.get("object") or {}).get("status") or {}
        note(f"It ends at {status.get('expiresAt')}. It is not shown again.")
        echo(str(made.get("token") or ""))
    elif output is Format.NAME:
        echo(f"apitoken/{_name(made.get('object') or {})}")
    else:
        write_data(made, output)


def revoke(
    ctx: typer.Context,
    *,
    token: Annotated[str, typer.Argument(help="Its id, or its title if no other has that.")],
    yes: Yes = False,
) -> None:
    """Make a token useless at once."""
    from kubecarrier.cli.api import path_of

    api = connect(ctx)
    if not _ID.fullmatch(token):
        token = _by_title(api, token)
    prompts.confirm(f"Revoke the token {token}?", yes=yes)
    api.call("DELETE", path_of("apitokens", token))
    echo(result_line("apitoken", token, "revoked"))


def _by_title(api: Any, title: str) -> str:
    found = api.items("apitokens", {"title": title}, limit=10)
    if len(found) == 1:
        return _name(found[0])
    if not found:
        raise CliError(
            f"There is no token “{title}”.", code="not_found", exit_code=ExitCode.NOT_FOUND
        )
    listed = ", ".join(_name(one) for one in found)
    raise usage_error(f"Several tokens are called “{title}”.", hint=f"Name one by its id: {listed}")


def _name(document: dict[str, Any]) -> str:
    return str((document.get("metadata") or {}).get("name") or "")


def _lifetime(text: str) -> int:
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise usage_error(f"“{text}” is no lifetime.", hint="Write for example 30d or 12h.")
    return int(found[1]) * _UNITS[found[2]]
