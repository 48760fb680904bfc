"""Asking the directory again about people who are logged in, between two passes over everybody.

Who is gone there loses access here within a quarter of an hour, as with a provider. An error
ends nothing, nor does an answer in which many are missing at once: that is a base or a filter
gone wrong, and the next pass says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.ldap.config import LdapConfig, config, enabled
from accounts.models import ApiToken, Identity, IdentitySource, LoginSession
from accounts.services.identities import Seen, identity_ended, identity_seen
from accounts.services.ldap_logins import gone, seen_of
from kubecarrier.lib.errors import DeniedError, KubeCarrierError, TerminalError

log = structlog.get_logger(__name__)
_AGAIN = timedelta(seconds=60)
_AT_ONCE = 200
_SECONDS = 30.0  # of a worker, for all that are due
_FEW = 3


def ldap_rechecks_due() -> bool:
    """Whether the directory has to be asked about anybody."""
    return enabled() and _due().exists()


def ldap_recheck_due() -> int:
    """Ask about everybody who is due and has a session or a token; how many were asked about."""
    found = list(_due().select_related("user")[:_AT_ONCE]) if enabled() else []
    return ldap_recheck(found, seconds=_SECONDS)


def ldap_recheck(rows: Sequence[Identity], *, seconds: float = 4.0) -> int:
    """Ask once about each that nobody else asks about just now."""
    setup = config()
    mine = [row for row in rows if _claimed(row)]
    if not mine or not enabled():
        return 0
    try:
        answers = _asked(setup, mine, seconds)
    except KubeCarrierError as error:
        log.warning("directory away, access stays", code=error.code)
        return len(mine)
    missing = sum(answers[row.pk] == gone(None) for row in mine)
    if missing > max(_FEW, len(mine) * settings.KUBECARRIER_LDAP_SHRINK_PERCENT // 100):
        log.warning("many missing in the directory, access stays", missing=missing)
        return len(mine)
    for row in mine:
        _settle(row, answers[row.pk])
    return len(mine)


def _settle(row: Identity, seen: Seen | str) -> None:
    if isinstance(seen, str):
        identity_ended(identity=row, reason=seen, deactivate=True)
        return
    try:
        identity_seen(seen=seen)
    except DeniedError as error:
        identity_ended(identity=row, reason=f"{error.code}: {error.message}")


def _asked(setup: LdapConfig, rows: Sequence[Identity], seconds: float) -> dict[Any, Seen | str]:
    """What the directory says of each, or why it does not vouch for them any more."""
    from accounts.ldap.directory import Directory

    answers: dict[Any, Seen | str] = {}
    with Directory(setup, seconds=seconds) as directory:
        for row in rows:
            person = directory.again(row.subject)
            if person is None or person.closed:
                answers[row.pk] = gone(person)
            else:
                answers[row.pk] = seen_of(setup, person, directory.groups(person))
        nobody = all(answer == gone(None) for answer in answers.values())
        if nobody and next(directory.everybody(), None) is None:
            raise TerminalError("ldap_empty", "The directory has nobody at all.")
    return answers


def _claimed(row: Identity) -> bool:
    """Whoever moves the due time asks."""
    same = Identity.objects.filter(pk=row.pk, check_due_at=row.check_due_at)
    return bool(same.update(check_due_at=timezone.now() + _AGAIN))


def _due() -> Any:
    sessions = LoginSession.objects.filter(user=OuterRef("user"))
    tokens = ApiToken.objects.filter(user=OuterRef("user"))
    return Identity.objects.filter(
        Q(Exists(sessions)) | Q(Exists(tokens)),
        # Never asked about since it came in: from before there was this.
        Q(check_due_at__lte=timezone.now()) | Q(check_due_at=None),
        source=IdentitySource.LDAP,
        issuer=config().issuer,
    ).order_by("check_due_at")
