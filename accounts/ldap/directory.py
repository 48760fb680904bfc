"""THE door to the LDAP directory: find, check a password, groups, everybody; in bounded time.

django-auth-ldap brings the searches and the kinds of groups. Its backend is not
used: it takes an error of a search for an empty answer, and an empty answer
would take people's groups. Here every error is a DirectoryError.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import ldap
from ldap.controls import SimplePagedResultsControl
from ldap.ldapobject import LDAPObject

from accounts.ldap import wire
from accounts.ldap.config import LdapConfig
from accounts.ldap.entries import Person, id_in_filter, person_of, wanted
from accounts.ldap.errors import DirectoryError
from accounts.ldap.refusals import reason_of
from accounts.ldap.searches import Asking, Search, group_kind

_SECONDS = 4.0  # of everything that a person waits for
_PAGE = 500
_MOST_PEOPLE = 500_000
_REFUSED = (
    ldap.INVALID_CREDENTIALS, ldap.UNWILLING_TO_PERFORM,
    ldap.INAPPROPRIATE_AUTH, ldap.CONSTRAINT_VIOLATION,
)  # fmt: skip


class Directory:
    """Bound as the service account; a context manager. Raises DirectoryError from every method."""

    def __init__(self, config: LdapConfig, *, seconds: float = _SECONDS) -> None:
        self.config = config
        self._until = time.monotonic() + seconds
        self._connection: Any = None
        self._kind = group_kind(config.group_type)

    def __enter__(self) -> Directory:
        self._connection = self._connected()
        self._bind_own()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._connection.unbind_ext_s()
        except ldap.LDAPError:
            return

    def find(self, username: str) -> Person | None:
        """The one person of that name; several are none."""
        search = Search(
            self.config.user_base, ldap.SCOPE_SUBTREE, self.config.user_filter, wanted(self.config)
        )
        with self._translated():
            found = search.execute(self._in_time(self._connection), {"user": username})
        people = self._people(found)
        return people[0] if len(people) == 1 else None

    def again(self, id_: str) -> Person | None:
        """Who has that id, whatever the name is now, if the filter still lets them in."""
        attribute = self.config.id_attribute
        pattern = self.config.user_filter % {"user": "*"}
        search = Search(
            self.config.user_base, ldap.SCOPE_SUBTREE,
            f"(&{pattern}({attribute}={id_in_filter(attribute, id_)}))", wanted(self.config),
        )  # fmt: skip
        with self._translated():
            found = search.execute(self._in_time(self._connection))
        return next((person for person in self._people(found) if person.id == id_), None)

    def accepts(self, person: Person, password: str) -> bool:
        """Whether the directory takes this password, on a connection of its own; DeniedError with its reason."""
        if not password:
            return False  # to LDAP an empty one is an anonymous login, and succeeds
        connection = self._connected()
        try:
            self._bind(connection, person.dn, password)
        except _REFUSED as error:
            if reason := reason_of(error):
                raise reason from error
            return False  # wrong, locked, expired, or without a password
        finally:
            connection.unbind_ext_s()
        return True

    def groups(self, person: Person) -> list[str]:
        """Names and DNs of every group the person is in, groups within groups included."""
        kind = self._kind
        if kind is None or not self.config.group_base:
            return []
        search = Search(self.config.group_base, ldap.SCOPE_SUBTREE, "(objectClass=*)", ["cn"])
        asking = Asking(person.dn, person.attributes, self._in_time(self._connection))
        with self._translated():
            found = kind.user_groups(asking, search)
        names = {str(kind.group_name_from_info(info) or "") for info in found}
        return sorted({*names, *(str(info[0]) for info in found)} - {""})

    def everybody(self) -> Iterator[Person]:
        """All people, page by page: an answer that was cut short is an error."""
        control = SimplePagedResultsControl(True, size=_PAGE, cookie="")
        pattern = self.config.user_filter % {"user": "*"}
        seen = 0
        while True:
            with self._translated():
                connection = self._in_time(self._connection)
                message = connection.search_ext(
                    self.config.user_base, ldap.SCOPE_SUBTREE, pattern, wanted(self.config),
                    serverctrls=[control],
                )  # fmt: skip
                _, entries, _, controls = connection.result3(message, timeout=connection.timeout)
            for person in self._people(Search.entries(entries)):
                seen += 1
                yield person
            cookie = next((c.cookie for c in controls if c.controlType == control.controlType), b"")
            if not cookie:
                return
            if seen > _MOST_PEOPLE:
                raise DirectoryError("ldap_endless", "The directory does not come to an end.")
            control.cookie = cookie

    def _people(self, found: Any) -> list[Person]:
        return [one for entry in found if (one := person_of(self.config, *entry))]

    def _connected(self) -> Any:
        """A connection to the first server that can be reached."""
        setup, failed = self.config, OSError("no server")
        for url in setup.urls:
            try:
                descriptor = wire.connected(
                    url, start_tls=setup.start_tls, ca_file=setup.ca_file, until=self._until
                )
            except (OSError, ValueError) as error:
                failed = OSError(str(error))
                continue
            connection = LDAPObject("ldap://directory", fileno=descriptor)
            connection.set_option(ldap.OPT_PROTOCOL_VERSION, 3)
            connection.set_option(ldap.OPT_REFERRALS, 0)
            return self._in_time(connection)
        raise _failed(failed) from failed

    def _bind_own(self) -> None:
        try:
            self._bind(self._connection, self.config.bind_dn, self.config.bind_password)
        except _REFUSED as error:
            reason = reason_of(error)
            raise DirectoryError(
                "ldap_bind_refused", "The directory refuses the portal's own account.",
                reason=reason.code if reason else "",
            ) from error  # fmt: skip

    def _bind(self, connection: Any, dn: str, password: str) -> None:
        """Raises _REFUSED as they are."""
        try:
            self._in_time(connection).simple_bind_s(dn, password)
        except _REFUSED:
            raise
        except ldap.LDAPError as error:
            raise _failed(error) from error

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise DirectoryError("ldap_unreachable", "The directory is too slow.")
        return left

    def _in_time(self, connection: Any) -> Any:
        connection.timeout = self._left()
        return connection

    def _translated(self) -> _Translated:
        return _Translated()


def unreachable(config: LdapConfig, url: str) -> str:
    """Why one server cannot be reached; "" where it can, over TLS with a certificate that holds."""
    until = time.monotonic() + _SECONDS
    try:
        descriptor = wire.connected(
            url, start_tls=config.start_tls, ca_file=config.ca_file, until=until
        )
    except (OSError, ValueError) as error:
        return str(error) or type(error).__name__
    os.close(descriptor)
    return ""


class _Translated:
    """libldap's errors as ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, ldap.LDAPError):
            raise _failed(error) from error


def _failed(error: Exception) -> DirectoryError:
    cause = type(error).__name__
    if isinstance(error, (ldap.NO_SUCH_OBJECT, ldap.REFERRAL, ldap.INVALID_DN_SYNTAX)):
        text = "The directory has no such base as the portal is told to search below."
        return DirectoryError("ldap_wrong_base", text, cause=cause)
    if isinstance(error, ldap.FILTER_ERROR):
        return DirectoryError("ldap_wrong_filter", "The portal's filter is none.", cause=cause)
    return DirectoryError(
        "ldap_unreachable",
        "The login directory does not answer.",
        hint="Try again soon. Local accounts can log in meanwhile.",
        cause=cause,
    )
