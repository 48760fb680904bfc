"""Tokens: make and revoke."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import granting
from accounts import networks as networks_
from accounts import scopes as scopes_
from accounts.models import ApiToken
from kubecarrier.lib import access
from kubecarrier.lib.errors import InvalidError

TOKENS_PER_USER = 200


@transaction.atomic
def token_create(
    *,
    user: Any,
    name: str,
    scopes: Iterable[str] = (),
    networks: Iterable[str] = (),
    lifetime: timedelta | None = None,
    actor: Any = None,
) -> tuple[ApiToken, str]:
    """A new token of `user` and its secret, which is shown once and stored hashed.

    `actor` makes it, `user` itself unless said otherwise. Without a lifetime it
    lives as long as the setting says. Raises InvalidError, DeniedError.
    """
    actor = user if actor is None else actor
    wanted = scopes_.checked(scopes)
    scopes_.require_narrower(actor, wanted)
    if ApiToken.objects.filter(user=user).count() >= TOKENS_PER_USER:
        raise InvalidError(
            "tokens_too_many",
            f"{user} has {TOKENS_PER_USER} tokens already.",
            hint="Revoke those that nobody uses.",
        )
    token, secret = ApiToken.objects.create(
        user=user,
        expiry=_lifetime(lifetime),
        title=name,
        scopes=wanted,
        networks=networks_.checked(networks),
        made_by=actor,
    )
    return token, secret


def _lifetime(wanted: timedelta | None) -> timedelta:
    most: timedelta = settings.KUBECARRIER_TOKEN_MAX_LIFETIME
    if wanted is None:
        usual: Any = settings.REST_KNOX["TOKEN_TTL"]
        return most if usual > most else timedelta(seconds=usual.total_seconds())
    if not timedelta(minutes=1) <= wanted <= most:
        raise InvalidError(
            "lifetime_invalid",
            f"A token lives at least a minute and at most {most.days} days.",
            field="lifetimeSeconds",
            maxSeconds=int(most.total_seconds()),
        )
    return wanted


@transaction.atomic
def token_create_for(
    *,
    actor: Any,
    account: Any,
    name: str,
    scopes: Iterable[str] = (),
    networks: Iterable[str] = (),
    lifetime: timedelta | None = None,
) -> tuple[ApiToken, str]:
    """A token of a service account; raises DeniedError without `serviceaccounts.token`.

    Also where the token would reach further than who makes it, and thereby holds it.
    """
    access.require(actor, "serviceaccounts.token", account)
    wanted = scopes_.checked(scopes)
    granting.check_machine(account.user, wanted)
    return token_create(
        user=account.user, name=name, scopes=wanted, networks=networks, lifetime=lifetime,
        actor=actor,
    )  # fmt: skip


@transaction.atomic
def token_revoke(*, token: ApiToken) -> None:
    """The token stops working at once."""
    token.delete()


@transaction.atomic
def tokens_revoke(*, user: Any) -> int:
    """All tokens of a user stop working at once; how many. Each leaves its audit entry."""
    found = list(ApiToken.objects.filter(user=user))
    for token in found:
        token.delete()
    return len(found)


@transaction.atomic
def token_delete(*, actor: Any, row: ApiToken) -> None:
    """Revoke as a person: one's own always, another's with the right to it; raises DeniedError."""
    if row.user_id != actor.pk:
        access.require(actor, *revoking(row))
    token_revoke(token=row)


def revoking(row: ApiToken) -> tuple[str, Any]:
    """What is asked for to revoke it, and on what: a machine's tokens go with the machine."""
    account = getattr(row.user, "service_account", None)
    return ("apitokens.delete", row) if account is None else ("serviceaccounts.token", account)
