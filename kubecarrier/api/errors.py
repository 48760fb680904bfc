"""The one renderer of errors for the API: code, message, field, hint, request id."""

from __future__ import annotations

import math
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.utils import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from kubecarrier.lib import audit
from kubecarrier.lib.errors import KubeCarrierError

log = structlog.get_logger(__name__)
RETRY_AFTER_SECONDS = 5


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; None lets an unforeseen error become a logged 500."""
    return _rendered(error)


def _rendered(error: Exception) -> Response | None:
    match error:
        case KubeCarrierError():
            response = _answer(
                error.http_status, error.code, error.message, error.field, error.hint, error.data
            )
            if error.http_status == 503:
                response["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return response
        case exceptions.ValidationError():
            field, code, message = first_problem(error.detail)
            return _answer(400, code, message, field, None, {"problems": problems(error.detail)})
        case ValidationError():
            field, message = _first_django(error)
            return _answer(400, "invalid", message, field, None, {})
        case exceptions.Throttled():
            response = _answer(429, "throttled", str(error.detail), None, None, {})
            response["Retry-After"] = str(math.ceil(getattr(error, "wait", None) or 1))
            return response
        case exceptions.APIException():
            code = str(error.get_codes()) if isinstance(error.get_codes(), str) else "invalid"
            response = _answer(error.status_code, code, str(error.detail), None, None, {})
            if header := getattr(error, "auth_header", None):
                response["WWW-Authenticate"] = header
            return response
        case Http404():
            return _answer(404, "not_found", "Not found.", None, None, {})
        case PermissionDenied():
            return _answer(403, "denied", "You may not do this.", None, None, {})
        case OperationalError() | InterfaceError():
            log.warning("database unavailable", error=type(error).__name__)
            response = _answer(
                503, "database_unavailable", "The database does not answer.", None, None, {}
            )
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return response
    return None


def body(
    code: str,
    message: str,
    field: str | None = None,
    hint: str | None = None,
    data: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The one error form."""
    return {
        "error": {
            "code": code,
            "message": message,
            "field": field,
            "hint": hint,
            "requestId": audit.current().request_id,
            "data": data or {},
        }
    }


def of(error: KubeCarrierError) -> dict[str, Any]:
    """An error as it stands inside another answer (one item of several)."""
    inner: dict[str, Any] = body(error.code, error.message, error.field, error.hint, error.data)[
        "error"
    ]
    return inner


def _answer(
    status: int,
    code: str,
    message: str,
    field: str | None,
    hint: str | None,
    data: dict[str, Any],
) -> Response:
    return Response(body(code, message, field, hint, data), status=status)


def problems(detail: Any, path: str = "") -> list[dict[str, str]]:
    """DRF's nested errors as a flat list of field, code and message."""
    if isinstance(detail, dict):
        found = []
        for key, value in detail.items():
            inner = path if key == "non_field_errors" else f"{path}.{key}".lstrip(".")
            found += problems(value, inner)
        return found
    if isinstance(detail, list):
        return [problem for item in detail for problem in problems(item, path)]
    return [{"field": path, "code": getattr(detail, "code", "invalid"), "message": str(detail)}]


def first_problem(detail: Any) -> tuple[str | None, str, str]:
    """Field, code and message of the first problem."""
    found = problems(detail)
    if not found:
        return None, "invalid", "The request is not valid."
    return found[0]["field"] or None, found[0]["code"], found[0]["message"]


def _first_django(error: ValidationError) -> tuple[str | None, str]:
    if hasattr(error, "error_dict"):
        field, messages = next(iter(error.message_dict.items()))
        return (None if field == "__all__" else field), str(messages[0])
    return None, str(error.messages[0])
