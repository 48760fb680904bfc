"""From HTTP answers to errors."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from fleet import kube_errors as errors
from fleet.kube.answers import error_of, object_of
from fleet.kube.transport import Answer
from kubecarrier.lib.errors import TerminalError, TransientError

SECRET = "canary-secret-value"


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Answer(status, headers, raw)


def failure(status: int, reason: str = "", message: str = "no", **more: Any) -> Answer:
    return answer(status, {"kind": "Status", "reason": reason, "message": message, **more})


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "BadRequest", errors.Invalid),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (405, "MethodNotAllowed", errors.Rejected),
        (409, "AlreadyExists", errors.AlreadyExists),
        (409, "Conflict", errors.Conflict),
        (410, "Expired", errors.Gone),
        (413, "RequestEntityTooLarge", errors.Rejected),
        (422, "Invalid", errors.Invalid),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.ServerError),
        (503, "ServiceUnavailable", errors.ServerError),
        (504, "Timeout", errors.ServerError),
        (301, "", errors.Rejected),
    ],
)
def test_each_status_has_its_error(status: int, reason: str, kind: type[errors.KubeError]) -> None:
    error = error_of(failure(status, reason), ())
    assert type(error) is kind
    assert (error.status, error.reason) == (status, reason)
    assert isinstance(error, TransientError) == (status >= 429)


def test_a_later_try_is_no_use_for_a_refused_credential() -> None:
    assert isinstance(error_of(failure(401), ()), TerminalError)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 0.0), ("-1", None), ("soon", None), ("999999", 3600)]
)
def test_retry_after(header: str, seconds: float | None) -> None:
    error = error_of(answer(429, {}, **{"retry-after": header}), ())
    assert isinstance(error, errors.TooManyRequests)
    assert error.retry_after_seconds == seconds


def test_field_conflicts_name_their_managers() -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "hpa" using autoscaling/v2',
        "field": ".spec.replicas",
    }
    error = error_of(failure(409, "Conflict", details={"causes": [cause, {"reason": "Other"}]}), ())
    assert isinstance(error, errors.Conflict)
    assert error.fields == (errors.FieldConflict(".spec.replicas", "hpa"),)


def test_text_is_redacted_then_cut() -> None:
    error = error_of(failure(422, "Invalid", "x" * 490 + SECRET), [SECRET])
    assert len(error.message) <= errors.MESSAGE_LIMIT
    assert "canary" not in error.message


@pytest.mark.parametrize("body", [b"<html>", b"", b"null", b"[]", b"\xff"])
def test_html_with_200_is_an_error_and_no_empty_answer(body: bytes) -> None:
    with pytest.raises(errors.ServerError):
        object_of(answer(200, body), ())


@pytest.mark.parametrize("body", [b"<html>" + b"x" * 9000, b"", b'{"kind":"Evil","message":1}'])
def test_a_proxys_own_error_page_is_not_shown(body: bytes) -> None:
    assert error_of(answer(502, body), ()).message == "HTTP 502 Bad Gateway"
