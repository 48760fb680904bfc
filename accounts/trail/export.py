"""An export that can be checked without the portal: entries, the seals over them, a signature.

    entries.jsonl  one canonical record a line: its SHA-256 is the entry's leaf
    seals.jsonl    one seal a line: its signed statement, and key and hash of each leaf
    signature.json SHA-256 of each file and what was asked for, signed
    entries.csv    instead of entries.jsonl, for spreadsheets: signed, but no leaves

Everything comes in chunks; nothing is held but one page of rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import AuditEntry, AuditSeal
from accounts.trail import chain, keys, record

_PAGE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DUMPS = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
SIGNATURE = "signature.json"

Part = tuple[str, bytes]


class Form(StrEnum):
    """How entries are written."""

    JSONL = "jsonl"
    CSV = "csv"


@dataclass(slots=True)
class _Sums:
    """What has been written so far: SHA-256 by file, and how many entries."""

    files: dict[str, Any] = field(default_factory=dict)
    entries: int = 0

    def add(self, part: Part) -> Part:
        self.files.setdefault(part[0], hashlib.sha256()).update(part[1])
        return part


def parts(
    entries: QuerySet[AuditEntry], *, form: Form, filters: Mapping[str, str], head: AuditSeal | None
) -> Iterator[Part]:
    """File name and bytes, file after file. Entries beyond `head` are left for the next export."""
    sums = _Sums()
    wanted = entries.filter(pk__lte=head.last_id if head else 0)
    written = _csv(wanted, sums) if form is Form.CSV else _lines(wanted, sums)
    for part in written:
        yield sums.add(part)
    for line in _seals(head):
        yield sums.add(("seals.jsonl", line))
    yield SIGNATURE, _signature(sums, form, filters, head)


def zipped(files: Iterable[Part]) -> Iterator[bytes]:
    """The parts as a zip archive that is written while it is read."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        name, member = "", None
        for found, chunk in files:
            if found != name:
                if member:
                    member.close()
                name, member = found, archive.open(found, "w", force_zip64=True)
            if member:
                member.write(chunk)
            yield from sink.taken()
        if member:
            member.close()
    yield from sink.taken()


def into_folder(files: Iterable[Part], folder: Path) -> int:
    """The parts as files that only their owner reads; how many bytes. Raises FileExistsError."""
    folder.mkdir(mode=0o700, parents=True)
    size = 0
    for name, chunk in files:
        path = folder / name
        path.touch(mode=0o600)
        with path.open("ab") as file:
            size += file.write(chunk)
    return size


def guarded(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else value if isinstance(value, str) else _DUMPS(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _pages(entries: QuerySet[AuditEntry]) -> Iterator[list[tuple[Any, ...]]]:
    """By key, so that no cursor stays open while a slow reader reads."""
    last = -1
    while True:
        rows = entries.filter(pk__gt=last).order_by("pk").values_list(*record.COLUMNS)
        page = list(rows[:_PAGE])
        if not page:
            return
        yield page
        last = page[-1][0]


def _lines(entries: QuerySet[AuditEntry], sums: _Sums) -> Iterator[Part]:
    yield "entries.jsonl", b""
    for page in _pages(entries):
        sums.entries += len(page)
        yield "entries.jsonl", b"".join(record.canonical(values) + b"\n" for values in page)


def _csv(entries: QuerySet[AuditEntry], sums: _Sums) -> Iterator[Part]:
    yield "entries.csv", (",".join(record.NAMES.values()) + "\r\n").encode()
    for page in _pages(entries):
        sums.entries += len(page)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        for values in page:
            writer.writerow([guarded(value) for value in record.record(values).values()])
        yield "entries.csv", buffer.getvalue().encode()


def _seals(head: AuditSeal | None) -> Iterator[bytes]:
    """The whole chain: without its beginning nobody could check the rest."""
    for seal in AuditSeal.objects.filter(number__lte=head.number if head else 0).order_by("number"):
        leaves = [[key, found.hex()] for key, found in chain.unpacked(seal.leaves)]
        line = {
            "statement": chain.statement(seal),
            "signature": seal.signature,
            "leaves": leaves,
        }
        yield _DUMPS(line).encode() + b"\n"


def _signature(
    sums: _Sums, form: Form, filters: Mapping[str, str], head: AuditSeal | None
) -> bytes:
    key_id, public_key = keys.current()
    signed = {
        "exportedAt": record.moment(timezone.now()),
        "format": str(form),
        "filters": dict(filters),
        "entries": sums.entries,
        "head": f"{head.number}:{chain.hash_of(head)}" if head else None,
        "files": {name: found.hexdigest() for name, found in sums.files.items()},
        "keyId": key_id,
        "publicKey": public_key,
    }
    signature = keys.sign(_DUMPS(signed).encode())[2]
    return json.dumps({"signed": signed, "signature": signature}, indent=2).encode() + b"\n"


class _Sink(io.RawIOBase):
    """What a zip writer writes to, and a response takes from."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self._chunks.append(bytes(chunk))
        return len(chunk)

    def taken(self) -> list[bytes]:
        chunks, self._chunks = self._chunks, []
        return [chunk for chunk in chunks if chunk]
