"""What can go wrong at the command line, and the exit code of each sort.

The codes are an interface: scripts branch on them. They are listed in the
epilog of `kubecarrier --help` and in docs/cli.md, and a test compares the three.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The exit codes; the docstring of docs/cli.md's table."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    CONFLICT = 5
    TIMED_OUT = 6
    UNREACHABLE = 7
    INTERRUPTED = 130
    # What a shell shows for a program killed by SIGPIPE: `kubecarrier ... | head -1`.
    BROKEN_PIPE = 141


MEANING: dict[ExitCode, str] = {
    ExitCode.OK: "done",
    ExitCode.ERROR: "error (for `app diff`: there is a difference; for `auth can-i`: no)",
    ExitCode.USAGE: "wrong usage (for `app diff`, `auth can-i`: any error that is 1 elsewhere)",
    ExitCode.NOT_FOUND: "not found, or not visible to you",
    ExitCode.DENIED: "not logged in, or not allowed",
    ExitCode.CONFLICT: "conflict: the object's state forbids it, or it changed meanwhile",
    ExitCode.TIMED_OUT: "timed out while waiting; the work itself goes on",
    ExitCode.UNREACHABLE: "server unreachable or not ready",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
    ExitCode.BROKEN_PIPE: "the reader of our output went away",
}

_BY_STATUS: dict[int, ExitCode] = {
    401: ExitCode.DENIED,
    403: ExitCode.DENIED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    412: ExitCode.CONFLICT,
    502: ExitCode.UNREACHABLE,
    503: ExitCode.UNREACHABLE,
    504: ExitCode.UNREACHABLE,
}


def exit_code_for(status: int) -> ExitCode:
    """The exit code of an HTTP error status."""
    return _BY_STATUS.get(status, ExitCode.ERROR)


class CliError(Exception):
    """An error to show: `error: <message> (<code>)`, then field, hint and request id.

    `data` is the server's JSON detail (`difference` of a failed precondition).
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "error",
        exit_code: ExitCode = ExitCode.ERROR,
        field: str | None = None,
        hint: str | None = None,
        request_id: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.exit_code = exit_code
        self.field = field
        self.hint = hint
        self.request_id = request_id
        self.data = data or {}


def usage_error(message: str, *, hint: str | None = None) -> CliError:
    """The command line itself is wrong."""
    return CliError(message, code="usage", exit_code=ExitCode.USAGE, hint=hint)


def unreachable(message: str, *, hint: str | None = None) -> CliError:
    """No usable answer came from the server."""
    return CliError(message, code="server_unreachable", exit_code=ExitCode.UNREACHABLE, hint=hint)


def timed_out(message: str, *, hint: str | None = None) -> CliError:
    """Waiting took longer than `--timeout`."""
    return CliError(message, code="timed_out", exit_code=ExitCode.TIMED_OUT, hint=hint)


def epilog() -> str:
    """The exit codes as the last paragraphs of `kubecarrier --help` (\\b: not wrapped)."""
    codes = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANING.items())
    return (
        f"\b\nExit codes:\n{codes}\n\n"
        "The options above may stand anywhere on the line. KUBECARRIER_URL and KUBECARRIER_TOKEN "
        "stand in for a context."
    )
