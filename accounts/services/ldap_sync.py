"""Comparing the directory with the people here: who is gone there loses access here.

An error is never an empty answer: a directory that fails, is empty or shrank
suddenly takes nobody's access away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from accounts.ldap.config import LdapConfig, config, enabled
from accounts.models import DirectoryPass, Identity, IdentitySource
from accounts.services.identities import identity_ended, identity_seen
from accounts.services.ldap_logins import gone, seen_of
from kubecarrier.lib import access
from kubecarrier.lib.errors import DeniedError, InvalidError, KubeCarrierError, TerminalError

log = structlog.get_logger(__name__)
_SECONDS = 600.0
_AGAIN_AFTER_ERROR = timedelta(minutes=10)
_FEW = 3  # so many may always go: in a small team one is a large share


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How many people the directory has, and whose access ended."""

    people: int
    ended: list[str]
    refreshed: int


def sync_due() -> bool:
    """Whether the nightly pass waits."""
    if not enabled():
        return False
    row = DirectoryPass.objects.filter(issuer=config().issuer).first()
    return row is None or row.due_at <= timezone.now()


def sync_request(*, actor: Any) -> DirectoryPass:
    """Ask for a pass now; raises DeniedError, InvalidError."""
    access.require(actor, "identitymappings.edit")
    if not enabled():
        raise InvalidError("ldap_off", "No directory is configured.")
    row, _ = DirectoryPass.objects.update_or_create(
        issuer=config().issuer, defaults={"due_at": timezone.now()}
    )
    return row


def sync_if_due() -> SyncResult | None:
    """The pass of the worker; None when another took it or none is due."""
    setup, now = config(), timezone.now()
    if not sync_due():
        return None
    DirectoryPass.objects.get_or_create(issuer=setup.issuer, defaults={"due_at": now})
    mine = DirectoryPass.objects.filter(issuer=setup.issuer, due_at__lte=now)
    if not mine.update(due_at=now + _AGAIN_AFTER_ERROR):
        return None
    try:
        return sync_now()
    except KubeCarrierError as error:
        log.warning("directory pass without a result", code=error.code, said=error.message)
        return None


def sync_now() -> SyncResult:
    """One pass; raises DirectoryError, TerminalError `ldap_shrunk`, and keeps on record how it went."""
    setup = config()
    try:
        result = _pass(setup)
    except KubeCarrierError as error:
        _note(setup, succeeded=False, said=f"{error.code}: {error.message}"[:500])
        raise
    after = timedelta(seconds=settings.KUBECARRIER_LDAP_SYNC_SECONDS)
    _note(
        setup, succeeded=True, said="", people=result.people, ended=len(result.ended),
        due_at=timezone.now() + after,
    )  # fmt: skip
    return result


def _pass(setup: LdapConfig) -> SyncResult:
    from accounts.ldap.directory import Directory

    known = list(
        Identity.objects.filter(
            source=IdentitySource.LDAP, issuer=setup.issuer, user__is_active=True
        ).select_related("user")
    )
    with Directory(setup, seconds=_SECONDS) as directory:
        people = {person.id: person for person in directory.everybody()}
        reasons = {row.pk: gone(people.get(row.subject)) for row in known}
        _check_shrinking(people, known, [row for row in known if row.subject not in people])
        here = [row for row in known if not reasons[row.pk]]
        groups = {row.pk: directory.groups(people[row.subject]) for row in here}
    ended = []
    for row in known:
        if reason := reasons[row.pk]:
            identity_ended(identity=row, reason=reason, deactivate=True)
            ended.append(row.user.username)
    for row in here:
        try:
            identity_seen(seen=seen_of(setup, people[row.subject], groups[row.pk]))
        except DeniedError as error:
            identity_ended(identity=row, reason=f"{error.code}: {error.message}")
            ended.append(row.user.username)
    return SyncResult(len(people), ended, len(here))


def _check_shrinking(
    people: Mapping[str, Any], known: list[Identity], missing: list[Identity]
) -> None:
    """Whoever is there and closed was closed on purpose; only who is absent may be a mistake."""
    limit = max(_FEW, len(known) * settings.KUBECARRIER_LDAP_SHRINK_PERCENT // 100)
    if not people or len(missing) > limit:
        raise TerminalError(
            "ldap_shrunk",
            f"{len(missing)} of {len(known)} people are not in the directory's answer. "
            "Nobody's access was ended.",
            hint="Look at base and filter. If it is right, raise KUBECARRIER_LDAP_SHRINK_PERCENT once.",
            missing=len(missing),
        )


def _note(setup: LdapConfig, **columns: Any) -> None:
    now = timezone.now()
    defaults = {"finished_at": now, "due_at": now + _AGAIN_AFTER_ERROR, **columns}
    DirectoryPass.objects.update_or_create(issuer=setup.issuer, defaults=defaults)
