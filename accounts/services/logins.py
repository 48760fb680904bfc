"""Logging in, logging out, and failing to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from accounts.models import ApiToken, User
from accounts.services.tokens import token_create, token_revoke
from kubecarrier.lib import audit
from kubecarrier.lib.errors import DeniedError

_NOBODY = uuid.UUID(int=0)


@transaction.atomic
def login(*, user: Any, name: str, scopes: Iterable[str] = ()) -> tuple[ApiToken, str]:
    """A token for somebody who just proved to be `user`."""
    if audit.is_machine(user):
        raise DeniedError("machine_session", "A service account does not log in; it has tokens.")
    with audit.as_actor(user):
        audit.event("login", user)
        return token_create(user=user, name=name, scopes=scopes)


@transaction.atomic
def logout(*, user: Any, token: ApiToken | None) -> None:
    """The token that the request came with is forgotten."""
    audit.event("logout", user)
    if token is not None:
        token_revoke(token=token)


def login_refused(*, code: str) -> None:
    """A login by a provider or a directory that came to nothing."""
    nobody = User(pk=_NOBODY, username="(unknown)")
    audit.event("login-failed", nobody, said=code, result=audit.Outcome.FAILED)


def login_locked(*, username: str) -> None:
    """Somebody was told to wait; names that nobody has are not kept."""
    known = User.objects.filter(username=username).first()
    nobody = User(pk=_NOBODY, username="(unknown)")
    audit.event("login-locked", known or nobody, result=audit.Outcome.DENIED)


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
