"""Login by device code (RFC 8628): begun by a command line, answered by a person in a browser."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import scopes as scopes_
from accounts.models import ApiToken, DeviceAnswer, DeviceLogin
from accounts.services.attempts import attempt_count
from accounts.services.tokens import token_create
from kubecarrier.lib import audit
from kubecarrier.lib.errors import DeniedError, InvalidError, NotFoundError

LIFETIME = timedelta(minutes=10)
INTERVAL_SECONDS = 5
# Consonants without those that look alike: no words, 20^8 codes (RFC 8628, 6.1).
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_WAITING_PER_ADDRESS = 20
_GUESSES_PER_PERSON = 20


@dataclass(frozen=True, slots=True)
class Begun:
    """What the command line is told; both codes are told this once."""

    device_code: str
    user_code: str
    row: DeviceLogin


def device_begin(*, client: str, scopes: Iterable[str], address: str | None) -> Begun:
    """A login that waits for a person; raises InvalidError, ThrottledError."""
    attempt_count(
        what="device", who=address or "", limit=_WAITING_PER_ADDRESS,
        seconds=int(LIFETIME.total_seconds()),
    )  # fmt: skip
    device_code = secrets.token_urlsafe(32)
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    now = timezone.now()
    DeviceLogin.objects.filter(expires_at__lt=now - LIFETIME).delete()
    row = DeviceLogin.objects.create(
        device_hash=_hashed("device", device_code),
        user_hash=_hashed("user", letters),
        client=_readable(client),
        address=address,
        scopes=scopes_.checked(scopes),
        expires_at=now + LIFETIME,
        interval_seconds=INTERVAL_SECONDS,
    )
    return Begun(device_code, f"{letters[:4]}-{letters[4:]}", row)


def device_find(*, user: Any, code: str) -> DeviceLogin:
    """The login that shows this code; guessing is limited. Raises NotFoundError, ThrottledError."""
    letters = "".join(letter for letter in code.upper()[:40] if letter in _LETTERS)
    waiting = DeviceLogin.objects.filter(
        user_hash=_hashed("user", letters),
        expires_at__gt=timezone.now(),
        answer=DeviceAnswer.PENDING,
    ).first()
    if waiting is None:
        attempt_count(what="device-code", who=str(user.pk), limit=_GUESSES_PER_PERSON, seconds=900)
        raise NotFoundError(
            "device_code_unknown",
            "No login waits with this code.",
            field="code",
            hint="Codes end after ten minutes. Begin again with `kubecarrier login`.",
        )
    return waiting


@transaction.atomic
def device_answer(*, user: Any, row: DeviceLogin, approve: bool) -> None:
    """The person's yes or no, once; raises ConflictError-like NotFoundError when it came too late."""
    if audit.is_machine(user):
        raise DeniedError("machine_session", "A service account lets nobody in.")
    changed = DeviceLogin.objects.filter(
        pk=row.pk, answer=DeviceAnswer.PENDING, expires_at__gt=timezone.now()
    ).update(answer=DeviceAnswer.APPROVED if approve else DeviceAnswer.DENIED, user=user)
    if not changed:
        raise NotFoundError("device_code_unknown", "This login was answered already, or has ended.")
    name = "device-approved" if approve else "device-denied"
    audit.event(name, user, said=f"{row.client} at {row.address}")


def device_collect(*, device_code: str) -> tuple[ApiToken, str]:
    """The token of an approved login, once.

    Raises InvalidError with the codes of RFC 8628, 3.5: `authorization_pending`,
    `slow_down`, `access_denied`, `expired_token`.
    """
    with transaction.atomic():
        row = (
            DeviceLogin.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(device_hash=_hashed("device", device_code))
            .first()
        )
        refusal = _refusal(row)
        if refusal is None:
            assert row is not None and row.user is not None  # noqa: S101 - _refusal saw to it
            return _token(row, row.user)
    raise refusal  # outside of the transaction: what was noted of this poll stays


def _refusal(row: DeviceLogin | None) -> InvalidError | None:
    """Why there is no token yet, or none at all."""
    now = timezone.now()
    if row is None or row.expires_at <= now:
        return InvalidError("expired_token", "This login has ended.", hint="Begin again.")
    if row.answer == DeviceAnswer.DENIED:
        row.delete()
        return InvalidError("access_denied", "The login was refused in the browser.")
    if row.answer == DeviceAnswer.APPROVED:
        if row.user is not None and row.user.is_active:
            return None
        row.delete()
        return InvalidError("access_denied", "This person may not log in.")
    early = row.polled_at and now < row.polled_at + timedelta(seconds=row.interval_seconds - 0.5)
    row.polled_at = now
    if early:
        row.interval_seconds += INTERVAL_SECONDS
    row.save(update_fields=["polled_at", "interval_seconds"])
    if early:
        return InvalidError("slow_down", "You ask too often.", interval=row.interval_seconds)
    return InvalidError(
        "authorization_pending", "Nobody answered yet.", interval=row.interval_seconds
    )


def _token(row: DeviceLogin, user: Any) -> tuple[ApiToken, str]:
    with audit.as_actor(user):
        audit.event("login", user, said=f"device code, {row.client}")
        made = token_create(user=user, name=row.client, scopes=row.scopes)
    row.delete()
    return made


def _hashed(what: str, code: str) -> str:
    """Keyed: who reads the database cannot try all user codes."""
    return salted_hmac(f"kubecarrier.device.{what}", code, algorithm="sha256").hexdigest()


def _readable(text: str) -> str:
    """A name from a stranger that a person will judge: no control or direction characters."""
    kept = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    return " ".join(kept.split())[:100] or "?"
