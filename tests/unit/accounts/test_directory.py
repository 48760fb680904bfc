"""What Active Directory does otherwise, at the level of filters and values.

The values at the edges; a whole domain is asked in tests/db/test_active_directory.py.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest

pytest.importorskip("ldap")


from accounts.ldap.config import LdapConfig
from accounts.ldap.directory import Directory
from accounts.ldap.entries import Person, closed_of, id_in_filter, id_of, primary_group_sid
from accounts.ldap.refusals import reason_of

GUID = UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")
# Sixteen bytes that are also a text in UTF-8: the library hands them out as one.
LIKE_A_TEXT = UUID(bytes_le=b"abcdefghijklmno\x00")


class Connection:
    """Keeps what it was asked."""

    timeout = 1.0

    def __init__(self, *entries: Any) -> None:
        self.entries = list(entries)
        self.asked: list[str] = []

    def search_ext_s(self, base: str, scope: int, pattern: str, *args: Any, **more: Any) -> Any:
        self.asked.append(pattern)
        return self.entries


def directory(connection: Connection, **more: Any) -> Directory:
    given: dict[str, Any] = {
        "urls": (), "start_tls": False, "ca_file": "", "bind_dn": "", "bind_password": "",
        "user_base": "DC=x", "user_filter": "(&(objectCategory=person)(sAMAccountName=%(user)s))",
        "username_attribute": "sAMAccountName", "id_attribute": "objectGUID",
        "mail_attribute": "mail", "first_name_attribute": "givenName", "last_name_attribute": "sn",
        "group_base": "OU=Groups,DC=x", "group_type": "ad", "admit_everyone": True,
        "recheck_seconds": 600,
    }  # fmt: skip
    found = Directory(LdapConfig(**(given | more)))
    found._connection = connection
    return found


def entry(guid: UUID, name: str = "ann") -> Any:
    return (
        f"CN={name},DC=x",
        {"objectGUID": [guid.bytes_le], "sAMAccountName": [name.encode()]},
    )


@pytest.mark.parametrize("guid", [GUID, LIKE_A_TEXT])
def test_a_guid_is_read_as_ad_shows_it(guid: UUID) -> None:
    found = directory(Connection(entry(guid))).find("ann")
    assert found is not None
    assert found.id == str(guid)


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("objectGUID", GUID.bytes_le, str(GUID)),
        ("OBJECTGUID", LIKE_A_TEXT.bytes_le.decode(), str(LIKE_A_TEXT)),
        ("entryUUID", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        ("objectGUID", b"\x01\x02", "0102"),
        ("uidNumber", "1000", "1000"),
    ],
)  # fmt: skip
def test_ids(attribute: str, value: Any, said: str) -> None:
    assert id_of(attribute, [value]) == said
    assert id_of(attribute, []) == id_of(attribute, None) == ""


def test_a_guid_is_asked_for_by_its_bytes() -> None:
    asked = r"\ff\19\96\6f\86\8b\11\d0\b4\2d\00\cf\4f\c9\64\ff"
    assert id_in_filter("objectGUID", str(GUID)) == asked
    connection = Connection(entry(GUID))
    assert directory(connection).again(str(GUID)) is not None
    assert connection.asked == [
        f"(&(&(objectCategory=person)(sAMAccountName=*))(objectGUID={asked}))"
    ]


@pytest.mark.parametrize("id_", ["*", "x)(uid=*", "a\0b", "ü"])
def test_an_odd_id_stays_a_value(id_: str) -> None:
    for attribute in ("objectGUID", "entryUUID"):
        text = id_in_filter(attribute, id_)
        assert not set("*()\0") & set(text)


def test_somebody_else_of_that_id_is_nobody() -> None:
    assert directory(Connection(entry(LIKE_A_TEXT))).again(str(GUID)) is None


@pytest.mark.parametrize(
    ("dn", "asked"),
    [
        ("CN=Ann,DC=x", "CN=Ann,DC=x"),
        (r"CN=Doe\, Ann (IT),DC=x", r"CN=Doe\5c, Ann \28IT\29,DC=x"),
        ("CN=*,DC=x", r"CN=\2a,DC=x"),
        ("CN=100% Ann,DC=x", "CN=100% Ann,DC=x"),
    ],
)
def test_groups_in_groups_in_one_question(dn: str, asked: str) -> None:
    connection = Connection(("CN=Admins,OU=Groups,DC=x", {"cn": [b"Admins"]}))
    person = Person(dn, "1", "ann", "", "", "", {})
    found = directory(connection).groups(person)
    assert found == ["Admins", "CN=Admins,OU=Groups,DC=x"]
    assert connection.asked == [f"(&(objectClass=*)(member:1.2.840.113556.1.4.1941:={asked}))"]


def test_a_filter_of_nested_membership_reaches_the_directory_as_it_stands() -> None:
    """Who may log in by a group in a group: the operator's own filter."""
    pattern = (
        "(&(sAMAccountName=%(user)s)(memberOf:1.2.840.113556.1.4.1941:=CN=Portal,OU=Groups,DC=x))"
    )
    connection = Connection(entry(GUID))
    assert directory(connection, user_filter=pattern).find("a*n") is not None
    assert connection.asked == [pattern % {"user": r"a\2an"}]


def _filetime(seconds: float) -> str:
    return str(int((time.time() + seconds + 11_644_473_600) * 10_000_000))


@pytest.mark.parametrize(
    ("attributes", "closed"),
    [
        ({}, ""),
        ({"userAccountControl": ["512"]}, ""),
        ({"userAccountControl": ["514"]}, "disabled"),
        ({"userAccountControl": ["66050"]}, "disabled"),
        ({"userAccountControl": ["66048"], "accountExpires": ["0"]}, ""),
        ({"accountExpires": ["9223372036854775807"]}, ""),
        ({"accountExpires": [_filetime(3600)]}, ""),
        ({"accountExpires": [_filetime(-3600)]}, "expired"),
        ({"userAccountControl": [""], "accountExpires": ["soon"]}, ""),
        ({"userAccountControl": [b"\xff"], "accountExpires": ["\u0663"]}, ""),
        ({"userAccountControl": [], "accountExpires": []}, ""),
    ],
)
def test_whether_an_account_is_open(attributes: Any, closed: str) -> None:
    assert closed_of(attributes) == closed


SID = bytes.fromhex("010500000000000515000000") + b"abcdefghijkl" + (1103).to_bytes(4, "little")


@pytest.mark.parametrize("sid", [SID, SID.decode()])
def test_the_primary_group_is_the_neighbour_by_its_number(sid: Any) -> None:
    found = primary_group_sid({"objectSid": [sid], "primaryGroupID": ["513"]})
    assert found == SID[:-4] + (513).to_bytes(4, "little")


@pytest.mark.parametrize(
    "attributes",
    [{}, {"objectSid": [SID]}, {"primaryGroupID": ["513"]},
     {"objectSid": [b"short"], "primaryGroupID": ["513"]},
     {"objectSid": [SID], "primaryGroupID": ["0"]}],
)  # fmt: skip
def test_without_a_primary_group(attributes: Any) -> None:
    assert primary_group_sid(attributes) == b""


_SAID = "80090308: LdapErr: DSID-0C090{}, comment: AcceptSecurityContext error, data {}, v{}"


@pytest.mark.parametrize(
    ("info", "code"),
    [
        (_SAID.format("446", "52e", "3839"), None),
        (_SAID.format("446", "525", "2580"), None),
        (_SAID.format("446", "530", "2580"), "ldap_wrong_hours"),
        (_SAID.format("446", "531", "2580"), "ldap_wrong_machine"),
        (_SAID.format("446", "532", "2580"), "ldap_password_expired"),
        (_SAID.format("3A9", "533", "db1"), "ldap_account_disabled"),
        (_SAID.format("446", "701", "2580"), "ldap_account_expired"),
        (_SAID.format("446", "773", "2580\0"), "ldap_password_change"),
        (_SAID.format("446", "775", "2580"), "ldap_account_locked"),
        ("account 533 of 775", None),
        ("", None),
    ],
)
def test_why_a_password_is_not_taken(info: str, code: str | None) -> None:
    found = reason_of(Exception({"result": 49, "desc": "Invalid credentials", "info": info}))
    assert (found.code if found else None) == code


@pytest.mark.parametrize("args", [(), ("text",), ({"desc": "x"},), ({"info": None},)])
def test_an_error_without_a_reason(args: Any) -> None:
    assert reason_of(Exception(*args)) is None
