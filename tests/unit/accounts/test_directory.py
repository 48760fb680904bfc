"""What Active Directory does otherwise, at the level of filters and values.

slapd neither has objectGUID nor knows the matching rule in chain: it would answer nothing.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

pytest.importorskip("ldap")


from accounts.ldap.config import LdapConfig
from accounts.ldap.directory import Directory, Person, id_in_filter, id_of

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
    assert found == ["Admins", "cn=admins,ou=groups,dc=x"]
    assert connection.asked == [f"(&(objectClass=*)(member:1.2.840.113556.1.4.1941:={asked}))"]


def test_a_filter_of_nested_membership_reaches_the_directory_as_it_stands() -> None:
    """Who may log in by a group in a group: the operator's own filter."""
    pattern = (
        "(&(sAMAccountName=%(user)s)(memberOf:1.2.840.113556.1.4.1941:=CN=Portal,OU=Groups,DC=x))"
    )
    connection = Connection(entry(GUID))
    assert directory(connection, user_filter=pattern).find("a*n") is not None
    assert connection.asked == [pattern % {"user": r"a\2an"}]
