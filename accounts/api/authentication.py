"""API tokens: who comes with one, from where, and what it is meant for."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import networks
from accounts.models import ApiToken
from kubecarrier.lib import audit

_NOTED_EVERY = timedelta(minutes=1)


class ApiTokenAuthentication(TokenAuthentication):  # type: ignore[misc]
    """knox's header, one query, and our columns: expiry, networks, scopes, last use."""

    def authenticate(self, request: Request | HttpRequest) -> Any:
        # Kept for authenticate_credentials, which knox calls with the token alone.
        self.address = request.META.get("REMOTE_ADDR")
        return super().authenticate(request)

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        """The owner, who carries the token's scopes, and the token."""
        found = token_of(token, getattr(self, "address", None))
        if found is None:
            raise AuthenticationFailed("Invalid token.")
        return found.user, found


def token_of(secret: bytes, address: str | None) -> ApiToken | None:
    """The valid token with that secret, used from that address; its user carries its scopes."""
    try:
        text = secret.decode("ascii")
        digest = hash_token(text)
    except (UnicodeDecodeError, ValueError, TypeError):
        return None
    rows = ApiToken.objects.select_related("user").filter(
        token_key=text[: CONSTANTS.TOKEN_KEY_LENGTH]
    )
    found: ApiToken | None = next(
        (row for row in rows if hmac.compare_digest(row.digest, digest)), None
    )
    if found is None or not found.user.is_active:
        return None
    now = timezone.now()
    if found.expiry is not None and found.expiry <= now:
        return None
    if not networks.holds(found.networks, address):
        return None
    _note_use(found, address)
    found.user.token_scopes = frozenset(found.scopes) or None
    return found


def _note_use(token: ApiToken, address: str | None) -> None:
    """At most once a minute: an UPDATE that finds nothing to do costs no write."""
    now = timezone.now()
    here = networks.parsed(address)
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - _NOTED_EVERY:
        with audit.unaudited("when it was last used is status"):
            ApiToken.objects.filter(stale, pk=token.pk).update(
                last_used_at=now, last_used_address=str(here) if here else None
            )


def user_of_token(request: HttpRequest) -> Any:
    """The owner of the token in `Authorization: Token …`, outside of API views; None without one."""
    try:
        found = ApiTokenAuthentication().authenticate(request)
    except AuthenticationFailed:
        return None
    return found[0] if found else None


class _Scheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document calls it."""

    target_class = ApiTokenAuthentication
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        text = "Token kc_..."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": text}
