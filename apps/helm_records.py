"""Helm's memory of its releases: one Secret per revision, read without Helm.

The labels alone say name, revision and status of every release (and whatever
labels the release was given), so a metadata-only list or watch of these Secrets
knows the state of a cluster's releases without decoding one. Source of the
form: `pkg/storage/driver` of Helm 4 (unchanged since Helm 3).
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

from apps.helm.results import ReleaseResult, release_from
from fleet.resource import ObjectRef, Resource
from kubecarrier.lib.errors import TerminalError

Json = dict[str, Any]

SECRETS = Resource("", "v1", "secrets", "Secret", namespaced=True)
LABEL_SELECTOR = "owner=helm"
RECORD_TYPE = "helm.sh/release.v1"
FIELD_SELECTOR = f"type={RECORD_TYPE}"
MAX_RECORD_BYTES = 64 * 1024 * 1024  # unpacked; packed it is at most the 1 MiB of a Secret

_PREFIX = "sh.helm.release.v1."
_HELMS_LABELS = frozenset({"name", "owner", "status", "version", "createdAt", "modifiedAt"})


class ReleaseStatus(StrEnum):
    """Helm's own status of one revision."""

    UNKNOWN = "unknown"
    DEPLOYED = "deployed"
    UNINSTALLED = "uninstalled"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    UNINSTALLING = "uninstalling"
    PENDING_INSTALL = "pending-install"
    PENDING_UPGRADE = "pending-upgrade"
    PENDING_ROLLBACK = "pending-rollback"


# While the latest revision has one of these, Helm refuses to work on the release.
PENDING = frozenset(
    {
        ReleaseStatus.PENDING_INSTALL,
        ReleaseStatus.PENDING_UPGRADE,
        ReleaseStatus.PENDING_ROLLBACK,
    }
)


class RecordError(TerminalError):
    """Code `helm_record_unreadable`: this Secret is no release record that can be decoded."""


@dataclass(frozen=True, slots=True)
class RecordMeta:
    """One revision as its Secret's metadata tells it.

    `labels` are the release's own, without Helm's. `secret` is the Secret's
    name. `created_at` is the Secret's creation, `modified_at` Helm's last
    change of the record (None when it never changed it).
    """

    name: str
    namespace: str
    revision: int
    status: ReleaseStatus
    secret: str
    uid: str
    resource_version: str
    created_at: datetime | None
    modified_at: datetime | None
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """What a watch compares; the uid tells a reinstalled release from its predecessor."""
        return f"{self.revision}:{self.status}:{self.uid}"

    @property
    def pending(self) -> bool:
        return self.status in PENDING


def record_meta(secret: Json) -> RecordMeta | None:
    """From a Secret or its metadata-only form; None when it is no release record."""
    metadata = secret.get("metadata") or {}
    labels = metadata.get("labels") or {}
    name, revision = str(labels.get("name", "")), str(labels.get("version", ""))
    is_record = labels.get("owner") == "helm" and revision.isdecimal() and name
    if not is_record or metadata.get("name") != f"{_PREFIX}{name}.v{revision}":
        return None
    return RecordMeta(
        name=name,
        namespace=str(metadata.get("namespace", "")),
        revision=int(revision),
        status=_status(str(labels.get("status", ""))),
        secret=str(metadata["name"]),
        uid=str(metadata.get("uid", "")),
        resource_version=str(metadata.get("resourceVersion", "")),
        created_at=_time(metadata.get("creationTimestamp")),
        modified_at=_unix_time(labels.get("modifiedAt")),
        labels={key: value for key, value in labels.items() if key not in _HELMS_LABELS},
    )


def latest(records: Iterable[RecordMeta]) -> dict[tuple[str, str], RecordMeta]:
    """(namespace, release) → its highest revision."""
    newest: dict[tuple[str, str], RecordMeta] = {}
    for record in records:
        key = (record.namespace, record.name)
        if key not in newest or newest[key].revision < record.revision:
            newest[key] = record
    return newest


def decode_record(secret: Json) -> ReleaseResult:
    """The whole record: manifest, hooks, chart, user's values. Raises RecordError."""
    return release_from(decode_document(secret))


def decode_document(secret: Json) -> Json:
    """The record's raw JSON: base64 (the Secret's), base64 (Helm's), gzip, JSON."""
    encoded = (secret.get("data") or {}).get("release")
    if not isinstance(encoded, str):
        raise RecordError("helm_record_unreadable", "The Secret holds no release.")
    try:
        packed = base64.b64decode(base64.b64decode(encoded, validate=True), validate=True)
        document = orjson.loads(_unpacked(packed))
    except (ValueError, binascii.Error, OSError, EOFError, zlib.error) as error:
        raise RecordError("helm_record_unreadable", "The release record is damaged.") from error
    if not isinstance(document, dict):
        raise RecordError("helm_record_unreadable", "The release record is no object.")
    return document


def unlock_ref(record: RecordMeta) -> tuple[ObjectRef, str, str]:
    """What to delete so that Helm works on the release again: (ref, uid, resource_version).

    Give uid and resource version as preconditions: a record that Helm has
    changed since is not pending for the reason we saw. Without the record of a
    first install the release is unknown to Helm; objects that were created
    already carry its ownership marks and are taken over by the next install.
    """
    if not record.pending:
        raise RecordError("helm_record_not_pending", f"{record.secret} is not pending.")
    return record_ref(record), record.uid, record.resource_version


def forget_refs(
    records: Iterable[RecordMeta], *, namespace: str, name: str
) -> list[tuple[ObjectRef, str]]:
    """What to delete so that Helm forgets a release while every object stays: (ref, uid).

    Newest first: killed in between, the release is at worst an older revision
    of itself, never an unknown one whose history reappears.
    """
    mine = [record for record in records if (record.namespace, record.name) == (namespace, name)]
    mine.sort(key=lambda record: record.revision, reverse=True)
    return [(record_ref(record), record.uid) for record in mine]


def record_ref(record: RecordMeta) -> ObjectRef:
    return ObjectRef("v1", "Secret", record.namespace, record.secret)


def _unpacked(packed: bytes) -> bytes:
    """Records of very old releases are not compressed."""
    if not packed.startswith(b"\x1f\x8b"):
        return packed
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        content = stream.read(MAX_RECORD_BYTES + 1)
    if len(content) > MAX_RECORD_BYTES:
        raise ValueError("the record unpacks to more than the limit")
    return content


def _status(text: str) -> ReleaseStatus:
    try:
        return ReleaseStatus(text)
    except ValueError:
        return ReleaseStatus.UNKNOWN


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _unix_time(text: Any) -> datetime | None:
    digits = str(text or "")
    if not digits.isdecimal() or len(digits) > 11:
        return None
    return datetime.fromtimestamp(int(digits), tz=UTC)
