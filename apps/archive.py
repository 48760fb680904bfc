"""Read a chart archive (.tgz) that a stranger packed, without unpacking it.

Nothing touches the disk: the bytes are inflated in pieces that are counted
while they come, members are walked by a small tar reader of our own
(`archive_reading`), and only the few files that the portal shows are kept. A
member is a file or a folder with a plain relative name, or the archive is
refused. Limits and path rules are Helm's own where Helm has them (100 MiB
unpacked, 5 MiB a file).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from apps import chart_metadata
from apps.archive_reading import (
    BLOCK,
    GZIP_MAGIC,
    ArchiveCode,
    ArchiveError,
    Header,
    Reader,
    inflated,
    members,
    refused,
)
from apps.chart_metadata import ChartType, Dependency, Maintainer
from kubecarrier.lib import strict_yaml

MAX_COMPRESSED: Final = 20 * 1024 * 1024
MAX_UNPACKED: Final = 100 * 1024 * 1024
MAX_MEMBERS: Final = 10_000
MAX_TEXT_FILE: Final = 1024 * 1024
MAX_CRD_FILE: Final = 5 * 1024 * 1024
MAX_CRDS: Final = 1000


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
    reader = Reader(inflated(data, limits.unpacked))
    files = _Files(limits)
    for member in members(reader, limits.members):
        files.take(member, reader)
    reader.drain()
    return _chart(files, hashlib.sha256(data).hexdigest())


def _check_outside(data: bytes, limits: Limits) -> None:
    if len(data) > limits.compressed:
        raise refused(ArchiveCode.TOO_LARGE, f"The archive is over {limits.compressed} bytes.")
    if data[:2] != GZIP_MAGIC:
        raise refused(ArchiveCode.NOT_GZIP, "This is not a gzip-compressed archive (.tgz).")


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

    def take(self, member: Header, reader: Reader) -> None:
        path = self._path(member)
        limit = self._limit(path) if member.kind != b"5" else None
        if limit is None:
            reader.skip(member.size + -member.size % BLOCK)
            return
        if member.size > limit:
            raise refused(ArchiveCode.MEMBER_TOO_LARGE, f"Over {limit} bytes.", member.name)
        data = reader.read(member.size)
        if len(data) < member.size:
            raise refused(ArchiveCode.TRUNCATED, "The archive ends inside a member.", member.name)
        reader.skip(-member.size % BLOCK)
        self._keep(path, data)

    def _path(self, member: Header) -> str:
        """The path below the chart's folder; checks it and that it is new."""
        parts = _checked_parts(member.name)
        self.top = self.top or parts[0]
        if parts[0] != self.top:
            raise self._second_top(parts, member.name)
        path = "/".join(parts[1:])
        if path in self.seen and member.kind != b"5":
            code = ArchiveCode.TWO_CHART_YAML if path == "Chart.yaml" else ArchiveCode.DUPLICATE
            raise refused(code, "The archive holds a member twice.", member.name)
        self.seen.add(path)
        return path

    def _second_top(self, parts: list[str], name: str) -> ArchiveError:
        if parts[1:] == ["Chart.yaml"] and "Chart.yaml" in self.seen:
            return refused(ArchiveCode.TWO_CHART_YAML, "The archive holds two charts.", name)
        return refused(ArchiveCode.PATH, "A chart archive has one folder at its top.", name)

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
        raise refused(ArchiveCode.PATH, "A member's name holds a forbidden character.", name)
    # `./chart/…` is what `tar -C dir -czf x.tgz ./chart` writes.
    parts = name.removeprefix("./").removesuffix("/").split("/")
    if name.startswith("/") or (parts != [""] and _BAD_PART.intersection(parts)):
        raise refused(ArchiveCode.PATH, "A member points outside the chart's folder.", name)
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
        raise refused(ArchiveCode.NO_CHART_YAML, message)
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
        raise refused(code, f"Chart.yaml: {exc.message}", "Chart.yaml") from None
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
        raise refused(code, "The file is not UTF-8 text.", name) from None


def _values(text: str) -> dict[str, object]:
    try:
        values = strict_yaml.load(text, dialect=strict_yaml.HELM)
    except strict_yaml.YamlError as exc:
        raise refused(ArchiveCode.VALUES, f"values.yaml: {exc.message}", "values.yaml") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise refused(ArchiveCode.VALUES, "values.yaml must be a mapping.", "values.yaml")
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
        raise refused(ArchiveCode.SCHEMA, message, "values.schema.json")
    return schema
