"""What a config item holds: keys and bytes, everywhere and on single clusters. Pure.

Values are bytes: what is UTF-8 text stands as text in documents (`data`),
everything else as base64 (`binaryData`), and in a ConfigMap just the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.redaction import MASK

Json = dict[str, Any]
Values = Mapping[str, bytes]

# Kubernetes' rule for a key of a ConfigMap or Secret; matched in full.
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_MASKED = re.compile(rb"\*\*\*( \([0-9a-f]{8}\))?")
MAX_BYTES = 1024 * 1024  # of one object; etcd's own limit is little above


@dataclass(frozen=True, slots=True)
class Override:
    """What differs on one cluster: other values, and keys that are not there."""

    values: Values = field(default_factory=dict)
    remove: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Content:
    """All values of an item: `values` everywhere, `overrides` by cluster name."""

    values: Values = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)

    def on(self, cluster: str) -> dict[str, bytes]:
        """The values on one cluster."""
        override = self.overrides.get(cluster, Override())
        merged = {**self.values, **override.values}
        return {key: value for key, value in merged.items() if key not in override.remove}

    def changed(self, cluster: str, changes: Mapping[str, bytes | None]) -> Content:
        """With keys changed everywhere; a key that the cluster overrides changes there only."""
        override = self.overrides.get(cluster, Override())
        own = {key for key in changes if key in override.values or key in override.remove}
        here = self.pinned(cluster, {key: changes[key] for key in own}) if own else self
        values = _laid(self.values, {k: v for k, v in changes.items() if k not in own})
        return replace(here, values=values)

    def pinned(self, cluster: str, changes: Mapping[str, bytes | None]) -> Content:
        """With keys changed on one cluster only."""
        override = self.overrides.get(cluster, Override())
        values, remove = dict(override.values), set(override.remove)
        for key, value in changes.items():
            values.pop(key, None)
            remove.discard(key)
            if value is not None:
                values[key] = value
            elif key in self.values:
                remove.add(key)
        fresh = Override(values, frozenset(remove))
        return replace(self, overrides={**self.overrides, cluster: fresh})

    def renamed(self, old: str, new: str) -> Content:
        """The same after a cluster took another name."""
        return replace(
            self, overrides={new if name == old else name: o for name, o in self.overrides.items()}
        )

    def texts(self) -> list[str]:
        """Every value as text: what logs and errors must not show."""
        parts = [self.values, *(override.values for override in self.overrides.values())]
        return [value.decode("utf-8", "replace") for part in parts for value in part.values()]


def _laid(values: Values, changes: Mapping[str, bytes | None]) -> dict[str, bytes]:
    merged = {**values, **changes}
    return {key: value for key, value in merged.items() if value is not None}


# --- documents ---------------------------------------------------------------------------------


def is_text(value: bytes) -> bool:
    """Whether it may stand as text; PostgreSQL's JSON takes no NUL."""
    try:
        return "\0" not in value.decode()
    except UnicodeDecodeError:
        return False


def as_document(values: Values) -> tuple[dict[str, str], dict[str, str]]:
    """`data` and `binaryData`."""
    text = {key: value.decode() for key, value in sorted(values.items()) if is_text(value)}
    binary = {
        key: base64.b64encode(value).decode()
        for key, value in sorted(values.items())
        if key not in text
    }
    return text, binary


def of_document(data: Mapping[str, str], binary: Mapping[str, str], *, field: str) -> Values:
    """Raises InvalidError `key_invalid`, `key_duplicate`, `base64_invalid`, `data_too_large`.

    Messages name keys and never hold a value.
    """
    if twice := sorted(set(data) & set(binary)):
        raise InvalidError(
            "key_duplicate", f"“{twice[0][:80]}” is in data and in binaryData.", field=field
        )
    for key in (*data, *binary):
        if not _KEY.fullmatch(key) or key in {".", ".."}:
            raise InvalidError(
                "key_invalid",
                f"“{key[:80]}” is no valid key.",
                field=field,
                hint="Letters, digits, '-', '_' and '.', at most 253 of them.",
            )
    values = {key: text.encode() for key, text in data.items()}
    values |= {key: _decoded(key, text, field) for key, text in binary.items()}
    check_size(values, field=field)
    return values


def check_size(values: Values, *, field: str) -> None:
    """Raises InvalidError `data_too_large`."""
    if sum(len(key) + len(value) for key, value in values.items()) > MAX_BYTES:
        raise InvalidError("data_too_large", "More than 1 MiB of data.", field=field)


def refuse_masks(values: Values, *, field: str) -> None:
    """A masked value that comes back was copied from what we showed: never the secret itself."""
    if masked := [key for key, value in values.items() if is_masked(value)]:
        raise InvalidError(
            "value_masked",
            f"The value of “{sorted(masked)[0]}” is a mask, not a value.",
            field=field,
            hint="Leave the values out to keep what is stored.",
        )


def is_masked(value: bytes) -> bool:
    """Whether it looks like what `masked` shows."""
    return bool(_MASKED.fullmatch(value.strip()))


def _decoded(key: str, text: str, field: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidError(
            "base64_invalid", f"The value of “{key}” is no base64.", field=field
        ) from error


# --- sealed ------------------------------------------------------------------------------------


def packed(content: Content) -> str:
    """One text for a SealedField; "" for nothing."""
    overrides = {
        name: _encoded(override.values)
        for name, override in content.overrides.items()
        if override.values
    }
    if not content.values and not overrides:
        return ""
    return orjson.dumps({"values": _encoded(content.values), "overrides": overrides}).decode()


def unpacked(text: str, removed: Mapping[str, Iterable[str]]) -> Content:
    """Back from `packed`; `removed` are the keys that each cluster goes without."""
    stored = orjson.loads(text) if text else {"values": {}, "overrides": {}}
    names = {*stored["overrides"], *removed}
    overrides = {
        name: Override(
            unencoded(stored["overrides"].get(name, {})), frozenset(removed.get(name, ()))
        )
        for name in names
    }
    return Content(unencoded(stored["values"]), overrides)


def _encoded(values: Values) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() for key, value in values.items()}


def unencoded(values: Mapping[str, str]) -> dict[str, bytes]:
    """Base64 of a Secret's `data` or of a sealed column; what is none stays as it is."""
    found = {}
    for key, value in values.items():
        try:
            found[key] = base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            found[key] = str(value).encode()
    return found


# --- shown -------------------------------------------------------------------------------------


def fingerprint(value: bytes, key: bytes) -> str:
    """Equal values look equal under one `key` and cannot be guessed without it."""
    return hmac.new(key, value, hashlib.sha256).hexdigest()[:8]


def shown(values: Values, *, secret: bool, key: bytes) -> dict[str, str]:
    """What people see: text as it is, binary by size, secrets as a mask with a fingerprint."""
    found = {}
    for name, value in sorted(values.items()):
        if secret:
            found[name] = f"{MASK} ({fingerprint(value, key)})"
        elif is_text(value):
            found[name] = value.decode()
        else:
            found[name] = f"<{len(value)} bytes, {fingerprint(value, key)}>"
    return found


def changed_keys(before: Values, after: Values) -> dict[str, list[str]]:
    """Which keys came, went and changed."""
    return {
        "added": sorted(set(after) - set(before)),
        "changed": sorted(k for k in set(after) & set(before) if after[k] != before[k]),
        "removed": sorted(set(before) - set(after)),
    }
