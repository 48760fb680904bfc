"""mozilla-django-oidc's backend with our door, our checks and our identities."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts.oidc import id_token, provider
from accounts.oidc.config import config, enabled
from accounts.services.identities import identity_seen
from accounts.services.rechecks import seen_of


class OidcBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """The order of steps is its parent's (`authenticate`); each step that asks or judges is ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The parent would read endpoints from settings; ours come from discovery, when needed.
        self.OIDC_RP_CLIENT_ID = self.OIDC_RP_CLIENT_SECRET = ""
        self.answer: dict[str, Any] = {}

    def authenticate(self, request: Any, **kwargs: Any) -> Any:
        """The user of a code that came back; raises OidcError, ProviderError, DeniedError."""
        if not enabled() or "nonce" not in kwargs:
            return None
        return super().authenticate(request, **kwargs)

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The code for tokens."""
        form = {k: v for k, v in payload.items() if k not in {"client_id", "client_secret"}}
        self.answer = provider.token(config(), form)
        return self.answer

    def verify_token(self, token: Any, **kwargs: Any) -> dict[str, Any]:
        """Every check of an id token; the nonce is always there."""
        setup = config()
        return id_token.verified(
            token,
            setup,
            lambda kid: provider.keys(setup, kid),
            nonce=str(kwargs.get("nonce") or ""),
            access_token=str(self.answer.get("access_token") or ""),
        )

    def get_or_create_user(self, access_token: Any, id_token: Any, payload: Any) -> Any:
        """By issuer and subject; the identity comes along for the session."""
        identity = identity_seen(seen=seen_of(config(), payload, self.answer))
        user: Any = identity.user
        user.oidc_login = (identity, str(payload.get("sid") or ""), id_token)
        return user

    def get_user(self, user_id: Any) -> Any:
        """Somebody who is set inactive is logged out at once."""
        return ModelBackend().get_user(user_id)
