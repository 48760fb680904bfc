"""Whose address a request has, whatever its headers say."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubecarrier.forwarded import caller, peer_is_trusted

OURS = [ip_network("10.0.0.0/8"), ip_network("::1/128")]


@pytest.mark.parametrize(
    ("peer", "header", "found"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),  # no proxy of ours
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),  # the left is the caller's word
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("10.0.0.1", "198.51.100.1, junk", "10.0.0.1"),
        ("10.0.0.1", "junk' OR 1=1 --", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::1", "fe80::1%eth0", "fe80::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", None),
        ("unix:", "198.51.100.1", None),
    ],
)
def test_the_caller(peer: str, header: str, found: str | None) -> None:
    assert caller(peer, header, OURS) == found


@given(st.text(), st.text())
def test_any_text_gives_an_address_or_none(peer: str, header: str) -> None:
    found = caller(peer, header, OURS)
    assert found is None or ip_address(found)


@given(st.text())
def test_whoever_trusts_nobody_hears_the_peer_only(header: str) -> None:
    assert caller("10.0.0.1", header, []) == "10.0.0.1"
    assert not peer_is_trusted("10.0.0.1", [])
