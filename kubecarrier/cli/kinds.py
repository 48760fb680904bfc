"""What the server says of its kinds: names, verbs, columns, schemas.

Nothing of it is written down here, so a portal with more kinds (a plugin's)
needs no newer command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.api import Api, items_of
from kubecarrier.cli.errors import CliError, ExitCode
from kubecarrier.cli.tables import at_path, cell

_NAME_PATH = "metadata.name"


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: `path` is dotted into the document, priority 1 is wide."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as `GET /kinds` lists it."""

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    description: str = ""
    columns: tuple[Column, ...] = ()
    schema: Document = field(default_factory=dict)
    in_project: bool = False

    @classmethod
    def of(cls, item: Document) -> Kind:
        """From one item; a missing key takes its default."""
        kind = str(item.get("kind") or "")
        return cls(
            kind=kind,
            plural=str(item.get("plural") or ""),
            singular=str(item.get("singular") or kind.lower()).lower(),
            short_names=_words(item.get("shortNames")),
            verbs=_words(item.get("verbs")),
            actions=_words(item.get("actions")),
            description=str(item.get("description") or ""),
            columns=_columns(item.get("columns")),
            schema=item["schema"] if isinstance(item.get("schema"), dict) else {},
            in_project=item.get("inProject") is True,
        )

    @property
    def names(self) -> frozenset[str]:
        """Every word that means this kind, in lower case."""
        words = (self.kind, self.plural, self.singular, *self.short_names)
        return frozenset(word.lower() for word in words)

    def require(self, verb: str) -> None:
        """Raise CliError `verb_unsupported` unless the kind can be asked to `verb`."""
        if self.verbs and verb not in self.verbs:
            raise CliError(
                f"{self.kind} cannot be used with {verb}: the server only offers "
                f"{', '.join(self.verbs)}.",
                code="verb_unsupported",
            )

    def shown(self, *, wide: bool) -> list[Column]:
        """The columns of a table."""
        return [column for column in self.columns if wide or column.priority == 0]

    def row(self, document: Document, *, wide: bool) -> list[str]:
        """One document as cells."""
        return [cell(at_path(document, c.path), c.type) for c in self.shown(wide=wide)]


class Kinds:
    """All kinds of one portal."""

    def __init__(self, items: Sequence[Document]) -> None:
        self.all = [Kind.of(item) for item in items]

    @classmethod
    def fetch(cls, api: Api) -> Kinds:
        """Ask the server."""
        return cls(items_of(api.get("kinds")))

    def find(self, word: str) -> Kind:
        """A kind by kind, plural, singular or short name; raises CliError `kind_unknown`."""
        for kind in self.all:
            if word.lower() in kind.names:
                return kind
        near = get_close_matches(word.lower(), [name for kind in self.all for name in kind.names])
        known = ", ".join(kind.plural for kind in self.all)
        raise CliError(
            f"The server has no kind “{word}”.", code="kind_unknown", exit_code=ExitCode.NOT_FOUND,
            hint=f"Did you mean {near[0]}?" if near else f"It has {known}.",
        )  # fmt: skip


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in value) if isinstance(value, list) else ()


def _columns(value: Any) -> tuple[Column, ...]:
    items = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    found = [
        Column(
            name=str(item.get("name") or ""),
            path=str(item.get("path") or ""),
            type=str(item.get("type") or "string"),
            priority=item["priority"] if isinstance(item.get("priority"), int) else 0,
        )
        for item in items
    ]
    if not any(column.path == _NAME_PATH for column in found):
        found.insert(0, Column("Name", _NAME_PATH))
    return tuple(found)
