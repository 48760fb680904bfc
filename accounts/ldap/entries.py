"""An entry of the directory as a person: ids, names, and whether the account there is still open."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import ldap.filter

from accounts.ldap.config import LdapConfig

# userAccountControl, ACCOUNTDISABLE (MS-ADTS 2.2.16).
_DISABLED: Final = 0x2
# accountExpires counts 100 ns since 1601; two values are "never" (MS-ADA1 2.1).
_NEVER: Final = frozenset({0, 0x7FFFFFFFFFFFFFFF})
_SECONDS_1601_TO_1970: Final = 11_644_473_600
# Of Active Directory: whether the account is open, and the group that `member` leaves out.
_STATE: Final = ("userAccountControl", "accountExpires", "primaryGroupID", "objectSid")


@dataclass(frozen=True, slots=True)
class Person:
    """Who an entry is. `id` stays when the person is renamed or moved; `closed` says why not to come in."""

    dn: str
    id: str
    username: str
    email: str
    first_name: str
    last_name: str
    attributes: Any
    closed: str = ""


def wanted(setup: LdapConfig) -> list[str]:
    """The attributes that `person_of` reads."""
    return [
        setup.username_attribute, setup.id_attribute, setup.mail_attribute,
        setup.first_name_attribute, setup.last_name_attribute, "uid", "gidNumber", *_STATE,
    ]  # fmt: skip


def person_of(setup: LdapConfig, dn: str, attributes: Any) -> Person | None:
    """An entry without id or name is nobody."""
    id_ = id_of(setup.id_attribute, attributes.get(setup.id_attribute))
    username = _first(attributes, setup.username_attribute)
    if not id_ or not username:
        return None
    return Person(
        dn, id_, username, _first(attributes, setup.mail_attribute),
        _first(attributes, setup.first_name_attribute)[:150],
        _first(attributes, setup.last_name_attribute)[:150], attributes, closed_of(attributes),
    )  # fmt: skip


def closed_of(attributes: Any) -> str:
    """Why Active Directory lets nobody in by this entry; "" while it does, and elsewhere."""
    if _number(attributes, "userAccountControl") & _DISABLED:
        return "disabled"
    until = _number(attributes, "accountExpires")
    if until not in _NEVER and until / 10_000_000 - _SECONDS_1601_TO_1970 <= time.time():
        return "expired"
    return ""


def primary_group_sid(attributes: Any) -> bytes:
    """The sid of the group that one is in without being a `member`; b"" elsewhere than in AD.

    It is the person's own, with another last part (MS-ADTS 3.1.1.4.5.19).
    """
    sid, number = _bytes(attributes, "objectSid"), _number(attributes, "primaryGroupID")
    return sid[:-4] + number.to_bytes(4, "little") if len(sid) >= 12 and number else b""


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
            return in_filter(UUID(id_).bytes_le)
        except ValueError:
            pass
    return str(ldap.filter.escape_filter_chars(id_))


def in_filter(value: bytes) -> str:
    """Bytes as a filter asks for them (RFC 4515)."""
    return "".join(f"\\{byte:02x}" for byte in value)


def _is_guid(attribute: str) -> bool:
    return attribute.casefold() == "objectguid"


def _first(attributes: Any, name: str) -> str:
    values = attributes.get(name) or [""]
    return str(values[0]) if isinstance(values[0], str) else ""


def _number(attributes: Any, name: str) -> int:
    text = _first(attributes, name)
    return int(text) if text.isascii() and text.isdecimal() else 0


def _bytes(attributes: Any, name: str) -> bytes:
    value = (attributes.get(name) or [b""])[0]
    return value.encode() if isinstance(value, str) else bytes(value)
