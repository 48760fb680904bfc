"""Keeps secrets out of what people read: error texts, diffs, logs.

Two tools. `redact` removes known values from any text, in the forms in which
programs print them (plain, base64, percent-encoded, JSON-escaped).
`mask_secret_objects` empties Secrets inside a manifest but leaves a keyed
fingerprint, so that a diff can still say *that* a value changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

MASK = "***"
MIN_LENGTH = 4  # shorter values occur everywhere and protect nothing


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret of at least 4 characters replaced by `***`, longest first.

    One pass over one alternation: a replacement can never form a new secret
    together with its neighbours without being seen, because the result is
    scanned again until nothing is found.
    """
    forms = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
    forms.discard(MASK)
    if not forms:
        return text
    pattern = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
    return _until_stable(pattern, text)


def _until_stable(pattern: re.Pattern[str], text: str) -> str:
    """Each round shortens the text or leaves asterisks only, so it ends."""
    for _ in range(8):
        cleaned = pattern.sub(MASK, text)
        if cleaned == text or not pattern.search(cleaned):
            return cleaned
        text = cleaned
    return MASK


def _parts(secret: str) -> set[str]:
    """The value, and the long lines of a multi-line one (a key quoted or indented in part)."""
    lines = secret.splitlines()
    if len(lines) < 2:
        return {secret}
    return {secret} | {line.strip() for line in lines if len(line) >= 16 and "-----" not in line}


def _forms(secret: str) -> set[str]:
    """The ways in which a value shows up in outputs."""
    if len(secret) < MIN_LENGTH:
        return set()
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {
        secret,
        quote(secret, safe="", errors="replace"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        raw.hex(),
    }
    forms.update(_base64_forms(raw))
    return {form for form in forms if len(form) >= MIN_LENGTH}


def _base64_forms(raw: bytes) -> set[str]:
    """Base64 of the value at each of the three offsets it can have inside a longer text.

    The first and last group may mix with neighbours, so only the groups that
    depend on the value alone are kept for the shifted forms.
    """
    forms = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms.add(encode(raw).decode())
        forms.add(encode(raw).decode().rstrip("="))
        for shift in range(3):
            inner = raw[(3 - shift) % 3 :]
            whole = inner[: len(inner) // 3 * 3]
            if len(whole) >= 6:  # 8 characters: below that it is no evidence
                forms.add(encode(whole).decode())
    return forms


def mask_secret_objects(value: Any, *, key: bytes) -> Any:
    """A copy in which the values of every Secret in `value` are masked.

    `value` is an object, a List, or any nesting of dicts and lists. A masked
    value reads `*** (1a2b3c4d)`: the first 8 hex digits of HMAC-SHA-256 over
    the decoded value, so equal values look equal under one `key` and cannot be
    guessed without it. The last-applied annotation of kubectl goes too: it
    holds a copy of the data.
    """
    if isinstance(value, list):
        return [mask_secret_objects(item, key=key) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "Secret":
        return _masked_secret(value, key)
    return {name: mask_secret_objects(item, key=key) for name, item in value.items()}


_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def _masked_secret(secret: dict[str, Any], key: bytes) -> dict[str, Any]:
    masked = dict(secret)
    for part in ("data", "stringData"):
        if part in secret:
            masked[part] = _masked_values(secret[part], key, encoded=part == "data")
    metadata = secret.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if (
        isinstance(metadata, dict)
        and isinstance(annotations, dict)
        and _LAST_APPLIED in annotations
    ):
        masked["metadata"] = {**metadata, "annotations": {**annotations, _LAST_APPLIED: MASK}}
    return masked


def _masked_values(values: Any, key: bytes, *, encoded: bool) -> Any:
    """Names stay, values go; what is no mapping goes as a whole."""
    if values is None:
        return None
    if not isinstance(values, dict):
        return MASK
    return {name: _fingerprinted(item, key, encoded=encoded) for name, item in values.items()}


def _fingerprinted(value: Any, key: bytes, *, encoded: bool) -> str:
    raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else repr(value).encode()
    if encoded:
        raw = _decoded(raw)
    return f"{MASK} ({hmac.new(key, raw, hashlib.sha256).hexdigest()[:8]})"


def _decoded(raw: bytes) -> bytes:
    """`data` and `stringData` with the same content get the same fingerprint."""
    try:
        return base64.b64decode(raw, validate=True)
    except (ValueError, binascii.Error):
        return raw
