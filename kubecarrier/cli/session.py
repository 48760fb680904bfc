"""Which portal a command talks to, and as whom.

An explicit `--context` wins over the environment, the environment over the
current context. A stored token is sent only to the URL it was stored for: with
`KUBECARRIER_URL` pointing elsewhere, `KUBECARRIER_TOKEN` must be set as well.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from kubecarrier.cli import config
from kubecarrier.cli.errors import CliError, ExitCode, usage_error

if TYPE_CHECKING:
    import typer

    from kubecarrier.cli.api import Api

_REASON_LENGTH = 500
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@dataclass(frozen=True, slots=True)
class Connection:
    """All that a request needs. `timeout` is seconds for one answer."""

    url: str
    token: str = field(default="", repr=False)
    ca_pem: str = ""
    reason: str = ""
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Globals:
    """The options before the command; see `app.root_options`."""

    context: str | None = None
    reason: str | None = None
    timeout: float = 60.0


def globals_of(ctx: typer.Context) -> Globals:
    """Read from the root's parameters, since completion never runs the root's callback."""
    params = ctx.find_root().params
    return Globals(
        params.get("context"), params.get("reason"), params.get("request_timeout") or 60.0
    )


def connect(ctx: typer.Context) -> Api:
    """The client of the chosen portal; raises CliError if there is none or no token."""
    from kubecarrier.cli.api import Api

    api = Api(connection(globals_of(ctx)))
    ctx.call_on_close(api.close)
    return api


def connection(options: Globals) -> Connection:
    """Resolve options, environment and the contexts file to one connection."""
    context = _chosen(options.context)
    if not context.token:
        raise CliError(
            f"You are not logged in to {context.url}.",
            code="not_logged_in",
            exit_code=ExitCode.DENIED,
            hint=f"Run `kubecarrier login {context.url}`.",
        )
    return Connection(
        url=check_url(context.url, insecure_http=context.insecure_http),
        token=check_token(context.token),
        ca_pem=context.ca_pem,
        reason=reason_header(options.reason or ""),
        timeout=options.timeout,
    )


def _chosen(name: str | None) -> config.Context:
    if name:
        return config.load().get(name)
    url = os.environ.get("KUBECARRIER_URL", "").rstrip("/")
    token = os.environ.get("KUBECARRIER_TOKEN", "")
    if url:
        return _from_environment(url, token)
    context = _current()
    return config.Context(
        context.name, context.url, token or context.token, "", context.ca_pem, context.insecure_http
    )


def _current() -> config.Context:
    contexts = config.load()
    if not contexts.current:
        raise CliError(
            "No portal is chosen.",
            code="no_context",
            exit_code=ExitCode.DENIED,
            hint="Run `kubecarrier login URL` or `kubecarrier context use NAME`, "
            "or set KUBECARRIER_URL and KUBECARRIER_TOKEN.",
        )
    return contexts.get(contexts.current)


def _from_environment(url: str, token: str) -> config.Context:
    stored = config.Context("", url)
    if not token:
        known = [c for c in config.load().contexts.values() if c.url == url]
        stored = known[0] if known else stored
    ca_file = os.environ.get("KUBECARRIER_CA_FILE")
    ca_pem = read_ca(Path(ca_file)) if ca_file else stored.ca_pem
    insecure = os.environ.get("KUBECARRIER_INSECURE_HTTP") == "1" or stored.insecure_http
    return config.Context("", url, token or stored.token, "", ca_pem, insecure)


def check_url(url: str, *, insecure_http: bool) -> str:
    """`url` without a trailing slash; raises CliError `url_invalid` or `url_insecure`."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise _url_error("It must look like https://portal.example.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _url_error("It must hold neither credentials nor a query.")
    if parts.scheme == "http" and not insecure_http and not is_loopback(host):
        raise CliError(
            f"{url} is not encrypted: your token could be read on the way.",
            code="url_insecure",
            exit_code=ExitCode.USAGE,
            hint="Use https://, or `login --insecure-http` (KUBECARRIER_INSECURE_HTTP=1).",
        )
    return url.rstrip("/")


def _url_error(why: str) -> CliError:
    # The URL itself is not repeated: it may hold a password.
    message = f"This is not the URL of a portal. {why}"
    return CliError(message, code="url_invalid", exit_code=ExitCode.USAGE)


def is_loopback(host: str) -> bool:
    """Whether traffic to `host` stays on this machine. Only literal addresses and `localhost`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_token(token: str) -> str:
    """A token is one printable ASCII word; anything else could smuggle a header."""
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise usage_error("The token is not a single word of printable characters.")
    return token


def read_ca(path: Path) -> str:
    """The PEM text of a CA file; raises CliError `ca_invalid`."""
    text = path.read_text(encoding="ascii", errors="replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        message = f"{path} holds no PEM certificate."
        raise CliError(message, code="ca_invalid", exit_code=ExitCode.USAGE)
    return text


def reason_header(reason: str) -> str:
    """The reason as a header value: one line, percent-encoded where it is not ASCII."""
    return quote(" ".join(reason.split())[:_REASON_LENGTH], safe=_PRINTABLE)
