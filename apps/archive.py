"""Read a chart archive (.tgz) that a stranger packed, without unpacking it.

Nothing touches the disk: the bytes are inflated in pieces that are counted
while they come, members are walked by a small tar reader of our own, and only
the few files that the portal shows are kept. Python's tarfile is not used
because it follows chained extension headers recursively, reads a header of
any size into memory and takes links, devices and sparse files as they come;
here a member is a file or a folder with a plain relative name, or the archive
is refused. Limits and path rules are Helm's own where Helm has them (100 MiB
unpacked, 5 MiB a file).
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from apps import chart_metadata
from apps.chart_metadata import ChartType, Dependency, Maintainer
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import InvalidError

MAX_COMPRESSED: Final = 20 * 1024 * 1024
MAX_UNPACKED: Final = 100 * 1024 * 1024
MAX_MEMBERS: Final = 10_000
MAX_TEXT_FILE: Final = 1024 * 1024
MAX_CRD_FILE: Final = 5 * 1024 * 1024
MAX_CRDS: Final = 1000
_MAX_HEADER_RECORD: Final = 64 * 1024
_BLOCK: Final = 512
_PIECE: Final = 64 * 1024
_MAX_STREAMS: Final = 1000
_GZIP_MAGIC: Final = b"\x1f\x8b"


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


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and counts; the defaults are the platform's."""

    compressed: int = MAX_COMPRESSED
    unpacked: int = MAX_UNPACKED
    members: int = MAX_MEMBERS
    text_file: int = MAX_TEXT_FILE
    crd_file: int = MAX_CRD_FILE


@dataclass(frozen=True, slots=True)
class ChartArchive:
    """A chart as packed. `digest` is the sha256 (hex) of the archive's bytes.

    `values_text` and `readme` are as written; `values` is what Helm reads from
    it; `crds` are the names of CustomResourceDefinitions under `crds/`.
    """

    name: str
    version: str
    app_version: str
    description: str
    type: ChartType
    kube_version: str
    deprecated: bool
    icon: str
    home: str
    sources: tuple[str, ...]
    keywords: tuple[str, ...]
    maintainers: tuple[Maintainer, ...]
    dependencies: tuple[Dependency, ...]
    annotations: Mapping[str, str]
    readme: str
    values_text: str
    values: dict[str, object]
    schema: dict[str, object] | None
    crds: tuple[str, ...]
    digest: str


def read(data: bytes, limits: Limits | None = None) -> ChartArchive:
    """The chart inside `data`. Raises `ArchiveError`.

    Memory: at most the kept files (`text_file`, `crd_file`) and one piece.
    """
    limits = limits or Limits()
    _check_outside(data, limits)
    reader = _Reader(_inflated(data, limits.unpacked))
    files = _Files(limits)
    for member in _members(reader, limits.members):
        files.take(member, reader)
    reader.drain()
    return _chart(files, hashlib.sha256(data).hexdigest())


def _check_outside(data: bytes, limits: Limits) -> None:
    if len(data) > limits.compressed:
        raise _error(ArchiveCode.TOO_LARGE, f"The archive is over {limits.compressed} bytes.")
    if data[:2] != _GZIP_MAGIC:
        raise _error(ArchiveCode.NOT_GZIP, "This is not a gzip-compressed archive (.tgz).")


def _error(code: str, message: str, member: str | None = None) -> ArchiveError:
    if member is None:
        return ArchiveError(code, message)
    shown = chart_metadata.clean_text(member, 200)
    return ArchiveError(code, f"{message} (member {shown!r})", member=shown)


# -- gzip ------------------------------------------------------------------------


def _inflated(data: bytes, limit: int) -> Iterator[bytes]:
    """Pieces of at most 64 KiB; several gzip streams follow each other, as in Go."""
    total = 0
    for piece in _streams(data):
        total += len(piece)
        if total > limit:
            raise _error(ArchiveCode.BOMB, f"The archive unpacks to over {limit} bytes.")
        yield piece


def _streams(data: bytes) -> Iterator[bytes]:
    position = 0
    for _ in range(_MAX_STREAMS):
        position = yield from _one_stream(data, position)
        if data[position : position + 2] != _GZIP_MAGIC:
            return
    raise _error(ArchiveCode.CORRUPT, "The archive is cut into too many gzip streams.")


def _one_stream(data: bytes, position: int) -> Generator[bytes, None, int]:
    """Pieces of one gzip stream; returns where the next one would start."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        while not inflater.eof and position < len(data):
            todo = data[position : position + _PIECE]
            position += len(todo)
            yield from _pieces(inflater, todo)
    except zlib.error:
        raise _error(ArchiveCode.CORRUPT, "The compressed data is damaged.") from None
    if not inflater.eof:
        raise _error(ArchiveCode.TRUNCATED, "The archive ends too early.")
    return position - len(inflater.unused_data)


def _pieces(inflater: zlib._Decompress, todo: bytes) -> Iterator[bytes]:
    while True:
        piece = inflater.decompress(todo, _PIECE)
        yield piece
        todo = inflater.unconsumed_tail
        if inflater.eof or (not todo and len(piece) < _PIECE):
            return


@dataclass(slots=True)
class _Reader:
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
                raise _error(ArchiveCode.TRUNCATED, "The archive ends inside a member.")
            size -= taken

    def drain(self) -> None:
        """To the end, so that the checksum is verified and a bomb behind it counted."""
        self.buffer.clear()
        for _ in self.pieces:
            pass


# -- tar -------------------------------------------------------------------------

_FILE_TYPES: Final = frozenset([b"0", b"\0", b"7"])


@dataclass(frozen=True, slots=True)
class _Header:
    name: str
    kind: bytes
    size: int


def _members(reader: _Reader, most: int) -> Iterator[_Header]:
    """Files and folders; extension headers are applied, everything else is refused."""
    long_name: str | None = None
    count = 0
    while header := _header(reader):
        count += 1
        if count > most:
            raise _error(ArchiveCode.TOO_MANY_MEMBERS, f"More than {most} members.")
        if header.kind in (b"x", b"g", b"L"):
            found = _extension(header, _payload(reader, header.size))
            long_name = found if found is not None else long_name
            continue
        yield _named(header, long_name)
        long_name = None


def _named(header: _Header, long_name: str | None) -> _Header:
    name = header.name if long_name is None else long_name
    if header.kind not in _FILE_TYPES and header.kind != b"5":
        message = "Links, devices and other special members are not accepted."
        raise _error(ArchiveCode.TYPE, message, name)
    kind = b"5" if name.endswith("/") else header.kind
    if kind == b"5" and header.size:
        raise _error(ArchiveCode.CORRUPT, "A folder with a content.", name)
    return _Header(name, kind, header.size)


def _header(reader: _Reader) -> _Header | None:
    block = reader.read(_BLOCK)
    if not block.strip(b"\0"):
        return None
    if len(block) < _BLOCK:
        raise _error(ArchiveCode.TRUNCATED, "The archive ends inside a header.")
    if _octal(block[148:156]) != _checksum(block):
        raise _error(ArchiveCode.CORRUPT, "A member's header is damaged.")
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    full = f"{prefix}/{name}" if prefix else name
    return _Header(full, block[156:157], _octal(block[124:136]))


def _checksum(block: bytes) -> int:
    return sum(block[:148]) + sum(block[156:]) + 8 * 32


def _octal(field_bytes: bytes) -> int:
    text = field_bytes.rstrip(b" \0").lstrip(b" ")
    if re.fullmatch(rb"[0-7]*", text) is None:
        raise _error(ArchiveCode.CORRUPT, "A member's header is damaged.")
    return int(text or b"0", 8)


def _text(raw: bytes) -> str:
    try:
        return raw.partition(b"\0")[0].decode()
    except UnicodeDecodeError:
        raise _error(ArchiveCode.PATH, "A member's name is not UTF-8.") from None


def _payload(reader: _Reader, size: int) -> bytes:
    if size > _MAX_HEADER_RECORD:
        raise _error(ArchiveCode.CORRUPT, "An extension header is too large.")
    data = reader.read(size)
    if len(data) < size:
        raise _error(ArchiveCode.TRUNCATED, "The archive ends inside a header.")
    reader.skip(-size % _BLOCK)
    return data


def _extension(header: _Header, data: bytes) -> str | None:
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
        raise _error(ArchiveCode.TYPE, "Links and sparse members are not accepted.")
    path = records.get("path")
    if path is not None and "\0" in path:
        raise _error(ArchiveCode.PATH, "A member's name holds a control character.")
    return path


def _refuse_renaming(records: dict[str, str]) -> None:
    if "path" in records or "size" in records:
        raise _error(ArchiveCode.PATH, "A global header renames members.")


def _pax_records(data: bytes) -> dict[str, str]:
    """`<length> <key>=<value>\\n` records, the length counting the whole record."""
    records: dict[str, str] = {}
    while data:
        length, space, _ = data[:12].partition(b" ")
        size = int(length) if space and length.isdigit() else 0
        record = data[len(length) + 1 : size]
        key, equals, value = record.partition(b"=")
        if size > len(data) or not equals or not value.endswith(b"\n"):
            raise _error(ArchiveCode.CORRUPT, "An extension header is damaged.")
        records[_text(key)] = value[:-1].decode("utf-8", "replace")
        data = data[size:]
    return records


# -- which members count ---------------------------------------------------------

_BAD_PART: Final = frozenset(["", ".", ".."])
_KEPT: Final = frozenset(
    ["Chart.yaml", "values.yaml", "values.schema.json", "README.md", "requirements.yaml"]
)
_CRD_FILE: Final = re.compile(r"(?:charts/[^/]+/)*crds/(?:[^/]+/)*[^/]+\.ya?ml")


@dataclass(slots=True)
class _Files:
    """Kept files by their path inside the chart, and every path seen."""

    limits: Limits
    kept: dict[str, bytes] = field(default_factory=dict)
    crds: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    top: str = ""

    def take(self, member: _Header, reader: _Reader) -> None:
        path = self._path(member)
        limit = self._limit(path) if member.kind != b"5" else None
        if limit is None:
            reader.skip(member.size + -member.size % _BLOCK)
            return
        if member.size > limit:
            raise _error(ArchiveCode.MEMBER_TOO_LARGE, f"Over {limit} bytes.", member.name)
        data = reader.read(member.size)
        if len(data) < member.size:
            raise _error(ArchiveCode.TRUNCATED, "The archive ends inside a member.", member.name)
        reader.skip(-member.size % _BLOCK)
        self._keep(path, data)

    def _path(self, member: _Header) -> str:
        """The path below the chart's folder; checks it and that it is new."""
        parts = _checked_parts(member.name)
        self.top = self.top or parts[0]
        if parts[0] != self.top:
            raise self._second_top(parts, member.name)
        path = "/".join(parts[1:])
        if path in self.seen and member.kind != b"5":
            code = ArchiveCode.TWO_CHART_YAML if path == "Chart.yaml" else ArchiveCode.DUPLICATE
            raise _error(code, "The archive holds a member twice.", member.name)
        self.seen.add(path)
        return path

    def _second_top(self, parts: list[str], name: str) -> ArchiveError:
        if parts[1:] == ["Chart.yaml"] and "Chart.yaml" in self.seen:
            return _error(ArchiveCode.TWO_CHART_YAML, "The archive holds two charts.", name)
        return _error(ArchiveCode.PATH, "A chart archive has one folder at its top.", name)

    def _limit(self, path: str) -> int | None:
        if path in _KEPT:
            return self.limits.text_file
        return self.limits.crd_file if _CRD_FILE.fullmatch(path) else None

    def _keep(self, path: str, data: bytes) -> None:
        if path in _KEPT:
            self.kept[path] = data
        elif len(self.crds) < MAX_CRDS:
            self.crds.extend(crd_names(data.decode("utf-8", "replace")))


def _checked_parts(name: str) -> list[str]:
    if not name.isprintable() or "\\" in name or re.match(r"[A-Za-z]:", name):
        raise _error(ArchiveCode.PATH, "A member's name holds a forbidden character.", name)
    # `./chart/…` is what `tar -C dir -czf x.tgz ./chart` writes.
    parts = name.removeprefix("./").removesuffix("/").split("/")
    if name.startswith("/") or (parts != [""] and _BAD_PART.intersection(parts)):
        raise _error(ArchiveCode.PATH, "A member points outside the chart's folder.", name)
    return parts


_CRD_KIND: Final = re.compile(
    r"^kind:[ \t]*[\"']?CustomResourceDefinition[\"']?[ \t\r]*$", re.MULTILINE
)
_NAME_LINE: Final = re.compile(r"( +)name:[ \t]*[\"']?([a-z0-9.-]{1,253})[\"']?[ \t\r]*")
_DOCUMENT_END: Final = re.compile(r"^---[^\n]*$", re.MULTILINE)


def crd_names(text: str) -> list[str]:
    """Names of the CRDs in a multi-document text, by its lines.

    Not parsed as YAML: CRD files are megabytes, and only their names are shown.
    """
    documents = (each for each in _DOCUMENT_END.split(text) if _CRD_KIND.search(each))
    names = (_metadata_name(each) for each in documents)
    return [name for name in names if name]


def _metadata_name(document: str) -> str | None:
    """The `name` right below the top-level `metadata:`, not one deeper inside."""
    start = re.search(r"^metadata:[ \t\r]*\n", document, re.MULTILINE)
    indent: int | None = None
    for line in document[start.end() :].splitlines() if start else ():
        depth = len(line) - len(line.lstrip(" "))
        if line.strip() and depth == 0 and not line.startswith("#"):
            return None
        indent = depth if indent is None else indent
        match = _NAME_LINE.fullmatch(line)
        if match and len(match[1]) == indent:
            return match[2]
    return None


# -- from files to a chart -------------------------------------------------------


def _chart(files: _Files, digest: str) -> ChartArchive:
    if "Chart.yaml" not in files.kept:
        message = "The archive holds no Chart.yaml in a folder at its top."
        raise _error(ArchiveCode.NO_CHART_YAML, message)
    meta = _metadata(files)
    values_text = _utf8(files.kept.get("values.yaml", b""), ArchiveCode.VALUES, "values.yaml")
    return ChartArchive(
        name=meta.name,
        version=meta.version,
        app_version=meta.app_version,
        description=meta.description,
        type=meta.type,
        kube_version=meta.kube_version,
        deprecated=meta.deprecated,
        icon=meta.icon,
        home=meta.home,
        sources=meta.sources,
        keywords=meta.keywords,
        maintainers=meta.maintainers,
        dependencies=meta.dependencies or _old_dependencies(files),
        annotations=meta.annotations or {},
        readme=files.kept.get("README.md", b"").decode("utf-8", "replace"),
        values_text=values_text,
        values=_values(values_text),
        schema=_schema(files.kept.get("values.schema.json")),
        crds=tuple(files.crds[:MAX_CRDS]),
        digest=digest,
    )


def _metadata(files: _Files) -> chart_metadata.ChartMetadata:
    try:
        document = strict_yaml.load(files.kept["Chart.yaml"], dialect=strict_yaml.HELM)
        return chart_metadata.parse_metadata(document)
    except strict_yaml.YamlError as exc:
        code = chart_metadata.MetadataCode.INVALID
        raise _error(code, f"Chart.yaml: {exc.message}", "Chart.yaml") from None
    except chart_metadata.MetadataError as exc:
        raise ArchiveError(exc.code, f"Chart.yaml: {exc.message}", field=exc.field) from None


def _old_dependencies(files: _Files) -> tuple[Dependency, ...]:
    """apiVersion v1 charts declare theirs in requirements.yaml."""
    try:
        document = strict_yaml.load(
            files.kept.get("requirements.yaml", b""), dialect=strict_yaml.HELM
        )
    except strict_yaml.YamlError:
        return ()
    rows = document.get("dependencies") if isinstance(document, dict) else None
    return chart_metadata.dependencies(rows)


def _utf8(data: bytes, code: ArchiveCode, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _error(code, "The file is not UTF-8 text.", name) from None


def _values(text: str) -> dict[str, object]:
    try:
        values = strict_yaml.load(text, dialect=strict_yaml.HELM)
    except strict_yaml.YamlError as exc:
        raise _error(ArchiveCode.VALUES, f"values.yaml: {exc.message}", "values.yaml") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise _error(ArchiveCode.VALUES, "values.yaml must be a mapping.", "values.yaml")
    return values


def _schema(data: bytes | None) -> dict[str, object] | None:
    if not data or not data.strip():
        return None
    try:
        schema = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        schema = None
    if not isinstance(schema, dict):
        message = "values.schema.json is not a JSON object."
        raise _error(ArchiveCode.SCHEMA, message, "values.schema.json")
    return schema
