"""Questions to the person at the terminal; without one there is an error, never a hang."""

from __future__ import annotations

import sys

from kubecarrier.cli.errors import CliError, ExitCode, usage_error


def has_terminal() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, *, otherwise: str) -> str:
    """One line; `otherwise` is the option that answers without a terminal."""
    _require_terminal(question, otherwise)
    sys.stderr.write(f"{question}: ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise _aborted()
    return line.strip()


def ask_password(question: str, *, otherwise: str) -> str:
    """One line without echo."""
    from getpass import getpass

    _require_terminal(question, otherwise)
    try:
        return getpass(f"{question}: ", stream=sys.stderr)
    except EOFError:
        raise _aborted() from None


def confirm(question: str, *, yes: bool) -> None:
    """Go on only after a yes; raises CliError `aborted`, or a usage error without a terminal."""
    if yes:
        return
    if ask(f"{question} [y/N]", otherwise="--yes").lower() not in ("y", "yes"):
        raise _aborted()


def read_secret_line(option: str) -> str:
    """The first line of stdin, for `--password-stdin` and its like."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise usage_error(f"{option} was given, but stdin is empty.")
    return line


def _require_terminal(question: str, otherwise: str) -> None:
    if not has_terminal():
        raise usage_error(f"There is no terminal to ask on ({question}).", hint=f"Use {otherwise}.")


def _aborted() -> CliError:
    return CliError("Nothing was done.", code="aborted", exit_code=ExitCode.ERROR)
