"""Actions: POST, then say what happened, then wait if there is something to wait for.

The server answers `{"object": doc?, "operation": doc?}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import typer

from kubecarrier.cli import waiting
from kubecarrier.cli.answers import Document
from kubecarrier.cli.api import Api
from kubecarrier.cli.options import (
    DEFAULT_TIMEOUT,
    DryRun,
    Output,
    Timeout,
    Wait,
    dry,
    seconds,
)
from kubecarrier.cli.output import Format, echo, name_of, note, result_line, write_data


@dataclass(frozen=True, slots=True)
class Manner:
    """How a write is done and told: the options that all writes share (`bundles.spread`)."""

    form: Output = Format.TABLE
    dry_run: DryRun = False
    wait: Wait = False
    timeout: Timeout = DEFAULT_TIMEOUT

    @property
    def seconds(self) -> float | None:
        """The time-out; None is for ever."""
        return seconds(self.timeout)


#: For what people usually wait for, and for what they do not.
WAITING, AT_ONCE = Manner(wait=True), Manner()
#: The options of a write that there is nothing to wait for.
NO_WAIT = ("wait", "timeout")


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is done to, and the participle that tells of it."""

    plural: str
    singular: str
    name: str
    verb: str


def act_on(
    ctx: typer.Context, subject: Subject, action: str, body: Mapping[str, Any], manner: Manner
) -> None:
    """POST an action of one object; what the person left empty is not sent."""
    from kubecarrier.cli.api import path_of
    from kubecarrier.cli.session import connect

    sent = {key: value for key, value in body.items() if value not in ("", None)}
    path = path_of(subject.plural, subject.name, action)
    act(connect(ctx), path, sent, (subject.singular, subject.name, subject.verb), manner)


def act(api: Api, path: str, body: object, what: tuple[str, str, str], manner: Manner) -> None:
    """POST the action; `what` is singular, name and the participle to print."""
    manner.seconds  # noqa: B018  a wrong --timeout must be said before anything is done
    answer = api.post(path, body, dry(dry_run=manner.dry_run))
    finish(api, answer, what, manner)


def finish(api: Api, answer: Document, what: tuple[str, str, str], manner: Manner) -> None:
    """Tell and wait, for an answer of an action."""
    singular, name, verb = what
    operation = answer.get("operation")
    if manner.form.is_table:
        echo(result_line(singular, name, verb, dry_run=manner.dry_run))
    if isinstance(operation, dict) and not manner.dry_run:
        operation = _follow(api, operation, manner)
    tell(answer.get("object") or operation or answer, singular, name, manner)


def tell(document: Document, singular: str, name: str, manner: Manner) -> None:
    """The outcome for a program; people read the line of `result_line`."""
    if manner.form is Format.NAME:
        echo(f"{singular}/{name}")
    elif not manner.form.is_table:
        write_data(document, manner.form)


def _follow(api: Api, operation: Document, manner: Manner) -> Document:
    if manner.wait:
        return waiting.operation(api, name_of(operation), manner.seconds)
    note(f"Follow it with `kubecarrier operation wait {name_of(operation)}`.")
    return operation
