"""Second factors of local accounts: set up, asked for, removed (RFC 6238, SHA-1, 30 s, 6 digits)."""

from __future__ import annotations

import base64
import secrets
import time
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django_otp.oath import totp

from accounts.models import Binding, Identity, SecondFactor
from accounts.services.attempts import attempt_count, attempt_forget
from accounts.services.sessions import sessions_end
from kubecarrier.lib import audit, crypto
from kubecarrier.lib.errors import ConflictError, InvalidError

_STEP_SECONDS = 30
_DRIFT_STEPS = 1
_TRIES, _TRIES_SECONDS = 10, 900
_RECOVERY_CODES = 10
_RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def factor_of(user: Any) -> SecondFactor | None:
    """The working second factor of a user."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()


def factor_missing(user: Any) -> bool:
    """Whether this account must have a second factor and has none.

    People of a provider or a directory prove themselves there.
    """
    who = settings.KUBECARRIER_REQUIRE_SECOND_FACTOR
    everybody = who == "everyone" or (who == "superusers" and user.is_superuser)
    if not everybody and not _role_demands(user):
        return False
    if Identity.objects.filter(user=user).exists():
        return False
    return factor_of(user) is None


def _role_demands(user: Any) -> bool:
    """Whether a role that the user has, anywhere, asks for it."""
    given = Binding.objects.filter(
        Q(users=user) | Q(groups__user=user),
        role__requires_second_factor=True,
        deletion_requested_at=None,
    )
    return given.exists()


@transaction.atomic
def factor_begin(*, user: Any) -> str:
    """A new secret in base32 that works once it is confirmed; raises ConflictError."""
    if factor_of(user) is not None:
        raise ConflictError("second_factor_exists", "A second factor is set up already.")
    SecondFactor.objects.filter(user=user).delete()
    row = SecondFactor(user=user)
    text = base64.b32encode(secrets.token_bytes(20)).decode()
    crypto.seal(row, "secret", text)
    row.save()
    return text


def factor_pending(user: Any) -> str:
    """The secret that waits for its first code; "" when none does."""
    row = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    return crypto.reveal(row, "secret") if row else ""


def factor_address(user: Any, secret: str) -> str:
    """What the authenticator app reads from the picture."""
    label = quote(f"KubeCarrier:{user.get_username()}")
    return f"otpauth://totp/{label}?secret={secret}&issuer=KubeCarrier"


def factor_confirm(*, user: Any, code: str) -> list[str]:
    """The first right code makes it work: the recovery codes, told this once. Raises InvalidError."""
    attempt_count(what="second-factor", who=str(user.pk), limit=_TRIES, seconds=_TRIES_SECONDS)
    with transaction.atomic():
        row = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if row is None or not _by_time(row, code):
            raise InvalidError(
                "second_factor_wrong", "This is not the code of now.", field="code",
                hint="Compare the clocks of this machine and of the app's.",
            )  # fmt: skip
        codes = [_recovery_code() for _ in range(_RECOVERY_CODES)]
        row.recovery = [_hashed(row, one) for one in codes]
        row.confirmed_at = timezone.now()
        row.save()
        audit.event("second-factor-added", user)
    return codes


def factor_check(*, user: Any, code: str) -> bool:
    """Whether the code is right: one of the app, or a recovery code, each once. Raises ThrottledError."""
    attempt_count(what="second-factor", who=str(user.pk), limit=_TRIES, seconds=_TRIES_SECONDS)
    with transaction.atomic():
        row = (
            SecondFactor.objects.select_for_update()
            .filter(user=user, confirmed_at__isnull=False)
            .first()
        )
        if row is None or not (_by_time(row, code) or _by_recovery(row, code)):
            return False
        row.save()
    attempt_forget(what="second-factor", who=str(user.pk))
    return True


@transaction.atomic
def factor_remove(*, user: Any, code: str) -> None:
    """One's own, with a code; raises InvalidError."""
    if not factor_check(user=user, code=code):
        raise InvalidError("second_factor_wrong", "This code is not right.", field="code")
    _drop(user)


@transaction.atomic
def factor_drop(*, user: Any) -> bool:
    """An administrator's word for a lost phone: sessions end too. Whether there was one."""
    sessions_end(user=user)
    return _drop(user)


def _drop(user: Any) -> bool:
    gone, _ = SecondFactor.objects.filter(user=user).delete()
    if gone:
        audit.event("second-factor-removed", user)
    return bool(gone)


def _by_time(row: SecondFactor, code: str) -> bool:
    """A code of now or a step beside it, later than the last one used."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return False
    key = base64.b32decode(crypto.reveal(row, "secret"))
    now = int(time.time()) // _STEP_SECONDS
    for step in range(now - _DRIFT_STEPS, now + _DRIFT_STEPS + 1):
        wanted = f"{totp(key, step=_STEP_SECONDS, drift=step - now):06d}"
        if step > row.last_step and constant_time_compare(wanted, digits):
            row.last_step = step
            return True
    return False


def _by_recovery(row: SecondFactor, code: str) -> bool:
    given = _hashed(row, "".join(code.lower().replace("-", "").split()))
    left = [one for one in row.recovery if not constant_time_compare(one, given)]
    used = len(left) < len(row.recovery)
    row.recovery = left
    return used


def _recovery_code() -> str:
    return "".join(secrets.choice(_RECOVERY_LETTERS) for _ in range(12))


def _hashed(row: SecondFactor, code: str) -> str:
    return salted_hmac(f"kubecarrier.recovery.{row.pk}", code, algorithm="sha256").hexdigest()
