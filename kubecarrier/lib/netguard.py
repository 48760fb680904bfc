"""Where the portal may connect to: the guard in front of every address a person gives.

A chart repository, registry or API server address comes from people, so it
could point at a cloud's metadata service, at our own database or at a socket
on this host. Names are checked by what they resolve to, all addresses at once;
`guarded_http` connects to what passed.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import idna

from kubecarrier.lib.errors import InvalidError, TransientError

type IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_LENGTH: Final = 8192
RESOLVE_SECONDS: Final = 5.0
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "oci": 443}
# getaddrinfo has no time-out: a look-up that hangs keeps its thread until the
# system's resolver gives up, so the number of such threads is bounded.
_LOOKUPS: Final = threading.BoundedSemaphore(32)


class AddressCode(StrEnum):
    """Why an address was refused."""

    FORBIDDEN = "address_forbidden"
    INVALID = "address_invalid"
    UNRESOLVABLE = "address_unresolvable"


class AddressError(InvalidError):
    """The address is malformed or may not be connected to; `data` has `host`."""


class UnresolvableError(TransientError):
    """The name has no address now (`address_unresolvable`); `data` has `host`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an administrator allows.

    `denied` are (host or address, port) pairs that stay closed even where
    private addresses are allowed: our own database, queue and cache. Port 0
    stands for every port; a name there also closes what it resolves to.
    """

    allow_loopback: bool = False
    allow_private: bool = True
    denied: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """A well-formed URL's parts: `host` in ASCII, lower case, without brackets."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """A target whose every address passed the policy, in the resolver's order."""

    host: str
    port: int
    addresses: tuple[IPAddress, ...]
    scheme: str


# -- reading a URL -------------------------------------------------------------

_BAD_CHARACTER: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\\s<>\"^`{|}]")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER_PART: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")


def parse_url(url: str, schemes: Sequence[str] = ("https", "http")) -> Target:
    """The target of a URL, without any look-up. Raises `AddressError`."""
    if len(url) > MAX_URL_LENGTH or _BAD_CHARACTER.search(url):
        raise _invalid("It has characters that an address cannot have, or is too long.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid("It is malformed.") from None
    _check_shape(url, parts.scheme, parts.netloc, schemes)
    host = _ascii_host(parts.hostname or "")
    if port == 0:
        raise _invalid("Port 0 cannot be connected to.")
    return Target(parts.scheme, host, port or _DEFAULT_PORTS.get(parts.scheme, 443))


def _check_shape(url: str, scheme: str, netloc: str, schemes: Sequence[str]) -> None:
    if scheme not in schemes:
        raise _invalid(f"Only {' and '.join(schemes)} addresses are accepted.")
    if "@" in netloc:
        raise _invalid("User names and passwords do not belong into an address.")
    if "#" in url:
        raise _invalid("An address has no fragment (#).")


def _invalid(reason: str, host: str | None = None) -> AddressError:
    return AddressError(AddressCode.INVALID, f"The address is not accepted: {reason}", host=host)


def _ascii_host(host: str) -> str:
    if ":" in host:
        return _ipv6_host(host)
    name = _to_ascii(host).removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid("The host name is malformed.", host[:80])
    if _NUMBER_PART.fullmatch(labels[-1]):
        return _numeric_host(name)
    return name


def _ipv6_host(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        raise _invalid("The IPv6 address is malformed.", host[:80]) from None
    if address.scope_id is not None:
        raise _invalid("An address has no zone.", host[:80])
    return str(address)


def _to_ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        raise _invalid("The host name is malformed.", host[:80]) from None


def _numeric_host(name: str) -> str:
    """A dotted quad as it is; any other number is refused, and named for what it means.

    C libraries read `2852039166`, `0xa9fea9fe`, `0251.0376.0251.0376` and
    `169.254.43518` all as 169.254.169.254.
    """
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        pass
    meant = _as_c_library(name)
    if meant is not None and forbidden_reason(meant, Policy()):
        raise _forbidden(name, forbidden_reason(meant, Policy()) or "")
    raise _invalid("Write an IPv4 address as four decimal numbers.", name[:80])


def _as_c_library(name: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except OSError:
        return None


# -- judging an address --------------------------------------------------------

_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
_CLOSED_NETWORKS: Final[tuple[tuple[str, Any], ...]] = tuple(
    (reason, ipaddress.ip_network(network))
    for reason, network in (
        ("an unspecified address", "0.0.0.0/8"),
        ("an unspecified address", "::/128"),
        ("a link-local address", "169.254.0.0/16"),
        ("a link-local address", "fe80::/10"),
        ("a multicast address", "224.0.0.0/4"),
        ("a multicast address", "ff00::/8"),
        ("a reserved address", "240.0.0.0/4"),
        ("a reserved address", "64:ff9b:1::/48"),
        ("a reserved address", "2001::/32"),
    )
)
_LOOPBACK: Final = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128"))
_PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fec0::/10",
    )
)
_EMBEDDING: Final = tuple(
    (ipaddress.IPv6Network(text), shift)
    for text, shift in (
        ("::ffff:0:0/96", 0),  # IPv4-mapped
        ("::ffff:0:0:0/96", 0),  # IPv4-translated
        ("::/96", 0),  # IPv4-compatible, deprecated
        ("64:ff9b::/96", 0),  # NAT64
        ("2002::/16", 80),  # 6to4
    )
)
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


def forbidden_reason(address: IPAddress, policy: Policy) -> str | None:
    """What the address is, if the policy forbids it; an IPv4 inside IPv6 counts too."""
    reasons = (_own_reason(each, policy) for each in _with_embedded(address))
    return next((reason for reason in reasons if reason), None)


def _with_embedded(address: IPAddress) -> Iterator[IPAddress]:
    if not isinstance(address, ipaddress.IPv6Address) or address == _IPV6_LOOPBACK:
        yield address
        return
    number = int(address)
    found = [(number >> shift) & 0xFFFFFFFF for net, shift in _EMBEDDING if address in net]
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        found.append(number & 0xFFFFFFFF)
    yield from (ipaddress.IPv4Address(value) for value in found)
    yield address


_IPV6_LOOPBACK: Final = ipaddress.IPv6Address("::1")


def _own_reason(address: IPAddress, policy: Policy) -> str | None:
    if address in _METADATA:
        return "a cloud metadata address"
    for reason, network in _CLOSED_NETWORKS:
        if address in network:
            return reason
    if not policy.allow_loopback and any(address in network for network in _LOOPBACK):
        return "a loopback address"
    if not policy.allow_private and any(address in network for network in _PRIVATE):
        return "a private address"
    return None


def is_loopback(address: IPAddress) -> bool:
    """Whether the address is this host, also inside an IPv6 address."""
    return any(each in network for each in _with_embedded(address) for network in _LOOPBACK)


def _forbidden(host: str, reason: str) -> AddressError:
    message = f"The portal may not connect to {host[:80]}: it is {reason}."
    return AddressError(AddressCode.FORBIDDEN, message, host=host[:80], reason=reason)


# -- looking up ----------------------------------------------------------------


def resolve(host: str, port: int, timeout: float = RESOLVE_SECONDS) -> tuple[IPAddress, ...]:
    """All addresses of a host, without repetition. Raises `UnresolvableError`."""
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        infos = _lookup(host, port, timeout)
    texts = dict.fromkeys(str(info[4][0]).partition("%")[0] for info in infos)
    return tuple(ipaddress.ip_address(text) for text in texts)


def _lookup(host: str, port: int, timeout: float) -> list[Any]:
    """getaddrinfo in a thread of its own, abandoned after `timeout` seconds."""
    found: list[Any] = []
    done = threading.Event()

    def work() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            found.clear()
        finally:
            _LOOKUPS.release()
            done.set()

    if not _LOOKUPS.acquire(timeout=timeout):
        raise _unresolvable(host)
    threading.Thread(target=work, daemon=True, name="netguard-lookup").start()
    if not done.wait(timeout) or not found:
        raise _unresolvable(host)
    return found


def _unresolvable(host: str) -> UnresolvableError:
    message = f"The name {host[:80]} has no address (or the name service did not answer)."
    return UnresolvableError(AddressCode.UNRESOLVABLE, message, host=host[:80])


def check_host(
    host: str, port: int, policy: Policy, timeout: float = RESOLVE_SECONDS
) -> tuple[IPAddress, ...]:
    """The host's addresses, if all of them pass. Raises `AddressError`, `UnresolvableError`."""
    if (host, port) in policy.denied or (host, 0) in policy.denied:
        raise _forbidden(host, "closed by the platform")
    addresses = resolve(host, port, timeout)
    denied = _denied_addresses(policy, port, timeout)
    for address in addresses:
        reason = forbidden_reason(address, policy)
        if reason is None and denied.intersection(_with_embedded(address)):
            reason = "closed by the platform"
        if reason is not None:
            raise _forbidden(host, reason)
    return addresses


def _denied_addresses(policy: Policy, port: int, timeout: float) -> frozenset[IPAddress]:
    hosts = [host for host, closed in policy.denied if closed in (0, port)]
    return frozenset(address for host in hosts for address in _resolved_or_none(host, timeout))


def _resolved_or_none(host: str, timeout: float) -> tuple[IPAddress, ...]:
    try:
        return resolve(host, 0, timeout)
    except UnresolvableError:
        return ()


def check_url(
    url: str, policy: Policy, schemes: Sequence[str] = ("https", "http")
) -> CheckedAddress:
    """Read, resolve and judge a URL.

    Raises `AddressError` (`address_invalid`, `address_forbidden`) and
    `UnresolvableError` (`address_unresolvable`).
    """
    target = parse_url(url, schemes)
    addresses = check_host(target.host, target.port, policy)
    return CheckedAddress(target.host, target.port, addresses, target.scheme)
