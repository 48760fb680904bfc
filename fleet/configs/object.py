"""The object that a config item is in a cluster: written, read, compared. Pure.

The owner mark is a label, an annotation and the field manager. A third mark,
`kubecarrier.io/digest`, is a keyed digest of the values that were written: an
object whose values still give it was last written by us, whatever the row
says, so that our own writes are known after a crash too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet.configs.content import Values, as_document, unencoded

Json = dict[str, Any]

CONFIG_MAP = "ConfigMap"
SECRET = "Secret"  # noqa: S105 - a kind's name
FIELD_MANAGER = "kubecarrier"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
OWNER_ANNOTATION = "kubecarrier.io/owner"
DIGEST_ANNOTATION = "kubecarrier.io/digest"
_DIGEST_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object as it should be. `type` is the Secret's, "" for a ConfigMap."""

    kind: str
    type: str
    namespace: str
    name: str
    owner: str
    values: Values
    immutable: bool

    def digest(self, key: bytes) -> str:
        """Over everything that a cluster would show to be different."""
        return digest_of(self.values, self.type, immutable=self.immutable, key=key)

    def document(
        self,
        values: Values,
        *,
        key: bytes,
        uid: str = "",
        version: str = "",
        untouched: Collection[str] = (),
    ) -> Json:
        """For a server-side apply; with uid and version it applies to that very state only.

        The keys `untouched` count in the digest and are not sent: they stay whose they are.
        """
        metadata: Json = {
            "name": self.name,
            "namespace": self.namespace,
            "labels": {MANAGED_BY_LABEL: FIELD_MANAGER},
            "annotations": {
                OWNER_ANNOTATION: self.owner,
                DIGEST_ANNOTATION: digest_of(values, self.type, immutable=self.immutable, key=key),
            },
        }
        if uid:
            metadata |= {"uid": uid, "resourceVersion": version}
        values = {name: value for name, value in values.items() if name not in untouched}
        body: Json = {"apiVersion": "v1", "kind": self.kind, "metadata": metadata}
        if self.kind == SECRET:
            body |= {"type": self.type, "data": _base64(values)}
        else:
            text, binary = as_document(values)
            body |= {"data": text, "binaryData": binary}
        return body | ({"immutable": True} if self.immutable else {})


def digest_of(values: Values, type_: str, *, immutable: bool, key: bytes) -> str:
    """Keyed, because whoever may read metadata must not be able to guess a secret by it."""
    hashed = hmac.new(key, f"{type_}\0{immutable}".encode(), hashlib.sha256)
    for name, value in sorted(values.items()):
        hashed.update(f"\0{name}\0{len(value)}\0".encode())
        hashed.update(value)
    return hashed.hexdigest()[:_DIGEST_LENGTH]


def values_of(obj: Json) -> dict[str, bytes]:
    """The values of a live ConfigMap or Secret."""
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    if obj.get("kind") == SECRET:
        return unencoded(data)
    return {key: str(text).encode() for key, text in data.items()} | unencoded(binary)


def owner_of(obj: Json) -> str:
    """Our owner mark on a live object, or ""."""
    return str(_annotations(obj).get(OWNER_ANNOTATION, ""))


def is_marked(obj: Json) -> bool:
    """Whether the label by which watches find it is still there."""
    labels = (obj.get("metadata") or {}).get("labels") or {}
    return bool(labels.get(MANAGED_BY_LABEL) == FIELD_MANAGER)


def is_own_write(obj: Json, key: bytes) -> bool:
    """Whether its values are those that we wrote last."""
    type_ = str(obj.get("type") or "") if obj.get("kind") == SECRET else ""
    digest = digest_of(values_of(obj), type_, immutable=bool(obj.get("immutable")), key=key)
    return hmac.compare_digest(digest, str(_annotations(obj).get(DIGEST_ANNOTATION, "")))


def without(obj_kind: str, keys: Collection[str], *, version: str) -> Json:
    """A merge patch that takes keys away, which somebody else's field manager holds."""
    parts = ("data",) if obj_kind == SECRET else ("data", "binaryData")
    nothing: Json = {part: dict.fromkeys(keys) for part in parts}
    return {**nothing, "metadata": {"resourceVersion": version}}


def unmarked(*, version: str) -> Json:
    """A merge patch that takes our marks off an object that stays."""
    return {
        "metadata": {
            "resourceVersion": version,
            "labels": {MANAGED_BY_LABEL: None},
            "annotations": {OWNER_ANNOTATION: None, DIGEST_ANNOTATION: None},
        }
    }


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote last, as the API server recorded it; times are whole seconds."""

    manager: str
    at: datetime | None


def author_of(obj: Json) -> Author:
    """The newest field manager that is not us."""
    entries = (obj.get("metadata") or {}).get("managedFields") or []
    others = [entry for entry in entries if entry.get("manager") != FIELD_MANAGER]
    newest = max(others, key=lambda entry: str(entry.get("time") or ""), default=None)
    if newest is None:
        return Author("unknown", None)
    return Author(str(newest.get("manager") or "unknown")[:128], _time(newest.get("time")))


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None


def _annotations(obj: Json) -> Json:
    return (obj.get("metadata") or {}).get("annotations") or {}


def _base64(values: Values) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() for key, value in sorted(values.items())}
