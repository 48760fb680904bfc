"""Logging in, and failing to."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from accounts.models import ApiToken, User
from accounts.services.tokens import token_create
from kubecarrier.lib import audit

_NOBODY = uuid.UUID(int=0)


@transaction.atomic
def login(*, user: Any, name: str) -> tuple[ApiToken, str]:
    """A token for somebody who just proved to be `user`."""
    with audit.as_actor(user):
        audit.event("login", user)
        return token_create(user=user, name=name)


def login_failed(*, username: str) -> None:
    """Keep on record that somebody failed to log in; an unknown name is not kept.

    People type passwords into the field of the name.
    """
    known = User.objects.filter(username=username).first()
    audit.event(
        "login-failed",
        known or User(pk=_NOBODY, username="(unknown)"),
        result=audit.Outcome.FAILED,
    )
