"""Step by step through a login by the directory, for whoever sets it up; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts.ldap.config import LdapConfig, config, enabled
from accounts.models import IdentityMapping, IdentitySource
from accounts.services.identities import is_among
from accounts.services.ldap_logins import gone, plausible
from kubecarrier.lib.errors import InvalidError, KubeCarrierError

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """What was tried, what came of it, and whether one can log in with that."""

    what: str
    said: str
    fine: bool = True


def ldap_steps(*, username: str = "", password: str = "") -> Iterator[Step]:
    """Servers, the portal's account, people; of `username` the entry, groups, mappings, password.

    Ends at the first step without which the next has nothing to try. Raises InvalidError.
    """
    if not enabled():
        raise InvalidError("ldap_off", "No directory is configured.")
    from accounts.ldap.directory import Directory, unreachable

    setup = config()
    for url in setup.urls:
        why = unreachable(setup, url)
        yield Step(f"server {url}", why or "reached", not why)
    try:
        with Directory(setup, seconds=_SECONDS) as directory:
            yield Step("account", f"the directory takes {setup.bind_dn or 'nobody in particular'}")
            found = next(directory.everybody(), None)
            yield Step("people", _people(setup, found), found is not None)
            if username:
                yield from _person(setup, directory, username, password)
    except KubeCarrierError as error:
        yield Step("directory", _said(error), False)


def _people(setup: LdapConfig, found: Any) -> str:
    if found is None:
        return f"nobody below {setup.user_base} is found by {setup.user_filter}"
    return f"found below {setup.user_base}, such as {found.username}"


def _person(setup: LdapConfig, directory: Any, username: str, password: str) -> Iterator[Step]:
    person = directory.find(username) if plausible(username, "x") else None
    if person is None:
        yield Step(username, "not found, or found more than once", False)
        return
    yield Step(username, f"{person.dn}, called {person.username} here, id {person.id}")
    if why := gone(person):
        yield Step("state", why, False)
    groups = directory.groups(person)
    yield Step("groups", "; ".join(groups) or "none")
    yield _admission(setup, groups)
    if password:
        yield _password(directory, person, password)


def _admission(setup: LdapConfig, groups: list[str]) -> Step:
    rows = IdentityMapping.objects.filter(source=IdentitySource.LDAP).select_related("group")
    given = sorted({row.group.name for row in rows if is_among(row.value, groups)})
    if given:
        return Step("mappings", f"let in, and a member of {', '.join(given)}")
    if setup.admit_everyone:
        return Step("mappings", "let in as everyone is, a member of nothing")
    return Step("mappings", "not let in: no identity mapping names one of these groups", False)


def _password(directory: Any, person: Any, password: str) -> Step:
    try:
        fine = directory.accepts(person, password)
    except KubeCarrierError as error:
        return Step("password", _said(error), False)
    return Step("password", "taken" if fine else "wrong", fine)


def _said(error: KubeCarrierError) -> str:
    more = [error.data.get("reason") or error.data.get("cause") or ""]
    return f"{error.code}: {error.message} {' '.join(more)}".strip()
