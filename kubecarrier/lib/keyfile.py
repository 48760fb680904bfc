"""The portal's own keys on one machine: made once, read at every start.

`secrets.env` lies in the portal's home with mode 0600. Environment variables
of the same names win over it, so that a deployment can bring its own.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

FILE_NAME = "secrets.env"
_KEY_BYTES = 32


def create(home: Path) -> Path:
    """Write new keys into `home` unless they are there; the path of the file."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / FILE_NAME
    if path.exists():
        return path
    key = base64.b64encode(os.urandom(_KEY_BYTES)).decode()
    text = (
        f"KUBECARRIER_SECRET_KEY={secrets.token_urlsafe(50)}\n"
        f"KUBECARRIER_ENCRYPTION_KEYS=k1:{key}\n"
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path


def load(home: Path) -> None:
    """Put the file's lines into the environment, where nothing stands yet."""
    path = home / FILE_NAME
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        name, found, value = line.partition("=")
        if found:
            os.environ.setdefault(name, value)


def parse_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64` → keys by id, the sealing one first; raises ValueError."""
    keys: dict[str, bytes] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        key_id, _, encoded = part.partition(":")
        key = base64.b64decode(encoded, validate=True)
        if len(key) != _KEY_BYTES or not key_id:
            raise ValueError("each key is an id and 32 bytes in base64")
        if key_id in keys:
            raise ValueError("two keys have the same id")
        keys[key_id] = key
    if not keys:
        raise ValueError("at least one key is needed")
    return keys
