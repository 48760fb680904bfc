"""THE door to the LDAP directory: find, check a password, groups, everybody; in bounded time.

django-auth-ldap brings the searches and the kinds of groups. Its backend is not
used: it takes an error of a search for an empty answer, and an empty answer
would take people's groups. Here every error is a DirectoryError.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import ldap
import ldap.filter
from django_auth_ldap import config as django_auth_ldap
from ldap.controls import SimplePagedResultsControl
from ldap.ldapobject import LDAPObject

from accounts.ldap import wire
from accounts.ldap.config import LdapConfig
from accounts.ldap.errors import DirectoryError

_SECONDS = 4.0  # of everything that a person waits for
_PAGE = 500
_MOST_PEOPLE = 500_000
# LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3); OpenLDAP does not know it.
_IN_CHAIN = "member:1.2.840.113556.1.4.1941:"


@dataclass(frozen=True, slots=True)
class Person:
    """An entry of the directory. `id` stays when the person is renamed or moved."""

    dn: str
    id: str
    username: str
    email: str
    first_name: str
    last_name: str
    attributes: Any


class _Search(django_auth_ldap.LDAPSearch):  # type: ignore[misc]
    """django-auth-ldap's search, whose errors stay errors."""

    def execute(self, connection: Any, filterargs: Any = (), escape: bool = True) -> Any:
        pattern = self.filterstr
        if filterargs:  # else a % in it is somebody's name
            pattern %= self._escape_filterargs(filterargs) if escape else filterargs
        found = connection.search_ext_s(
            self.base_dn, self.scope, pattern, self.attrlist, timeout=connection.timeout
        )
        return self._process_results(found)


@dataclass(frozen=True, slots=True)
class _Asking:
    """What django-auth-ldap's kinds of groups want to know of a person."""

    dn: str
    attrs: Any
    connection: Any


class Directory:
    """Bound as the service account; a context manager. Raises DirectoryError from every method."""

    def __init__(self, config: LdapConfig, *, seconds: float = _SECONDS) -> None:
        self.config = config
        self._until = time.monotonic() + seconds
        self._connection: Any = None

    def __enter__(self) -> Directory:
        self._connection = self._connected()
        self._bind(self._connection, self.config.bind_dn, self.config.bind_password)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._connection.unbind_ext_s()
        except ldap.LDAPError:
            return

    def find(self, username: str) -> Person | None:
        """The one person of that name; several are none."""
        search = _Search(
            self.config.user_base, ldap.SCOPE_SUBTREE, self.config.user_filter, self._attributes()
        )
        with self._translated():
            found = search.execute(self._in_time(self._connection), {"user": username})
        people = [person for entry in found if (person := self._person(*entry))]
        return people[0] if len(people) == 1 else None

    def again(self, id_: str) -> Person | None:
        """Who has that id, whatever the name is now, if the filter still lets them in."""
        attribute = self.config.id_attribute
        pattern = self.config.user_filter % {"user": "*"}
        search = _Search(
            self.config.user_base, ldap.SCOPE_SUBTREE,
            f"(&{pattern}({attribute}={id_in_filter(attribute, id_)}))", self._attributes(),
        )  # fmt: skip
        with self._translated():
            found = search.execute(self._in_time(self._connection))
        people = [person for entry in found if (person := self._person(*entry))]
        return next((person for person in people if person.id == id_), None)

    def accepts(self, person: Person, password: str) -> bool:
        """Whether the directory takes this password; on a connection of its own."""
        if not password:
            return False  # to LDAP an empty one is an anonymous login, and succeeds
        connection = self._connected()
        try:
            self._bind(connection, person.dn, password)
        except ldap.INVALID_CREDENTIALS:
            return False
        except (ldap.UNWILLING_TO_PERFORM, ldap.INAPPROPRIATE_AUTH, ldap.CONSTRAINT_VIOLATION):
            return False  # locked, expired, or without a password
        finally:
            connection.unbind_ext_s()
        return True

    def groups(self, person: Person) -> list[str]:
        """Names and DNs of every group the person is in, groups within groups included."""
        kind = _group_kind(self.config.group_type)
        if kind is None or not self.config.group_base:
            return []
        search = _Search(self.config.group_base, ldap.SCOPE_SUBTREE, "(objectClass=*)", ["cn"])
        asking = _Asking(person.dn, person.attributes, self._in_time(self._connection))
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
                    self.config.user_base, ldap.SCOPE_SUBTREE, pattern, self._attributes(),
                    serverctrls=[control],
                )  # fmt: skip
                _, entries, _, controls = connection.result3(message, timeout=connection.timeout)
            for entry in _Search(self.config.user_base, ldap.SCOPE_SUBTREE)._process_results(
                entries
            ):
                if person := self._person(*entry):
                    seen += 1
                    yield person
            cookie = next((c.cookie for c in controls if c.controlType == control.controlType), b"")
            if not cookie:
                return
            if seen > _MOST_PEOPLE:
                raise DirectoryError("ldap_endless", "The directory does not come to an end.")
            control.cookie = cookie

    def _attributes(self) -> list[str]:
        setup = self.config
        return [
            setup.username_attribute, setup.id_attribute, setup.mail_attribute,
            setup.first_name_attribute, setup.last_name_attribute, "uid", "gidNumber",
        ]  # fmt: skip

    def _person(self, dn: str, attributes: Any) -> Person | None:
        """An entry without id or name is nobody."""
        setup = self.config
        id_ = id_of(setup.id_attribute, attributes.get(setup.id_attribute))
        username = _first(attributes, setup.username_attribute)
        if not id_ or not username:
            return None
        return Person(
            dn, id_, username, _first(attributes, setup.mail_attribute),
            _first(attributes, setup.first_name_attribute)[:150],
            _first(attributes, setup.last_name_attribute)[:150], attributes,
        )  # fmt: skip

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
        raise _unreachable(failed)

    def _bind(self, connection: Any, dn: str, password: str) -> None:
        """INVALID_CREDENTIALS goes through where a person's password is tried."""
        try:
            self._in_time(connection).simple_bind_s(dn, password)
        except (
            ldap.INVALID_CREDENTIALS, ldap.UNWILLING_TO_PERFORM,
            ldap.INAPPROPRIATE_AUTH, ldap.CONSTRAINT_VIOLATION,
        ) as error:  # fmt: skip
            if dn != self.config.bind_dn:
                raise
            raise DirectoryError(
                "ldap_bind_refused", "The directory refuses the portal's own account."
            ) from error
        except ldap.LDAPError as error:
            raise _unreachable(error) from error

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


class _Translated:
    """libldap's errors as ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, ldap.LDAPError):
            raise _unreachable(error) from error


def _unreachable(error: Exception) -> DirectoryError:
    return DirectoryError(
        "ldap_unreachable",
        "The login directory does not answer.",
        hint="Try again soon. Local accounts can log in meanwhile.",
        cause=type(error).__name__,
    )


def _group_kind(name: str) -> Any:
    match name:
        case "nested":
            return django_auth_ldap.NestedGroupOfNamesType()
        case "unique":
            return django_auth_ldap.NestedGroupOfUniqueNamesType()
        case "posix":
            return django_auth_ldap.PosixGroupType()
        case "ad":
            return InChain()
    return None


class InChain(django_auth_ldap.LDAPGroupType):  # type: ignore[misc]
    """Active Directory walks through groups in groups itself: one question instead of one a level."""

    def user_groups(self, ldap_user: Any, group_search: Any) -> Any:
        """Every group that has the person as a member, or a group that has."""
        member = ldap.filter.escape_filter_chars(ldap_user.dn)
        search = group_search.search_with_additional_term_string(f"({_IN_CHAIN}={member})")
        return search.execute(ldap_user.connection)


def _first(attributes: Any, name: str) -> str:
    values = attributes.get(name) or [""]
    return str(values[0]) if isinstance(values[0], str) else ""


def id_of(attribute: str, values: Any) -> str:
    """entryUUID is text, AD's objectGUID sixteen bytes, some of which happen to be a text too."""
    if not values:
        return ""
    value = values[0]
    if _is_guid(attribute) and isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return str(UUID(bytes_le=value)) if len(value) == 16 else value.hex()
    return str(value)[:255]


def id_in_filter(attribute: str, id_: str) -> str:
    """What `id_of` said as a filter asks for it."""
    if _is_guid(attribute):
        try:
            return "".join(f"\\{byte:02x}" for byte in UUID(id_).bytes_le)
        except ValueError:
            pass
    return str(ldap.filter.escape_filter_chars(id_))


def _is_guid(attribute: str) -> bool:
    return attribute.casefold() == "objectguid"
