"""Waiting for what the server does in the background.

It polls: an operation or an object is one small request, a poll survives
restarts of the server, and Ctrl-C stops the waiting, never the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kubecarrier.cli.answers import Document, is_transient
from kubecarrier.cli.api import Api, path_of
from kubecarrier.cli.errors import CliError, ExitCode, timed_out
from kubecarrier.cli.output import name_of, note
from kubecarrier.cli.progress import Progress, Target, progress
from kubecarrier.cli.tables import at_path

FIRST_POLL_SECONDS = 0.5
LONGEST_POLL_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one poll saw. `failure` ends the waiting with exit code 1."""

    title: str
    done: bool
    targets: tuple[Target, ...] = ()
    failure: str = ""
    document: Document | None = None


def operation(api: Api, name: str, seconds: float | None) -> Document:
    """Wait until the operation finished; raises CliError `operation_failed` or `timed_out`."""
    hint = f"It goes on; `kubecarrier operation wait {name}` waits again."
    return _until(lambda: _look_operation(api, name), seconds, f"operation/{name}", hint)


def ready(api: Api, plural: str, singular: str, name: str, seconds: float | None) -> Document:
    """Wait until the present generation was observed and is Ready.

    Raises CliError `stalled`, `suspended` or `timed_out`.
    """
    hint = f"It goes on; `kubecarrier get {plural} {name} --watch` shows how."
    return _until(lambda: _look_ready(api, plural, name), seconds, f"{singular}/{name}", hint)


def gone(api: Api, plural: str, singular: str, name: str, seconds: float | None) -> None:
    """Wait until the object does not exist any more."""
    hint = f"`kubecarrier describe {plural} {name}` shows what it waits for."
    _until(lambda: _look_gone(api, plural, name), seconds, f"{singular}/{name}", hint)


def _until(look: Callable[[], Look], seconds: float | None, what: str, hint: str) -> Document:
    deadline = None if seconds is None else time.monotonic() + seconds
    pause, problem = FIRST_POLL_SECONDS, ""
    try:
        with progress() as shown:
            while True:
                seen, problem = _tolerant(look, shown)
                if seen is not None and (seen.done or seen.failure):
                    break
                if deadline is not None and time.monotonic() + pause > deadline:
                    raise timed_out(
                        f"{what} was not done within {seconds:.0f} s. {problem}", hint=hint
                    )
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_POLL_SECONDS)
    except KeyboardInterrupt:
        note(f"Waiting was interrupted. {hint}")
        raise
    if seen.failure:
        raise CliError(f"{what}: {seen.failure}", code="failed", hint=_failed_targets(seen))
    return seen.document or {}


def _tolerant(look: Callable[[], Look], shown: Progress) -> tuple[Look | None, str]:
    """One look; a server that is away for a moment is looked at again."""
    try:
        seen = look()
    except CliError as error:
        if not is_transient(error):
            raise
        return None, error.message
    shown.show(seen.title, seen.targets)
    return seen, ""


def _failed_targets(seen: Look) -> str | None:
    failed = [f"{t.name}: {t.message or t.status}" for t in seen.targets if t.status == "failed"]
    return "; ".join(failed) or None


def _look_operation(api: Api, name: str) -> Look:
    document = api.get(path_of("operations", name))
    status = document.get("status") or {}
    count = status.get("progress") or {}
    targets = tuple(_target(item) for item in status.get("targets") or [])
    finished = bool(status.get("finished"))
    failed = finished and not status.get("succeeded")
    return Look(
        title=f"operation/{name}: {count.get('done', 0)} of {count.get('total', 0)}",
        done=finished,
        targets=targets,
        failure=_operation_failure(status) if failed else "",
        document=document,
    )


def _operation_failure(status: Document) -> str:
    return f"the operation failed. {status.get('message') or ''}".strip()


def _target(item: Document) -> Target:
    words = (str(item.get(key) or "") for key in ("name", "status", "message"))
    return Target(*words)


def _look_ready(api: Api, plural: str, name: str) -> Look:
    document = api.get(path_of(plural, name))
    targets = _releases(api, name) if plural == "applications" else ()
    observed = _is_observed(document)
    return Look(
        title=f"{name}: {_word(document)}",
        # A kind without conditions is done as soon as it is stored.
        done=observed and at_path(document, "status.ready") in ("True", None),
        targets=targets,
        failure=_standstill(document),
        document=document,
    )


def _is_observed(document: Document) -> bool:
    generation = at_path(document, "metadata.generation")
    return generation is None or at_path(document, "status.observedGeneration") == generation


def _releases(api: Api, application: str) -> tuple[Target, ...]:
    items = api.items("releases", {"application": application})
    return tuple(Target(name_of(item), _word(item), _message(item, "Ready")) for item in items)


def _word(document: Document) -> str:
    """One word for a person: the summary, if it is about the present generation."""
    if not _is_observed(document):
        return "pending"
    words = {"True": "ready", "False": "not ready"}
    return words.get(str(at_path(document, "status.ready")), "unknown")


def _standstill(document: Document) -> str:
    """Why no waiting will help, or nothing."""
    if at_path(document, "spec.suspended") or at_path(document, "status.suspended"):
        return "it is paused, so nothing will change."
    stalled = _condition(document, "Stalled")
    current = at_path(document, "metadata.generation")
    if stalled.get("status") == "True" and stalled.get("observedGeneration", current) == current:
        return str(stalled.get("message") or stalled.get("reason") or "it is stalled.")
    return ""


def _condition(document: Document, name: str) -> Document:
    for condition in at_path(document, "status.conditions") or []:
        if isinstance(condition, dict) and condition.get("type") == name:
            return condition
    return {}


def _message(document: Document, condition: str) -> str:
    return str(_condition(document, condition).get("message") or "")


def _look_gone(api: Api, plural: str, name: str) -> Look:
    try:
        document = api.get(path_of(plural, name))
    except CliError as error:
        if error.exit_code != ExitCode.NOT_FOUND:
            raise
        return Look(f"{name}: gone", done=True)
    return Look(f"{name}: being deleted", done=False, failure=_deletion_failure(document))


def _deletion_failure(document: Document) -> str:
    stalled = _condition(document, "Stalled")
    return str(stalled.get("message") or "") if stalled.get("status") == "True" else ""
