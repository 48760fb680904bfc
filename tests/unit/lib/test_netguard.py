"""The address guard: spellings, names, rebinding, and a slow reference by another route."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kubecarrier.lib import netguard
from kubecarrier.lib.errors import TransientError
from kubecarrier.lib.guarded_http import Deadline, GuardedTransport
from kubecarrier.lib.netguard import (
    AddressCode,
    AddressError,
    Policy,
    UnresolvableError,
    check_url,
    forbidden_reason,
    parse_url,
)

LOOPBACK = Policy(allow_loopback=True)

FORBIDDEN = [
    "http://169.254.169.254/latest",
    "http://169.254.169.254./latest",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::169.254.169.254]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:1:2:3:4:5:6]/",
    "http://[fd00:ec2::254]/",
    "http://[FD00:0EC2:0:0:0:0:0:254]/",
    "http://[fd20:ce::254]/",
    "http://[fe80::1]/",
    "http://[fe80::5efe:a9fe:a9fe]/",
    "http://[2001:db8::5efe:a9fe:a9fe]/",
    "http://169.254.1.1/",
    "http://169.254.170.2/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://127.255.255.254/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::]/",
    "http://0.0.0.0/",
    "http://0/",
    "http://224.0.0.1/",
    "http://[ff02::1]/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://１６９.２５４.１６９.２５４/",
    "http://169。254。169。254/",
    "http://①⑥⑨.254.169.254/",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_forbidden_in_every_spelling(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        check_url(url, Policy())
    assert caught.value.code == AddressCode.FORBIDDEN


INVALID = [
    "",
    "http://",
    "http:///path",
    "ftp://example.test/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//example.test/",
    "example.test",
    "http://user@example.test/",
    "http://user:pw@example.test/",
    "http://@example.test/",
    "http://example.test/#x",
    "http://example.test/#",
    "http://exa mple.test/",
    "http://example.test/\n",
    "http://example.test/\r\nHost: x",
    "http://example.test/\x00",
    "\thttp://example.test/",
    "http://example.test\\@169.254.169.254/",
    "http://example.test:0/",
    "http://example.test:65536/",
    "http://example.test:-1/",
    "http://example.test:x/",
    "http://[::1",
    "http://[fe80::1%25eth0]/",
    "http://[::1%eth0]/",
    "http://[1.2.3.4]/",
    "http://1.2.3/",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://08.8.8.8/",
    "http://134744072/",
    "http://a..b/",
    "http://-a.test/",
    "http://" + "a" * 64 + ".test/",
    "http://" + "a." * 130 + "test/",
    "http://example.test/" + "a" * 9000,
    "http://%31%36%39.254.169.254/",
    "http://exam\u202eple.test/",
]


@pytest.mark.parametrize("url", INVALID, ids=lambda url: repr(url)[:50])
def test_invalid(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_url(url)
    assert caught.value.code == AddressCode.INVALID


def test_parts() -> None:
    assert parse_url("https://Example.TEST./a?b=c") == netguard.Target("https", "example.test", 443)
    assert parse_url("http://bücher.test:81/").host == "xn--bcher-kva.test"
    assert parse_url("http://[2001:DB8::1]:8080/") == netguard.Target("http", "2001:db8::1", 8080)
    assert parse_url("http://1.2.3.4").port == 80


def _names(monkeypatch: pytest.MonkeyPatch, **names: list[str]) -> list[str]:
    """Answers look-ups from a table (`_` stands for a dot); returns the names asked for."""
    asked: list[str] = []

    def lookup(host: str, port: int, timeout: float) -> list[Any]:
        asked.append(host)
        found = names.get(host.replace(".", "_"))
        if not found:
            raise netguard._unresolvable(host)
        return [(0, 0, 0, "", (address, port)) for address in found]

    monkeypatch.setattr(netguard, "_lookup", lookup)
    return asked


def test_all_addresses_of_a_name_count(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, ok_test=["192.0.2.1"], mixed_test=["192.0.2.1", "169.254.169.254"])
    checked = check_url("https://ok.test/", Policy())
    assert [str(address) for address in checked.addresses] == ["192.0.2.1"]
    with pytest.raises(AddressError):
        check_url("https://mixed.test/", Policy())


def test_a_name_that_does_not_resolve_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch)
    with pytest.raises(UnresolvableError) as caught:
        check_url("https://gone.test/", Policy())
    assert caught.value.code == AddressCode.UNRESOLVABLE
    assert isinstance(caught.value, TransientError)


def test_a_real_lookup_that_fails() -> None:
    with pytest.raises(UnresolvableError):
        netguard.resolve("name.invalid", 80)


def test_a_lookup_that_hangs_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])
    with pytest.raises(UnresolvableError):
        netguard.resolve("slow.test", 80, timeout=0.05)
    release.set()


@pytest.mark.parametrize(
    ("url", "closed"),
    [
        ("http://db.test:5432/", True),
        ("http://db.test:5433/", False),
        ("http://10.0.0.5:5432/", True),
        ("http://[::ffff:10.0.0.5]:5432/", True),
        ("http://alias.test:5432/", True),
        ("http://10.0.0.6:5432/", False),
        ("http://cache.test:1/", True),
    ],
)
def test_own_services_stay_closed(monkeypatch: pytest.MonkeyPatch, url: str, closed: bool) -> None:
    _names(monkeypatch, db_test=["10.0.0.5"], alias_test=["10.0.0.5"], cache_test=["10.0.0.9"])
    policy = Policy(denied=frozenset({("db.test", 5432), ("cache.test", 0)}))
    if not closed:
        check_url(url, policy)
        return
    with pytest.raises(AddressError) as caught:
        check_url(url, policy)
    assert caught.value.code == AddressCode.FORBIDDEN


@pytest.mark.parametrize("text", ["10.1.1.1", "192.168.1.1", "172.31.0.1", "fd12::1", "100.64.0.1"])
def test_private_addresses_follow_the_policy(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert forbidden_reason(address, Policy()) is None
    assert forbidden_reason(address, Policy(allow_private=False)) == "a private address"


def test_loopback_follows_the_policy() -> None:
    assert check_url("http://127.0.0.1:8080/", LOOPBACK).port == 8080
    assert check_url("http://[::1]/", LOOPBACK).host == "::1"


# -- the slow reference --------------------------------------------------------------


def _reference(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is forbidden with loopback closed and private open."""
    if isinstance(address, ipaddress.IPv4Address):
        return (
            address.is_loopback
            or address.is_link_local
            or address.is_multicast
            or address.is_reserved
            or str(address).startswith("0.")
            or str(address) in ("100.100.100.200", "168.63.129.16", "192.0.0.192")
        )
    text = address.exploded
    if text in (
        "fd00:0ec2:0000:0000:0000:0000:0000:0254",
        "fd00:0ec2:0000:0000:0000:0000:0000:0023",
        "fd20:00ce:0000:0000:0000:0000:0000:0254",
    ):
        return True
    if address.is_loopback or address.is_link_local or address.is_multicast:
        return True
    if address.is_unspecified or address.teredo is not None or text.startswith("0064:ff9b:0001:"):
        return True
    embedded = [address.ipv4_mapped, address.sixtofour]
    last = ipaddress.IPv4Address(address.packed[-4:])
    heads = ("0000:" * 6, "0064:ff9b:" + "0000:" * 4, "0000:" * 4 + "ffff:0000:")
    if text.startswith(heads) or text[20:29] in ("0000:5efe", "0200:5efe"):
        embedded.append(last)
    return any(_reference(each) for each in embedded if each is not None)


V4 = st.one_of(
    st.ip_addresses(v=4),
    st.sampled_from(
        ["169.254.0.0/16", "127.0.0.0/8", "224.0.0.0/4", "0.0.0.0/8", "240.0.0.0/4", "10.0.0.0/8"]
    ).flatmap(lambda network: st.ip_addresses(network=network)),
)
V6_NETWORKS = [
    "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16",
    "2001::/32", "fe80::/10", "ff00::/8", "fc00::/7", "fec0::/10", "fd00:ec2::/120",
]  # fmt: skip
V6 = st.one_of(
    st.ip_addresses(v=6),
    st.sampled_from(V6_NETWORKS).flatmap(lambda network: st.ip_addresses(network=network)),
    V4.map(lambda v4: ipaddress.IPv6Address((0x2002 << 112) | (int(v4) << 80))),
    V4.map(lambda v4: ipaddress.IPv6Address((0x64FF9B << 96) | int(v4))),
    V4.map(lambda v4: ipaddress.IPv6Address((0xFFFF << 32) | int(v4))),
    V4.map(lambda v4: ipaddress.IPv6Address((0x20010DB8 << 96) | (0x5EFE << 32) | int(v4))),
)


@given(V4 | V6)
def test_guard_equals_the_slow_reference(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    assert (forbidden_reason(address, Policy()) is not None) is _reference(address)


@given(V4, st.sampled_from(["d", "x", "o", "2", "3"]))
def test_no_numeric_spelling_gets_through(address: ipaddress.IPv4Address, style: str) -> None:
    number, parts = int(address), address.packed
    text = {
        "d": str(number),
        "x": hex(number),
        "o": ".".join(f"0{part:o}" for part in parts),
        "2": f"{parts[0]}.{number & 0xFFFFFF}",
        "3": f"{parts[0]}.{parts[1]}.{number & 0xFFFF}",
    }[style]
    try:
        target = parse_url(f"http://{text}/")
    except AddressError as exc:
        if _reference(address):
            assert exc.code == AddressCode.FORBIDDEN
    else:
        assert target.host == str(address)  # only 0.0.0.0-like octal that is also decimal


@given(st.text(max_size=40), st.sampled_from(["http://", "https://", "", "http://["]))
def test_any_text_is_a_target_or_refused(text: str, start: str) -> None:
    try:
        target = parse_url(start + text)
    except AddressError as exc:
        assert exc.code in set(AddressCode)
    else:
        assert target.host.isascii()
        assert 0 < target.port < 65536


# -- connecting ------------------------------------------------------------------------


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = (self.headers["Host"] or "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def _certificate(folder: Path, name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "both.pem").write_bytes(pem + secret)
    return pem.decode()


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """An https server for charts.test: its port, its CA, the SNI names it saw."""
    pem = _certificate(tmp_path, "charts.test")
    seen: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1], pem, seen
    server.shutdown()
    server.server_close()
    thread.join()


def _get(url: str, policy: Policy, *, ca_pem: str | None = None, seconds: float = 5) -> str:
    transport = GuardedTransport(policy, Deadline.after(seconds), ca_pem=ca_pem)
    with httpx2.Client(transport=transport, trust_env=False) as client:
        return client.get(url).text


def test_tls_verifies_the_name_and_keeps_the_host(
    tls_server: tuple[int, str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, pem, seen = tls_server
    _names(monkeypatch, charts_test=["127.0.0.1"], other_test=["127.0.0.1"])
    assert _get(f"https://charts.test:{port}/", LOOPBACK, ca_pem=pem) == f"charts.test:{port}"
    assert seen == ["charts.test"]
    with pytest.raises(httpx2.ConnectError):
        _get(f"https://other.test:{port}/", LOOPBACK, ca_pem=pem)
    with pytest.raises(httpx2.ConnectError):
        _get(f"https://charts.test:{port}/", LOOPBACK)


def test_a_name_that_changes_between_check_and_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["192.0.2.1"], ["169.254.169.254"]])
    monkeypatch.setattr(
        netguard, "_lookup", lambda host, port, timeout: [(0, 0, 0, "", (next(answers)[0], port))]
    )
    check_url("http://rebind.test/", Policy())
    with pytest.raises(AddressError):
        _get("http://rebind.test/", Policy())


def test_the_connection_goes_to_the_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up per connection, and the socket is opened by address, not by name."""
    asked = _names(monkeypatch, charts_test=["127.0.0.1"])
    connected: list[str] = []

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(httpx2.ConnectError):
        _get("http://charts.test/", LOOPBACK)
    assert asked == ["charts.test"]
    assert connected == ["127.0.0.1"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://[::1]:1/", "http://2130706433:1/", "http://u:p@x.test/"]
)
def test_the_transport_itself_refuses(url: str) -> None:
    with pytest.raises(AddressError):
        _get(url, Policy())


def test_a_server_that_never_answers_meets_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(httpx2.TimeoutException):
            _get(f"http://127.0.0.1:{port}/", LOOPBACK, seconds=0.1)
        with pytest.raises(httpx2.TimeoutException):
            _get(f"https://127.0.0.1:{port}/", LOOPBACK, seconds=0.1)


def test_no_time_left() -> None:
    with pytest.raises(httpx2.TimeoutException):
        _get("http://127.0.0.1:1/", LOOPBACK, seconds=0)


def test_unreadable_ca() -> None:
    with pytest.raises(AddressError):
        GuardedTransport(Policy(), Deadline.after(1), ca_pem="not pem")
