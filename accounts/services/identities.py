"""People as a provider or a directory vouches for them: seen, not seen any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import Identity, IdentityMapping, User
from accounts.services.memberships import user_groups_moved
from accounts.services.people import user_save
from accounts.services.sessions import sessions_end
from accounts.services.tokens import tokens_revoke
from kubecarrier.lib import audit, crypto
from kubecarrier.lib.errors import DeniedError


@dataclass(frozen=True, slots=True)
class Seen:
    """What the provider said of somebody."""

    source: str
    issuer: str
    subject: str
    username: str
    groups: Sequence[str]
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    admit_everyone: bool = False
    refresh_token: str = field(default="", repr=False)
    check_due_at: datetime | None = None


@transaction.atomic
def identity_seen(*, seen: Seen) -> Identity:
    """The identity with its user, whose groups now follow the mappings; raises DeniedError.

    Only groups that some mapping of this source names are given and taken:
    others are given by hand and stay.
    """
    row = (
        Identity.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(issuer=seen.issuer, subject=seen.subject)
        .first()
    )
    mappings = list(IdentityMapping.objects.filter(source=seen.source).select_related("group"))
    wanted = {one.group for one in mappings if is_among(one.value, seen.groups)}
    if not wanted and not seen.admit_everyone:
        raise DeniedError(
            "sso_not_admitted",
            "None of your groups is let into this portal.",
            hint="An administrator maps groups under Access → Identity mappings.",
        )
    if row is None:
        row = Identity(issuer=seen.issuer, subject=seen.subject, source=seen.source)
        row.user = _new_user(seen)
    if row.ended_at is not None:
        row.user.is_active, row.ended_at = True, None
        user_save(user=row.user)
    if not row.user.is_active:
        raise DeniedError("account_disabled", "This account is disabled here.")
    _refresh_user(row.user, seen)
    managed = {one.group for one in mappings}
    have = set(row.user.groups.all())
    user_groups_moved(user=row.user, gained=wanted - have, lost=(have & managed) - wanted)
    row.groups = sorted(seen.groups)
    if seen.refresh_token:
        crypto.seal(row, "refresh_token", seen.refresh_token)
    row.confirmed_at = timezone.now()
    row.check_due_at = seen.check_due_at
    row.save()
    return row


@transaction.atomic
def identity_ended(*, identity: Identity, reason: str, deactivate: bool = False) -> None:
    """The provider does not vouch any more: sessions and tokens end, at once."""
    user = identity.user
    audit.event("access-ended", user, said=reason)
    sessions_end(user=user)
    tokens_revoke(user=user)
    ended_at = None
    if deactivate and user.is_active:
        user.is_active, ended_at = False, timezone.now()
        user_save(user=user)
    Identity.objects.filter(pk=identity.pk).update(
        refresh_token="", check_due_at=None, ended_at=ended_at
    )


def is_among(value: str, groups: Iterable[str]) -> bool:
    """Whether a mapping's value is one of somebody's groups; case is nothing to names and DNs."""
    wanted = value.casefold()
    return any(wanted == group.casefold() for group in groups)


def _new_user(seen: Seen) -> User:
    taken = User.objects.filter(username__iexact=seen.username).exists()
    if taken or seen.username.startswith(audit.MACHINE_PREFIX):
        raise DeniedError(
            "sso_name_taken",
            f"Another account is called “{seen.username}” here.",
            hint="Accounts are told apart by the provider's id, never by name or e-mail. "
            "An administrator can rename the other one.",
        )
    user = User(username=seen.username)
    user.set_unusable_password()
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        raise DeniedError(
            "sso_name_invalid", "The provider's name for you cannot be used."
        ) from error
    return user


def _refresh_user(user: Any, seen: Seen) -> None:
    """Name and address are the provider's; the right to use the portal comes with the admission."""
    columns = {
        "email": seen.email if "@" in seen.email else user.email,
        "first_name": seen.first_name or user.first_name,
        "last_name": seen.last_name or user.last_name,
        "is_staff": True,
    }
    if user._state.adding or any(getattr(user, name) != value for name, value in columns.items()):
        for name, value in columns.items():
            setattr(user, name, value)
        user_save(user=user)
