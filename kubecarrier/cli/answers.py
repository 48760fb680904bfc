"""Answers of the API: JSON objects, and errors in the portal's one form.

    {"error": {"code", "message", "field", "hint", "requestId", "data": {...}}}

A proxy or a login page in between answers in its own form; that is said, with
the first words of its text, instead of failing on a missing key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kubecarrier.cli.errors import CliError, ExitCode, exit_code_for

Document = dict[str, Any]

_QUOTED_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (lower-case names) and raw body."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Document:
        """The JSON object; `{}` where the body is empty. Raises CliError `bad_answer`."""
        if not self.content.strip():
            return {}
        parsed = self.parsed()
        if not isinstance(parsed, dict):
            raise bad_answer(self, "This does not look like the API of KubeCarrier.")
        return parsed

    def parsed(self) -> Any:
        """The JSON value, or None."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    @property
    def result(self) -> str:
        """`created`, `configured` or `unchanged`, as an apply answers."""
        by_status = {200: "unchanged", 201: "created", 202: "configured"}
        return self.headers.get("x-kubecarrier-result") or by_status.get(self.status, "configured")

    @property
    def etag(self) -> str:
        """The version of the document, for `If-Match`; empty if the server sent none."""
        return self.headers.get("etag", "")


def bad_answer(answer: Answer, message: str) -> CliError:
    """The server answered something that is not in the contract."""
    return CliError(
        f"{message} ({answer.status} {answer.headers.get('content-type', 'without content type')})",
        code="bad_answer",
        hint="Is the URL right, and is a proxy or a login page in between?",
        request_id=answer.headers.get("x-request-id"),
    )


def error_of(answer: Answer) -> CliError:
    """The error that an answer with a status of 400 or more stands for."""
    parsed = answer.parsed()
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if not isinstance(error, dict):
        error = {"code": f"http_{answer.status}", "message": _without_form(answer)}
    return CliError(
        str(error.get("message") or _phrase(answer.status)),
        code=str(error.get("code") or f"http_{answer.status}"),
        exit_code=exit_code_for(answer.status),
        field=_text(error.get("field")),
        hint=_text(error.get("hint")) or _hint(answer),
        request_id=_text(error.get("requestId")) or answer.headers.get("x-request-id"),
        data=error["data"] if isinstance(error.get("data"), dict) else None,
    )


def _without_form(answer: Answer) -> str:
    text = " ".join(answer.content[: 4 * _QUOTED_CHARACTERS].decode("utf-8", "replace").split())
    quoted = f": {text[:_QUOTED_CHARACTERS]}" if text and not text.startswith("<") else ""
    return f"The server answered {answer.status} {_phrase(answer.status)}{quoted}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _hint(answer: Answer) -> str | None:
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return "Log in with `kubecarrier login URL`."
    if after := answer.headers.get("retry-after"):
        return f"Try again in {after} s."
    return None


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def is_transient(error: CliError) -> bool:
    """Whether waiting may cure it: worth another poll, never another write."""
    return error.exit_code == ExitCode.UNREACHABLE or error.code in ("throttled", "http_429")
