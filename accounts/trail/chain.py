"""The arithmetic of the chain: leaves, digests, and the statement that is signed. Pure.

    leaf      = SHA-256(canonical line of an entry)
    digest    = SHA-256(hash of the seal before in hex, then each leaf, by key)
    statement = canonical JSON of the seal's columns
    hash      = SHA-256(statement)

The hash before the first seal is 64 zeros.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from accounts.models import AuditSeal
from accounts.trail.record import moment

START = "0" * 64
_LEAF = struct.Struct(">Q32s")
_DUMPS = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode

Leaf = tuple[int, bytes]


def leaf(line: bytes) -> bytes:
    """What stands for an entry."""
    return hashlib.sha256(line).digest()


def packed(leaves: Iterable[Leaf]) -> bytes:
    """Keys and hashes as they are stored: 40 bytes each."""
    return b"".join(_LEAF.pack(key, found) for key, found in leaves)


def unpacked(stored: bytes | memoryview | str) -> Iterator[Leaf]:
    """The reverse; what is no whole number of leaves gives the whole ones.

    A text was put there by somebody: SQLite keeps any type in any column.
    """
    raw = stored.encode() if isinstance(stored, str) else bytes(stored)
    return iter(_LEAF.iter_unpack(raw[: len(raw) // _LEAF.size * _LEAF.size]))


def digest(previous: str, hashes: Iterable[bytes]) -> str:
    """What a seal says of what it covers, in hex."""
    found = hashlib.sha256(previous.encode())
    for one in hashes:
        found.update(one)
    return found.hexdigest()


def statement(seal: AuditSeal) -> dict[str, Any]:
    """All that is signed of a seal."""
    return {
        "number": seal.number,
        "purpose": str(seal.purpose),
        "sealedAt": moment(seal.sealed_at),
        "first": seal.first_id,
        "last": seal.last_id,
        "count": seal.count,
        "prunedThrough": seal.pruned_through,
        "previous": seal.previous,
        "digest": seal.digest,
        "keyId": seal.key_id,
        "publicKey": seal.public_key,
    }


def statement_line(seal: AuditSeal) -> bytes:
    """The statement as the bytes that are signed."""
    return _DUMPS(statement(seal)).encode()


def hash_of(seal: AuditSeal) -> str:
    """What the next seal names as the one before it."""
    return hashlib.sha256(statement_line(seal)).hexdigest()
