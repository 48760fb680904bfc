"""Tokens: make and revoke."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import ApiToken


@transaction.atomic
def token_create(*, user: Any, name: str) -> tuple[ApiToken, str]:
    """A new token of `user` and its secret, which is shown once and stored hashed."""
    token, secret = ApiToken.objects.create(user=user, name=name)
    return token, secret


@transaction.atomic
def token_revoke(*, token: ApiToken) -> None:
    """The token stops working at once."""
    token.delete()
