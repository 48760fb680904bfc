"""The keys that sign seals: Ed25519, derived from the portal's encryption keys.

Whoever checks needs the public half only. A rotation signs with the new key
from then on; each seal carries its public key, so that seals of a key that is
not configured any more are held by the chain up to one that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"kubecarrier audit seal v1"


def sign(text: bytes) -> tuple[str, str, str]:
    """Key id, public key and signature by the key that signs now, the latter two in hex."""
    key_id, key = next(iter(_configured().items()))
    private = _private(key)
    return key_id, _hex(private.public_key()), private.sign(text).hex()


def current() -> tuple[str, str]:
    """The id and the public key of the key that signs now."""
    key_id, key = next(iter(_configured().items()))
    return key_id, _hex(_private(key).public_key())


def public_keys() -> dict[str, str]:
    """Every configured public key by id, in hex."""
    return {key_id: _hex(_private(key).public_key()) for key_id, key in _configured().items()}


def is_signed(text: bytes, public_key: str, signature: str) -> bool:
    """Whether the owner of that key signed `text`."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), text)
    except (ValueError, InvalidSignature):
        return False
    return True


def _configured() -> Mapping[str, bytes]:
    keys: Mapping[str, bytes] = settings.KUBECARRIER_ENCRYPTION_KEYS
    return keys


@lru_cache(maxsize=16)
def _private(key: bytes) -> Ed25519PrivateKey:
    seed = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(key)
    return Ed25519PrivateKey.from_private_bytes(seed)


def _hex(key: Ed25519PublicKey) -> str:
    return key.public_bytes_raw().hex()
