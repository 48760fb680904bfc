"""Where a request comes from: the peer, or what a proxy of ours says of it.

`X-Forwarded-For` is read from the right: each trusted proxy appended the
address it saw, so the first one that is no proxy of ours is the caller. What
stands further left was sent by the caller and may be anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

_HOPS = 32  # beyond, nobody's proxy chain is that long


def caller(peer: str, forwarded: str, trusted: Sequence[Network]) -> str | None:
    """The caller's address; the last one that is known where the header holds no address.

    None for a peer without an address (a socket file).
    """
    found = _address(peer)
    if found is None:
        return None
    for text in reversed(forwarded.split(",")[-_HOPS:]):
        if not is_trusted(found, trusted):
            break
        before = _address(text)
        if before is None:
            break
        found = before
    return str(found)


def is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    """Whether a proxy of ours sits there."""
    return address is not None and any(address in network for network in trusted)


def peer_is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether what the peer says of others is believed."""
    return is_trusted(_address(peer), trusted)


def _address(text: str) -> Address | None:
    """An address, with or without a port or brackets; IPv4 inside IPv6 is IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
