"""login, logout, whoami."""

from __future__ import annotations

import socket
import sys
from contextlib import closing
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from kubecarrier.cli import config, prompts
from kubecarrier.cli.device import device_login
from kubecarrier.cli.errors import CliError, usage_error
from kubecarrier.cli.options import Output, PathOption
from kubecarrier.cli.output import Format, echo, note, write_data
from kubecarrier.cli.session import (
    Connection,
    check_token,
    check_url,
    connect,
    globals_of,
    read_ca,
)

_TOKEN_NAME_LENGTH = 100


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(login)
    app.command()(logout)
    app.command()(whoami)


def login(
    ctx: typer.Context,
    *,
    url: Annotated[str, typer.Argument(help="Such as https://portal.example.")],
    username: Annotated[str, typer.Option("--username", "-u")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin.")
    ] = False,
    token: Annotated[
        str, typer.Option(help="An API token instead of a password; - reads it from stdin.")
    ] = "",
    ca_file: PathOption = None,
    insecure_http: Annotated[
        bool, typer.Option("--insecure-http", help="Allow http:// to another machine.")
    ] = False,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="<scope>",
            help="What the token may, such as read-only; may be repeated.",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page by itself.")
    ] = True,
) -> None:
    """Log in and remember the portal as a context.

    Without further options a code is shown, which you confirm in a browser where you are logged in
    to the portal, however that is done there (password, LDAP, OIDC). With -u the password is asked
    for here. The context is called like the portal's host, or as --context says.
    """
    if token and (username or password_stdin or scopes):
        raise usage_error("--token stands instead of a user name, a password and scopes.")
    url = check_url(url, insecure_http=insecure_http)
    ca_pem = read_ca(ca_file) if ca_file else ""
    plain = Connection(url, ca_pem=ca_pem)
    if token:
        given = _given(token)
    elif username or password_stdin:
        given = _exchange(plain, username, password_stdin, scopes or [])
    else:
        given = device_login(plain, _token_name(), scopes or [], browser=browser)
    who = _who(Connection(url, given, ca_pem))
    name = globals_of(ctx).context or urlsplit(url).netloc
    context = config.Context(name, url, given, who, ca_pem, insecure_http)
    config.save(config.load().with_context(context))
    echo(f"Logged in to {url} as {who}. Context “{name}” is the current one.")


def _given(token: str) -> str:
    from_stdin = token == "-"  # noqa: S105
    return check_token(prompts.read_secret_line("--token -") if from_stdin else token)


def _token_name() -> str:
    return f"kubecarrier-cli on {socket.gethostname()}"[:_TOKEN_NAME_LENGTH]


def _exchange(connection: Connection, username: str, from_stdin: bool, scopes: list[str]) -> str:
    """A password for a token; raises CliError."""
    from kubecarrier.cli.api import Api

    username = username or prompts.ask("User name", otherwise="--username")
    if from_stdin:
        password = prompts.read_secret_line("--password-stdin")
    else:
        password = prompts.ask_password("Password", otherwise="--password-stdin or --token -")
    body: dict[str, Any] = {"username": username, "password": password, "name": _token_name()}
    if scopes:
        body["scopes"] = scopes
    with closing(Api(connection)) as api:
        try:
            answer = api.post("auth/login", body)
        except CliError as error:
            if error.code != "second_factor_needed":
                raise
            code = prompts.ask("Code of the second factor", otherwise="login without -u")
            answer = api.post("auth/login", {**body, "code": code})
    if not isinstance(answer.get("token"), str):
        raise CliError("The server sent no token.", code="bad_answer")
    return check_token(answer["token"])


def _who(connection: Connection) -> str:
    from kubecarrier.cli.api import Api

    with closing(Api(connection)) as api:
        return str(api.get("whoami").get("username") or "")


def logout(ctx: typer.Context) -> None:
    """Forget the token, here and on the server."""
    api = connect(ctx)
    try:
        api.post("auth/logout")
    finally:
        # Whoever logs out wants the token off this machine, whatever the server says.
        _forget(api.connection.token)
    echo(f"Logged out of {api.connection.url}.")


def _forget(token: str) -> None:
    contexts: Any = config.load()
    for context in list(contexts.contexts.values()):
        if context.token == token:
            without = config.Context(
                context.name,
                context.url,
                "",
                context.username,
                context.ca_pem,
                context.insecure_http,
            )
            contexts = contexts.with_context(without, current=False)
    config.save(contexts)


def whoami(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """Print who the portal takes you for."""
    me = connect(ctx).get("whoami")
    if output.is_table or output is Format.NAME:
        echo(str(me.get("username") or ""))
        if me.get("isSuperuser") and sys.stderr.isatty():
            note("You are a superuser.")
        if me.get("scopes") and sys.stderr.isatty():
            note(f"This token is meant for: {', '.join(map(str, me['scopes']))}.")
    else:
        write_data(me, output)
