"""The acting context of a web request: actor, channel, request id, reason, address.

It is also the one place where refusals of the console and the API come by:
they are put on record here, after the refused transaction is over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from kubecarrier import forwarded
from kubecarrier.lib import audit

log = structlog.get_logger(__name__)
_REQUEST_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")
_NEVER = re.compile(r"[\x00-\x1f\x7f]+")  # PostgreSQL refuses NUL; the rest forges log lines
_REFUSED = frozenset({401, 403})
_ABSENT = 404


class RequestContextMiddleware:
    """Binds the context around the request and names the request in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _believe_proxies(request)
        request_id = _request_id(request)
        context = audit.AuditContext(
            channel=_channel(request),
            actor=lambda: getattr(request, "user", None),
            request_id=request_id,
            # Percent-encoded, because a header holds ASCII only.
            reason=_NEVER.sub(" ", unquote(request.headers.get("X-KubeCarrier-Reason", "")))[:500],
            address=request.META.get("REMOTE_ADDR") or None,
        )
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            with audit.acting(context):
                response = self.get_response(request)
                _keep_refusals(request, response, context)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        response["X-Request-ID"] = request_id
        return response


def _believe_proxies(request: HttpRequest) -> None:
    """`REMOTE_ADDR` becomes the caller's for everything behind: audit, log-in limits, networks."""
    peer = request.META.get("REMOTE_ADDR", "")
    trusted = settings.KUBECARRIER_TRUSTED_PROXIES
    if not forwarded.peer_is_trusted(peer, trusted):
        request.META.pop("HTTP_X_FORWARDED_PROTO", None)
    chain = request.META.get("HTTP_X_FORWARDED_FOR", "")
    request.META["REMOTE_ADDR"] = forwarded.caller(peer, chain, trusted) or ""


def _keep_refusals(request: HttpRequest, response: HttpResponse, context: Any) -> None:
    """A refusal of somebody known is on record; the refusal itself never depends on that.

    What was answered as absent is looked for after the answer was sent: it must
    take no longer than what does not exist.
    """
    if not context.denials and response.status_code not in _REFUSED:
        return
    user: Any = getattr(request, "user", None)
    if not getattr(user, "pk", None):
        return
    said = f"{request.method} {request.path}"
    known = [one for one in context.denials if one.find is None]
    if not known and response.status_code in _REFUSED:
        known = [audit.Denial("")]
    for denial in known:
        _keep(denial.row or user, denial.permission, said)
    sought = [one for one in context.denials if one.find is not None]
    if sought and response.status_code == _ABSENT:
        # Called once the body is out; the only hook that runs then.
        later = partial(_keep_hidden, sought, context, said)
        response._resource_closers.append(later)  # type: ignore[attr-defined]  # Django's own


def _keep_hidden(denials: list[audit.Denial], context: audit.AuditContext, said: str) -> None:
    try:
        with audit.acting(context):
            for denial in denials:
                if denial.find is not None and (row := denial.find()) is not None:
                    _keep(row, denial.permission, said)
    except DatabaseError:
        log.exception("denied act not recorded")


def _keep(row: Any, permission: str, said: str) -> None:
    text = f"{said} ({permission})" if permission else said
    try:
        audit.event("denied", row, said=text, result=audit.Outcome.DENIED)
    except DatabaseError:
        log.exception("denied act not recorded")


def _request_id(request: HttpRequest) -> str:
    """The caller's id where it has a harmless form, else a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.match(given) else audit.new_request_id()


def _channel(request: HttpRequest) -> audit.Channel:
    if not request.path.startswith(("/api/", "/helm/")):
        return audit.Channel.CONSOLE
    said = request.headers.get("X-KubeCarrier-Channel", "")
    return audit.Channel.CLI if said == "cli" else audit.Channel.API
