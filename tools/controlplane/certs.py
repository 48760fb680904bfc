"""The certificates of one cluster: a CA of its own, and what it signs.

Elliptic-curve keys, because generating RSA keys would take longer than starting the
servers. Python 3.13 checks chains strictly, hence the key identifiers and usages.
"""

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAYS: Final = 3650.0
#: The first address of --service-cluster-ip-range is the API server's own service.
_SERVER_ADDRESSES: Final = ("127.0.0.1", "10.0.0.1")
_SERVER_NAMES: Final = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM text."""

    certificate: str
    key: str


class Authority:
    """A certificate authority kept in `folder` (ca.crt, ca.key) and reused from there."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        stored = folder / "ca.crt", folder / "ca.key"
        if not all(file.exists() for file in stored):
            pair = _self_signed(name)
            write_private(stored[1], pair.key)
            stored[0].write_text(pair.certificate)
        self.pem = stored[0].read_text()
        self._certificate = x509.load_pem_x509_certificate(self.pem.encode())
        key = serialization.load_pem_private_key(stored[1].read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{stored[1]} does not hold an elliptic-curve key")
        self._key = key

    def server(self) -> Pair:
        """For the API server, valid for the loopback address and its names in the cluster."""
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in _SERVER_NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(one)) for one in _SERVER_ADDRESSES]
        return self._sign(
            _name("kube-apiserver"),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            x509.SubjectAlternativeName(names),
            days=_DAYS,
        )

    def client(self, user: str, groups: Sequence[str] = (), days: float = _DAYS) -> Pair:
        """A client certificate: Kubernetes reads the user from CN and the groups from O.

        `days` from now until it expires; a fraction for a short-lived one, negative for one
        that has expired already.
        """
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        return self._sign(_name(user, groups), usage, days=days)

    def _sign(self, subject: x509.Name, *extensions: x509.ExtensionType, days: float) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self._certificate.subject, key, days)
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        for extension in (issuer_id, *extensions):
            builder = builder.add_extension(extension, critical=False)
        return _pair(builder.sign(self._key, hashes.SHA256()), key)


def signing_key(folder: Path) -> Path:
    """The key that signs service account tokens, created once: tokens outlive a restart.

    Holds the private key; the API server derives the public one from it.
    """
    file = folder / "service-account.key"
    if not file.exists():
        write_private(file, _key_pem(ec.generate_private_key(ec.SECP256R1())))
    return file


def write_private(file: Path, text: str) -> None:
    """Write `text` so that only the owner can read it, from the first byte on."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as output:
        output.write(text)
    draft.replace(file)


def _self_signed(name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"{name} CA")
    builder = _builder(subject, subject, key, _DAYS, authority=True)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    days: float,
    *,
    authority: bool = False,
) -> x509.CertificateBuilder:
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    # One hour back for clocks that differ; further back for one that has expired.
    begin = min(dt.datetime.now(dt.UTC), end) - dt.timedelta(hours=1)
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    path_length = 0 if authority else None
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(authority, path_length), critical=True)
        .add_extension(_usage(authority=authority), critical=True)
        .add_extension(key_id, critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str, organizations: Sequence[str] = ()) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return Pair(pem, _key_pem(key))


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,  # the only one read as signing key
        serialization.NoEncryption(),
    ).decode()
