"""Certificates and keys of a kubeconfig: decoded, judged, and written anew.

What comes out is only what was understood: comments, extra blocks and odd
encodings of the input do not survive.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from fleet.kubeconfig_errors import refuse

MAX_CERTIFICATES = 100  # of a CA bundle or a chain
MAX_KEY_BYTES = 32 * 1024

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def decoded(text: str, field: str) -> bytes:
    """Base64 with line breaks allowed; raises `kubeconfig_bad_base64`."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        refuse("kubeconfig_bad_base64", "The value is no base64.", field)


def ca_bundle(pem: bytes, field: str, now: datetime) -> str:
    """One or more certificates as PEM. All expired: `kubeconfig_expired_certificate`."""
    certificates = _certificates(pem, field)
    if all(item.not_valid_after_utc <= now for item in certificates):
        refuse("kubeconfig_expired_certificate", "The CA certificate has expired.", field)
    return _pem(certificates)


def client_identity(
    cert_pem: bytes, key_pem: bytes, cert_field: str, key_field: str, now: datetime
) -> tuple[str, str]:
    """The chain (own certificate first) and the PKCS#8 key, both as PEM."""
    chain = _certificates(cert_pem, cert_field)
    key = _private_key(key_pem, key_field)
    if _public_bytes(chain[0], cert_field) != _spki(key):
        refuse("kubeconfig_key_mismatch", "The key does not belong to the certificate.", key_field)
    if chain[0].not_valid_after_utc <= now:
        end = chain[0].not_valid_after_utc.date().isoformat()
        refuse("kubeconfig_expired_certificate", f"The certificate expired on {end}.", cert_field)
    key_text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _pem(chain), key_text.decode()


def _certificates(pem: bytes, field: str) -> list[x509.Certificate]:
    if pem.count(b"-----BEGIN") > MAX_CERTIFICATES:
        refuse("kubeconfig_bad_pem", f"More than {MAX_CERTIFICATES} certificates.", field)
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        refuse("kubeconfig_bad_pem", "The value holds no PEM certificate.", field)


def _private_key(pem: bytes, field: str) -> Key:
    """Consistency of RSA numbers is not checked: it takes minutes for a hostile key."""
    if len(pem) > MAX_KEY_BYTES:
        refuse("kubeconfig_bad_pem", "The key is too large.", field)
    try:
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        refuse("kubeconfig_key_encrypted", "The key is protected by a password.", field)
    except (ValueError, UnsupportedAlgorithm):
        refuse("kubeconfig_bad_pem", "The value holds no PEM private key.", field)
    if not isinstance(key, Key):
        refuse("kubeconfig_bad_pem", "The key is none of RSA, EC, Ed25519.", field)
    return key


def _public_bytes(certificate: x509.Certificate, field: str) -> bytes:
    try:
        return certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, UnsupportedAlgorithm):
        refuse("kubeconfig_bad_pem", "The certificate's key cannot be read.", field)


def _spki(key: Key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(certificates: list[x509.Certificate]) -> str:
    return "".join(item.public_bytes(Encoding.PEM).decode() for item in certificates)
