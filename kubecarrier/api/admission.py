"""Whether who opened a stream may still have it: a token is revoked, a person leaves, a session ends."""

from __future__ import annotations

from typing import Any

from django.contrib import auth
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from kubecarrier.lib.audit import may_operate


def admitted_again(request: Request) -> Any | None:
    """The person as the request's credential stands now; None once it is worth nothing."""
    http = request._request
    session = getattr(http, "session", None)
    if session is not None:
        http.session = type(session)(session.session_key)  # what was read before is forgotten
        http.user = auth.get_user(http)
    ways: Any = request.authenticators
    try:
        user = Request(http, authenticators=ways).user
    except APIException:
        return None
    return user if may_operate(user) else None
