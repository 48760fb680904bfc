"""API tokens outside of API views (metrics)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


def user_of_token(request: HttpRequest) -> Any:
    """The owner of the token in `Authorization: Token …`; None without a valid one."""
    try:
        found = TokenAuthentication().authenticate(request)
    except AuthenticationFailed:
        return None
    return found[0] if found else None
