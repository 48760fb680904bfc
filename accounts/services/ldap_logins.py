"""A login by the directory."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.ldap.config import LdapConfig
from accounts.models import Identity, IdentitySource
from accounts.services.attempts import attempt_count, attempt_forget
from accounts.services.identities import Seen, identity_seen
from kubecarrier.lib import audit

_TRIES, _TRIES_SECONDS = 10, 900
# What a filter or a DN could take for more than a name is refused before anybody is asked.
_NAME = re.compile(r"[\w.@+\-' ]{1,150}", re.UNICODE)


def plausible(username: str | None, password: str | None) -> bool:
    """Whether the directory may be asked at all: no wildcard, no filter, no empty password."""
    if not username or not password or "\0" in password:
        return False
    return bool(_NAME.fullmatch(username)) and not username.startswith(audit.MACHINE_PREFIX)


def ldap_login(
    *, config: LdapConfig, username: str, password: str, address: str
) -> Identity | None:
    """The identity of a right name and password, or None; raises DirectoryError, DeniedError, ThrottledError."""
    from accounts.ldap.directory import Directory

    with Directory(config) as directory:
        person = directory.find(username.strip())
        if person is None:
            return None
        # By the person: one is found by several names, in any case, with any accents.
        who = f"{person.id} {address}"
        attempt_count(what="ldap-login", who=who, limit=_TRIES, seconds=_TRIES_SECONDS)
        if not directory.accepts(person, password) or person.closed:
            return None
        attempt_forget(what="ldap-login", who=who)
        return identity_seen(seen=seen_of(config, person, directory.groups(person)))


def gone(person: Any) -> str:
    """Why the directory does not vouch for somebody any more; "" while it does."""
    if person is None:
        return "not in the directory any more"
    return f"{person.closed} in the directory" if person.closed else ""


def seen_of(config: LdapConfig, person: Any, groups: list[str]) -> Seen:
    """An entry of the directory as what is known of a person."""
    return Seen(
        source=IdentitySource.LDAP,
        issuer=config.issuer,
        subject=person.id,
        username=person.username,
        groups=groups,
        email=person.email[:254],
        first_name=person.first_name,
        last_name=person.last_name,
        admit_everyone=config.admit_everyone,
        check_due_at=timezone.now() + timedelta(seconds=config.recheck_seconds),
    )
