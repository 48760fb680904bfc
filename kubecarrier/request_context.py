"""The acting context of a web request: actor, channel, request id, reason, address."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

import structlog
from django.http import HttpRequest, HttpResponse

from kubecarrier.lib import audit

_REQUEST_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")


class RequestContextMiddleware:
    """Binds the context around the request and names the request in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = _request_id(request)
        context = audit.AuditContext(
            channel=_channel(request),
            actor=lambda: getattr(request, "user", None),
            request_id=request_id,
            # Percent-encoded, because a header holds ASCII only.
            reason=unquote(request.headers.get("X-KubeCarrier-Reason", ""))[:500],
            address=request.META.get("REMOTE_ADDR") or None,
        )
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            with audit.acting(context):
                response = self.get_response(request)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        response["X-Request-ID"] = request_id
        return response


def _request_id(request: HttpRequest) -> str:
    """The caller's id where it has a harmless form, else a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.match(given) else audit.new_request_id()


def _channel(request: HttpRequest) -> audit.Channel:
    if not request.path.startswith("/api/"):
        return audit.Channel.CONSOLE
    said = request.headers.get("X-KubeCarrier-Channel", "")
    return audit.Channel.CLI if said == "cli" else audit.Channel.API
