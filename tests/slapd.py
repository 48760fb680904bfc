"""A real slapd as a child process: 2,000 people, groups in groups, odd names, TLS."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BASE = "dc=example,dc=org"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
BIND_DN, BIND_PASSWORD = f"cn=portal,{BASE}", "canary-bind-password"
COUNT = 2000
PASSWORD = "canary-of-"  # and the uid
ODD = {
    "comma": r"cn=Doe\2C Jane\2C PhD",
    "star": r"cn=Star *",
    "quote": r"cn=O\27Neil (ops)",
}


@dataclass
class Slapd:
    """Where it listens; `run` sends it a change."""

    ldap: str
    ldaps: str
    ca_file: Path
    folder: Path
    child: subprocess.Popen[bytes]

    def change(self, ldif: str) -> None:
        command = ["ldapmodify", "-x", "-H", self.ldap, "-D", BIND_DN, "-w", BIND_PASSWORD]
        subprocess.run(command, input=ldif, text=True, check=True, capture_output=True)

    def delete(self, *dns: str) -> None:
        self.change("\n\n".join(f"dn: {dn}\nchangetype: delete" for dn in dns) + "\n")

    def stop_answering(self) -> None:
        self.child.send_signal(signal.SIGSTOP)

    def answer_again(self) -> None:
        self.child.send_signal(signal.SIGCONT)


def missing(reason: str) -> None:
    """Skip with the reason; an error where nothing may be left out."""
    if os.environ.get("KUBECARRIER_REQUIRE_LDAP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str) -> str:
    """Where it is, or a skip."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/openldap")
    if found is None:
        missing(f"{name} is not installed (tools/packages)")
    return str(found)


def library() -> None:
    """Skip without the packages of requirements-ldap.txt."""
    if not (find_spec("ldap") and find_spec("django_auth_ldap")):
        missing("python-ldap is not installed (tools/ldap)")


def _ldif() -> str:
    parts = [
        f"dn: {BASE}\nobjectClass: domain\ndc: example",
        f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people",
        f"dn: {GROUPS}\nobjectClass: organizationalUnit\nou: groups",
        f"dn: {BIND_DN}\nobjectClass: person\ncn: portal\nsn: portal\nuserPassword: {BIND_PASSWORD}",
    ]
    parts += [_person(f"uid=u{n:04d}", f"u{n:04d}", n) for n in range(COUNT)]
    parts += [_person(rdn, uid, COUNT + n) for n, (uid, rdn) in enumerate(ODD.items())]
    members = [f"{ODD['comma']},{PEOPLE}", f"{ODD['star']},{PEOPLE}", f"uid=u0001,{PEOPLE}"]
    parts += [
        _group("inner", members),
        _group("middle", [f"cn=inner,{GROUPS}", f"uid=u0002,{PEOPLE}"]),
        _group("outer", [f"cn=middle,{GROUPS}"]),
        _group("circle", [f"cn=circle,{GROUPS}", f"cn=outer,{GROUPS}"]),
        _group("everyone", [f"uid=u{n:04d},{PEOPLE}" for n in range(COUNT)]),
        f"dn: cn=unix,{GROUPS}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 7000\nmemberUid: u0003",
        f"dn: cn=unique,{GROUPS}\nobjectClass: groupOfUniqueNames\ncn: unique\n"
        f"uniqueMember: uid=u0004,{PEOPLE}",
    ]
    return "\n\n".join(parts) + "\n"


def _person(rdn: str, uid: str, number: int) -> str:
    cn = "" if rdn.startswith("cn=") else f"cn: Person {number}\n"
    extra = f"uid: {uid}\n" if rdn.startswith("cn=") else ""
    return (
        f"dn: {rdn},{PEOPLE}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n{cn}{extra}"
        f"sn: Nr{number}\ngivenName: Given\nmail: {uid}@example.org\nuidNumber: {10000 + number}\n"
        f"gidNumber: {7000 if uid == 'u0005' else 9000}\nhomeDirectory: /home/{uid}\n"
        f"userPassword: {PASSWORD}{uid}"
    )


def _group(name: str, members: list[str]) -> str:
    lines = "\n".join(f"member: {member}" for member in members)
    return f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n{lines}"


def certificates(folder: Path, address: str = "127.0.0.1") -> None:
    """One self-signed certificate for an address and localhost, its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "directory of the tests")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(address)), x509.DNSName("localhost")]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(private)


def _config(folder: Path) -> str:
    schemas = "\n".join(
        f"include /etc/ldap/schema/{name}.schema"
        for name in ("core", "cosine", "nis", "inetorgperson")
    )
    return f"""{schemas}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/ca.pem
TLSCertificateKeyFile {folder}/key.pem
sizelimit 500
database mdb
suffix "{BASE}"
directory {folder}/db
maxsize 268435456
index objectClass,uid,member,uniqueMember,memberUid eq
limits dn.exact="{BIND_DN}" size.soft=500 size.hard=500 size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{BIND_DN}" write by * none
"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(folder: Path) -> Iterator[Slapd]:
    """The directory on free ports until the end; skips where it cannot be."""
    library()
    slapd, slapadd = program("slapd"), program("slapadd")
    program("ldapmodify")
    (folder / "db").mkdir()
    certificates(folder)
    (folder / "slapd.conf").write_text(_config(folder))
    command = [slapadd, "-q", "-f", str(folder / "slapd.conf")]
    subprocess.run(command, input=_ldif(), text=True, check=True, capture_output=True)
    plain, secure = f"ldap://127.0.0.1:{_free_port()}", f"ldaps://127.0.0.1:{_free_port()}"
    child = subprocess.Popen(
        [slapd, "-d", "0", "-h", f"{plain} {secure}", "-f", str(folder / "slapd.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(child, plain)
        yield Slapd(plain, secure, folder / "ca.pem", folder, child)
    finally:
        child.send_signal(signal.SIGCONT)
        child.terminate()
        child.wait(10)


def _wait(child: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + 30
    while True:
        assert child.poll() is None, "slapd ended"
        try:
            socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), 1).close()
            return
        except OSError:
            assert time.monotonic() < until, "slapd does not listen"
            time.sleep(0.05)
