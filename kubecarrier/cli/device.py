"""Login by device code: show a code, wait until a person confirms it in a browser (RFC 8628)."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kubecarrier.cli.errors import CliError, ExitCode
from kubecarrier.cli.output import note
from kubecarrier.cli.session import Connection, check_token

if TYPE_CHECKING:
    from kubecarrier.cli.api import Api

_CODE = re.compile(r"[A-Z]{4}-[A-Z]{4}")
_LONGEST_SECONDS = 1800.0
# Of a poll: as long as it is one of these, go on.
_WAITING = frozenset({"authorization_pending", "slow_down"})
pause: Callable[[float], None] = time.sleep


def device_login(connection: Connection, name: str, scopes: list[str], *, browser: bool) -> str:
    """The token that the person let us have; raises CliError."""
    from kubecarrier.cli.api import Api

    with closing(Api(connection)) as api:
        body: dict[str, Any] = {"name": name}
        if scopes:
            body["scopes"] = scopes
        begun = api.post("device/code", body)
        code = str(begun.get("userCode") or "")
        if not _CODE.fullmatch(code) or not isinstance(begun.get("deviceCode"), str):
            raise CliError("The server sent no code.", code="bad_answer")
        # Our own URL, not the server's text: it is opened on this machine.
        page = f"{connection.url}/device?code={quote(code)}"
        note(f"Open {page}\nand confirm the code {code}.")
        if browser and sys.stderr.isatty():
            _open(page)
        return check_token(_polled(api, begun))


def _open(page: str) -> None:
    import webbrowser

    try:
        webbrowser.open(page)
    except (webbrowser.Error, OSError):
        return  # the address is on the screen


def _polled(api: Api, begun: dict[str, Any]) -> str:
    interval = _seconds(begun.get("interval"), 5.0)
    until = time.monotonic() + _seconds(begun.get("expiresIn"), 600.0)
    while time.monotonic() < until:
        pause(interval)
        try:
            answer = api.post("device/token", {"deviceCode": begun["deviceCode"]})
        except CliError as error:
            if error.code not in _WAITING:
                raise _final(error) from error
            interval = max(interval, _seconds(error.data.get("interval"), interval))
            continue
        return str(answer.get("token") or "")
    raise CliError(
        "Nobody confirmed the code in time.", code="expired_token", exit_code=ExitCode.TIMED_OUT
    )


def _final(error: CliError) -> CliError:
    if error.code == "access_denied":
        error.exit_code = ExitCode.DENIED
    if error.code == "expired_token":
        error.exit_code = ExitCode.TIMED_OUT
    return error


def _seconds(value: object, otherwise: float) -> float:
    if isinstance(value, int | float) and 0 <= value <= _LONGEST_SECONDS:
        return float(value)
    return otherwise
