"""django-auth-ldap's searches and kinds of groups, as they are needed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ldap
import ldap.filter
from django_auth_ldap import config as django_auth_ldap

from accounts.ldap.entries import in_filter, primary_group_sid

# LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3); OpenLDAP does not know it.
_IN_CHAIN = "member:1.2.840.113556.1.4.1941:"


class Search(django_auth_ldap.LDAPSearch):  # type: ignore[misc]
    """Whose errors stay errors, and whose names stay as the directory spells them."""

    def execute(self, connection: Any, filterargs: Any = (), escape: bool = True) -> Any:
        pattern = self.filterstr
        if filterargs:  # else a % in it is somebody's name
            pattern %= self._escape_filterargs(filterargs) if escape else filterargs
        found = connection.search_ext_s(
            self.base_dn, self.scope, pattern, self.attrlist, timeout=connection.timeout
        )
        return self.entries(found)

    @staticmethod
    def entries(found: Any) -> list[tuple[str, Any]]:
        """Decoded, without referrals. In lower case, as the library has it, an İ is another letter."""
        own = [entry[:2] for entry in found if entry[0] is not None]
        return list(django_auth_ldap._DeepStringCoder("utf-8").decode(own))


@dataclass(frozen=True, slots=True)
class Asking:
    """What kinds of groups want to know of a person."""

    dn: str
    attrs: Any
    connection: Any


def group_kind(name: str) -> Any:
    """The kind of groups that the settings name; None for no groups."""
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
    """Active Directory walks through groups in groups itself: one question instead of one a level.

    The primary group ("Domain Users" of nearly everybody) is in no `member`, nor are then the
    groups that it is in: it is asked for by its sid, once for all who share it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._primary: dict[bytes, str] = {}

    def user_groups(self, ldap_user: Any, group_search: Any) -> Any:
        """Every group that has the person as a member, or a group that has."""
        terms = [self._holds(ldap_user.dn)]
        sid = primary_group_sid(ldap_user.attrs)
        if sid and (dn := self._name_of(sid, ldap_user.connection)):
            terms += [f"(objectSid={in_filter(sid)})", self._holds(dn)]
        term = terms[0] if len(terms) == 1 else f"(|{''.join(terms)})"
        search = group_search.search_with_additional_term_string(term)
        return search.execute(ldap_user.connection)

    @staticmethod
    def _holds(dn: str) -> str:
        return f"({_IN_CHAIN}={ldap.filter.escape_filter_chars(dn)})"

    def _name_of(self, sid: bytes, connection: Any) -> str:
        if sid not in self._primary:
            search = Search(f"<SID={sid.hex()}>", ldap.SCOPE_BASE, "(objectClass=group)", ["cn"])
            try:
                found = search.execute(connection)
            except ldap.NO_SUCH_OBJECT:
                found = []  # not to be seen by the portal's account
            self._primary[sid] = found[0][0] if found else ""
        return self._primary[sid]
