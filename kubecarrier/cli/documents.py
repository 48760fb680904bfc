"""Documents from files, directories and stdin, read and checked before anything is sent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.errors import CliError
from kubecarrier.cli.kinds import Kind, Kinds

_SUFFIXES = frozenset([".yaml", ".yml", ".json"])
_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One document and where it stands. `index` counts from 1 within its file."""

    where: str
    index: int
    kind: Kind
    name: str
    document: Document

    @property
    def place(self) -> str:
        """For errors: `document 2 of web.yaml (application/web)`."""
        return f"document {self.index} of {self.where} ({self.kind.singular}/{self.name})"

    def within(self, project: str) -> Source:
        """In `project`, where the kind belongs to one and the document names none."""
        meta = self.document.get("metadata") or {}
        if not self.kind.in_project or meta.get("project"):
            return self
        return replace(self, document={**self.document, "metadata": {**meta, "project": project}})


def read_files(files: list[str], kinds: Kinds, *, verb: str) -> list[Source]:
    """Every document of `files`, in order.

    Raises CliError for the first that is no document, whose kind is unknown or
    does not know `verb`, or that stands twice.
    """
    sources = [source for file in files for source in _read(file, kinds)]
    seen: set[tuple[str, str]] = set()
    for source in sources:
        source.kind.require(verb)
        key = (source.kind.plural, source.name)
        if key in seen:
            raise _bad(
                source.where, source.index, f"{source.kind.kind} “{source.name}” stands twice"
            )
        seen.add(key)
    if not sources:
        raise CliError(f"There is no document in {', '.join(files)}.", code="document_missing")
    return sources


def read_objects(files: list[str]) -> list[Document]:
    """Documents of any kind, for a cluster rather than for the portal; raises CliError."""
    from kubecarrier.cli import yamlio

    found: list[Document] = []
    for file in files:
        for where, text in _texts(file):
            for index, document in enumerate(yamlio.load_all(text, where), start=1):
                found += [_object(where, index, item) for item in _unfolded(document)]
    if not found:
        raise CliError(f"There is no document in {', '.join(files)}.", code="document_missing")
    return found


def _object(where: str, index: int, document: Any) -> Document:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(metadata, dict):
        raise _bad(where, index, "it is no object with metadata")
    for path, value in (
        ("apiVersion", document.get("apiVersion")),
        ("kind", document.get("kind")),
        ("metadata.name", metadata.get("name")),
    ):
        if not isinstance(value, str) or not value:
            raise _bad(where, index, f"it has no {path}", field=path)
    return document


def read_one(file: str) -> Document:
    """The single document of `file`, unchecked; raises CliError."""
    from kubecarrier.cli import yamlio

    where, text = next(_texts(file))
    document = yamlio.load(text, where)
    if not isinstance(document, dict):
        raise _bad(where, 1, "it is not a mapping")
    return document


def _read(file: str, kinds: Kinds) -> Iterator[Source]:
    from kubecarrier.cli import yamlio

    for where, text in _texts(file):
        for index, document in enumerate(yamlio.load_all(text, where), start=1):
            for item in _unfolded(document):
                yield _checked(where, index, item, kinds)


def _texts(file: str) -> Iterator[tuple[str, str]]:
    """Name and text of each file that `file` means; a directory's in the order of their names."""
    if file == "-":
        yield "stdin", _decoded("stdin", sys.stdin.buffer.read(_MAX_BYTES + 1))
        return
    path = Path(file)
    members = (
        sorted(p for p in path.iterdir() if p.suffix in _SUFFIXES) if path.is_dir() else [path]
    )
    for member in members:
        with member.open("rb") as stream:
            yield str(member), _decoded(str(member), stream.read(_MAX_BYTES + 1))


def _decoded(where: str, raw: bytes) -> str:
    if len(raw) > _MAX_BYTES:
        raise CliError(f"{where} is larger than {_MAX_BYTES >> 20} MiB.", code="file_too_large")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CliError(f"{where} is not UTF-8 text.", code="yaml_invalid") from None


def _unfolded(document: Any) -> list[Any]:
    """The items of a `List`, as `get -o yaml` prints it; nothing for an empty document."""
    if document is None:
        return []
    if isinstance(document, dict) and document.get("kind") == "List":
        items = document.get("items")
        return items if isinstance(items, list) else [None]
    return [document]


def _checked(where: str, index: int, document: Any, kinds: Kinds) -> Source:
    if not isinstance(document, dict):
        raise _bad(where, index, "it is not a mapping")
    word, meta = document.get("kind"), document.get("metadata")
    name = meta.get("name") if isinstance(meta, dict) else None
    if not isinstance(word, str) or not word:
        raise _bad(where, index, "it has no kind", field="kind")
    if not isinstance(name, str) or not name:
        raise _bad(where, index, "it has no name", field="metadata.name")
    try:
        kind = kinds.find(word)
    except CliError as error:
        raise _bad(where, index, error.message, field="kind") from None
    return Source(where, index, kind, name, document)


def _bad(where: str, index: int, why: str, field: str | None = None) -> CliError:
    message = f"Document {index} of {where} is not usable: {why.rstrip('.')}. Nothing was done."
    return CliError(message, code="document_invalid", field=field)
