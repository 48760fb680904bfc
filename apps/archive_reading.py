"""The bytes of a .tgz as members: a gzip and tar reader that counts while it reads.

Python's tarfile is not used because it follows chained extension headers
recursively, reads a header of any size into memory and takes links, devices
and sparse files as they come; here a member is a file or a folder, or the
archive is refused.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from apps import chart_metadata
from kubecarrier.lib.errors import InvalidError

_MAX_HEADER_RECORD: Final = 64 * 1024
BLOCK: Final = 512
_PIECE: Final = 64 * 1024
_MAX_STREAMS: Final = 1000
GZIP_MAGIC: Final = b"\x1f\x8b"


class ArchiveCode(StrEnum):
    """Why an archive was refused."""

    TOO_LARGE = "archive_too_large"
    BOMB = "archive_bomb"
    TOO_MANY_MEMBERS = "archive_too_many_members"
    NOT_GZIP = "archive_not_gzip"
    TRUNCATED = "archive_truncated"
    CORRUPT = "archive_corrupt"
    PATH = "archive_member_path"
    TYPE = "archive_member_type"
    DUPLICATE = "archive_member_duplicate"
    MEMBER_TOO_LARGE = "archive_member_too_large"
    NO_CHART_YAML = "archive_no_chart_yaml"
    TWO_CHART_YAML = "archive_two_chart_yaml"
    VALUES = "chart_values_invalid"
    SCHEMA = "chart_schema_invalid"


class ArchiveError(InvalidError):
    """A refused archive; `data["member"]` names the member where one is to blame.

    Codes: `ArchiveCode`, and `chart_metadata.MetadataCode` for what Chart.yaml says.
    """


def refused(code: str, message: str, member: str | None = None) -> ArchiveError:
    if member is None:
        return ArchiveError(code, message)
    shown = chart_metadata.clean_text(member, 200)
    return ArchiveError(code, f"{message} (member {shown!r})", member=shown)


# -- gzip ------------------------------------------------------------------------


def inflated(data: bytes, limit: int) -> Iterator[bytes]:
    """Pieces of at most 64 KiB; several gzip streams follow each other, as in Go."""
    total = 0
    for piece in _streams(data):
        total += len(piece)
        if total > limit:
            raise refused(ArchiveCode.BOMB, f"The archive unpacks to over {limit} bytes.")
        yield piece


def _streams(data: bytes) -> Iterator[bytes]:
    position = 0
    for _ in range(_MAX_STREAMS):
        position = yield from _one_stream(data, position)
        if data[position : position + 2] != GZIP_MAGIC:
            return
    raise refused(ArchiveCode.CORRUPT, "The archive is cut into too many gzip streams.")


def _one_stream(data: bytes, position: int) -> Generator[bytes, None, int]:
    """Pieces of one gzip stream; returns where the next one would start."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        while not inflater.eof and position < len(data):
            todo = data[position : position + _PIECE]
            position += len(todo)
            yield from _pieces(inflater, todo)
    except zlib.error:
        raise refused(ArchiveCode.CORRUPT, "The compressed data is damaged.") from None
    if not inflater.eof:
        raise refused(ArchiveCode.TRUNCATED, "The archive ends too early.")
    return position - len(inflater.unused_data)


def _pieces(inflater: zlib._Decompress, todo: bytes) -> Iterator[bytes]:
    while True:
        piece = inflater.decompress(todo, _PIECE)
        yield piece
        todo = inflater.unconsumed_tail
        if inflater.eof or (not todo and len(piece) < _PIECE):
            return


@dataclass(slots=True)
class Reader:
    """Exact reads from a stream of pieces."""

    pieces: Iterator[bytes]
    buffer: bytearray = field(default_factory=bytearray)

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end."""
        while len(self.buffer) < size:
            piece = next(self.pieces, None)
            if piece is None:
                break
            self.buffer += piece
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def skip(self, size: int) -> None:
        while size > 0:
            taken = len(self.read(min(size, _PIECE)))
            if taken == 0:
                raise refused(ArchiveCode.TRUNCATED, "The archive ends inside a member.")
            size -= taken

    def drain(self) -> None:
        """To the end, so that the checksum is verified and a bomb behind it counted."""
        self.buffer.clear()
        for _ in self.pieces:
            pass


# -- tar -------------------------------------------------------------------------

_FILE_TYPES: Final = frozenset([b"0", b"\0", b"7"])


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    kind: bytes
    size: int


def members(reader: Reader, most: int) -> Iterator[Header]:
    """Files and folders; extension headers are applied, everything else is refused."""
    long_name: str | None = None
    count = 0
    while header := _header(reader):
        count += 1
        if count > most:
            raise refused(ArchiveCode.TOO_MANY_MEMBERS, f"More than {most} members.")
        if header.kind in (b"x", b"g", b"L"):
            found = _extension(header, _payload(reader, header.size))
            long_name = found if found is not None else long_name
            continue
        yield _named(header, long_name)
        long_name = None


def _named(header: Header, long_name: str | None) -> Header:
    name = header.name if long_name is None else long_name
    if header.kind not in _FILE_TYPES and header.kind != b"5":
        message = "Links, devices and other special members are not accepted."
        raise refused(ArchiveCode.TYPE, message, name)
    kind = b"5" if name.endswith("/") else header.kind
    if kind == b"5" and header.size:
        raise refused(ArchiveCode.CORRUPT, "A folder with a content.", name)
    return Header(name, kind, header.size)


def _header(reader: Reader) -> Header | None:
    block = reader.read(BLOCK)
    if not block.strip(b"\0"):
        return None
    if len(block) < BLOCK:
        raise refused(ArchiveCode.TRUNCATED, "The archive ends inside a header.")
    if _octal(block[148:156]) != _checksum(block):
        raise refused(ArchiveCode.CORRUPT, "A member's header is damaged.")
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    full = f"{prefix}/{name}" if prefix else name
    return Header(full, block[156:157], _octal(block[124:136]))


def _checksum(block: bytes) -> int:
    return sum(block[:148]) + sum(block[156:]) + 8 * 32


def _octal(field_bytes: bytes) -> int:
    text = field_bytes.rstrip(b" \0").lstrip(b" ")
    if re.fullmatch(rb"[0-7]*", text) is None:
        raise refused(ArchiveCode.CORRUPT, "A member's header is damaged.")
    return int(text or b"0", 8)


def _text(raw: bytes) -> str:
    try:
        return raw.partition(b"\0")[0].decode()
    except UnicodeDecodeError:
        raise refused(ArchiveCode.PATH, "A member's name is not UTF-8.") from None


def _payload(reader: Reader, size: int) -> bytes:
    if size > _MAX_HEADER_RECORD:
        raise refused(ArchiveCode.CORRUPT, "An extension header is too large.")
    data = reader.read(size)
    if len(data) < size:
        raise refused(ArchiveCode.TRUNCATED, "The archive ends inside a header.")
    reader.skip(-size % BLOCK)
    return data


def _extension(header: Header, data: bytes) -> str | None:
    """The name that an extension header gives to the next member, if it does."""
    if header.kind == b"L":
        return _text(data)
    records = _pax_records(data)
    if header.kind == b"g":
        _refuse_renaming(records)
        return None
    if any(key in records for key in ("size", "linkpath")) or any(
        key.startswith("GNU.sparse") for key in records
    ):
        raise refused(ArchiveCode.TYPE, "Links and sparse members are not accepted.")
    path = records.get("path")
    if path is not None and "\0" in path:
        raise refused(ArchiveCode.PATH, "A member's name holds a control character.")
    return path


def _refuse_renaming(records: dict[str, str]) -> None:
    if "path" in records or "size" in records:
        raise refused(ArchiveCode.PATH, "A global header renames members.")


def _pax_records(data: bytes) -> dict[str, str]:
    """`<length> <key>=<value>\\n` records, the length counting the whole record."""
    records: dict[str, str] = {}
    while data:
        length, space, _ = data[:12].partition(b" ")
        size = int(length) if space and length.isdigit() else 0
        record = data[len(length) + 1 : size]
        key, equals, value = record.partition(b"=")
        if size > len(data) or not equals or not value.endswith(b"\n"):
            raise refused(ArchiveCode.CORRUPT, "An extension header is damaged.")
        records[_text(key)] = value[:-1].decode("utf-8", "replace")
        data = data[size:]
    return records
