"""From where a token may be used: addresses and networks in CIDR form."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from kubecarrier.lib.errors import InvalidError

MAX_NETWORKS = 50


def checked(networks: Iterable[str]) -> list[str]:
    """The networks in their canonical form; raises InvalidError `network_invalid`."""
    found = []
    for text in networks:
        try:
            if "%" in text:  # an interface of some machine
                raise ValueError(text)
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError:
            raise InvalidError(
                "network_invalid",
                f"“{text[:60]}” is no network.",
                field="networks",
                hint="Write an address or a network, such as 10.0.0.0/8.",
            ) from None
    if len(found) > MAX_NETWORKS:
        raise InvalidError("networks_too_many", f"At most {MAX_NETWORKS}.", field="networks")
    return sorted(set(found))


def holds(networks: Iterable[str], address: str | None) -> bool:
    """Whether the address is in one of them; no networks mean everywhere."""
    listed = list(networks)
    if not listed:
        return True
    here = parsed(address)
    return here is not None and any(here in ipaddress.ip_network(text) for text in listed)


def parsed(address: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, IPv4 inside IPv6 as the IPv4 it means; None when it is none."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
