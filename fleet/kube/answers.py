"""From an HTTP answer to an object or to one of our errors."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import orjson

from fleet.kube.transport import Answer
from fleet.kube_errors import (
    MESSAGE_LIMIT,
    AlreadyExists,
    Conflict,
    FieldConflict,
    Forbidden,
    Gone,
    Invalid,
    KubeError,
    NotFound,
    Rejected,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from kubecarrier.lib.redaction import redact

_BY_STATUS: dict[int, type[KubeError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
}
_MAX_WAIT_SECONDS = 3600.0
_MAX_CAUSES = 20


def object_of(answer: Answer, secrets: Iterable[str]) -> dict[str, Any]:
    """The JSON object of a 2xx answer; everything else raises a KubeError."""
    if not 200 <= answer.status < 300:
        raise error_of(answer, secrets)
    try:
        value = orjson.loads(answer.body)
    except ValueError as error:
        raise ServerError("The answer is no JSON.", status=answer.status) from error
    if not isinstance(value, dict):
        raise ServerError("The answer is no JSON object.", status=answer.status)
    return value


def error_of(answer: Answer, secrets: Iterable[str]) -> KubeError:
    """The error for a status that is not 2xx. The server's text is redacted, then cut."""
    details = _status_object(answer.body)
    reason = str(details.get("reason") or "")
    message = redact(str(details.get("message") or _named(answer.status)), secrets)
    if answer.status == 429 or answer.status >= 500:
        kind = TooManyRequests if answer.status == 429 else ServerError
        return kind(
            message, status=answer.status, reason=reason, retry_after_seconds=_retry_after(answer)
        )
    if answer.status == 409 and reason == "AlreadyExists":
        return AlreadyExists(message, status=409, reason=reason)
    if answer.status == 409:
        return Conflict(message, status=409, reason=reason, fields=_field_conflicts(details))
    if answer.status == 422 and (causes := _causes(details, secrets)):
        return Invalid(message, status=422, reason=reason, causes=causes)
    kind_of = _BY_STATUS.get(answer.status, Rejected)
    return kind_of(message, status=answer.status, reason=reason)


def _named(status: int) -> str:
    """Where the server gave no words."""
    known = {item.value: item.phrase for item in HTTPStatus}
    return f"HTTP {status} {known.get(status, '')}".strip()


def _status_object(body: bytes) -> dict[str, Any]:
    """Kubernetes' `Status`, or an empty dict when something else answered (a proxy's HTML)."""
    try:
        value = orjson.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) and value.get("kind") == "Status" else {}


def _field_conflicts(status: dict[str, Any]) -> tuple[FieldConflict, ...]:
    """Who owns which field; the manager stands quoted in the cause's message."""
    causes = (status.get("details") or {}).get("causes") or []
    return tuple(
        FieldConflict(
            field=str(cause.get("field", "")), manager=_quoted(str(cause.get("message", "")))
        )
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    )


def _causes(status: dict[str, Any], secrets: Iterable[str]) -> list[dict[str, str]]:
    """Each field that was refused, with why; redacted and cut like the message."""
    causes = (status.get("details") or {}).get("causes") or []
    return [
        {
            "field": str(cause.get("field") or "")[:MESSAGE_LIMIT],
            "message": redact(str(cause.get("message") or ""), secrets)[:MESSAGE_LIMIT],
        }
        for cause in causes[:_MAX_CAUSES]
        if isinstance(cause, dict)
    ]


def _quoted(text: str) -> str:
    parts = text.split('"')
    return parts[1] if len(parts) > 2 else text


def _retry_after(answer: Answer) -> float | None:
    """Seconds; the API server never sends the date form."""
    try:
        seconds = float(answer.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(seconds, _MAX_WAIT_SECONDS) if seconds >= 0 else None
