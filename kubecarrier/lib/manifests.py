"""One form for every kind: `apiVersion`, `kind`, `metadata`, `spec`, `status`.

A kind is described once and registered; the API, the CLI's tables, `explain`,
export and import all come from that description.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from django.db import models

from kubecarrier.lib.errors import NotFoundError, PreconditionError

API_VERSION = "kubecarrier.io/v1"


class ColumnType(StrEnum):
    """How a client shows a table's cell."""

    STRING = "string"
    DATE = "date"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind's table: `path` is dotted into the document; priority 1 is wide."""

    name: str
    path: str
    type: ColumnType = ColumnType.STRING
    priority: int = 0


class Result(StrEnum):
    """What an apply did."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a document asks for: name, labels and the validated spec by column.

    `generation` is the one the caller read (If-Match); None applies to any.
    `project` is the name of one, "" for none; None keeps the one that is.
    """

    name: str
    labels: dict[str, str]
    spec: dict[str, Any]
    generation: int | None = None
    project: str | None = None

    def check(self, row: Any) -> None:
        """Called with the row locked; raises PreconditionError when it moved since it was read."""
        if self.generation is not None and row.generation != self.generation:
            raise PreconditionError(
                "precondition_failed",
                f"“{self.name}” was changed since you read it.",
                hint="Read it again, and apply your change to what stands there now.",
                generation=row.generation,
            )


@dataclass(frozen=True, slots=True)
class Applied:
    """The row after an apply, and what the apply did."""

    row: Any
    result: Result


class ApplyService(Protocol):
    """Creates or updates one row of a kind from a document."""

    def __call__(self, *, actor: Any, wish: Wish) -> Applied: ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Kind:
    """A kind and everything the edges need to know of it; there is one object of each.

    `spec_serializer` is the DRF serializer class of the spec (None: read-only);
    `status` gives the status of a row as plain JSON beyond conditions.
    `filters` maps a query parameter to an ORM lookup, `search` lists columns.
    `project` names the foreign key to the project (`rows` selects it along): then
    documents carry `metadata.project`, and lists are filtered by `?project=`.
    """

    kind: str
    plural: str
    short_names: tuple[str, ...]
    model: type[models.Model]
    description: str
    columns: tuple[Column, ...]
    spec_serializer: Any = None
    status: Callable[[Any], dict[str, Any]]
    rows: Callable[[Any], models.QuerySet[Any]]
    apply: ApplyService | None = None
    #: Takes `actor`, `row` and the options of `delete_options`.
    delete: Callable[..., None] | None = None
    delete_options: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    search: tuple[str, ...] = ("name",)
    # How rows are searched and selected by labels, where columns are not enough or too slow.
    with_words: Callable[[models.QuerySet[Any], str], models.QuerySet[Any]] | None = None
    with_labels: Callable[[models.QuerySet[Any], str], models.QuerySet[Any]] | None = None
    actions: tuple[str, ...] = ()
    order: str = "name"
    # Called with a page of rows before they are exported: one query where each row would need one.
    attach: Callable[[Sequence[Any]], None] | None = None
    # A record that only grows is read on from its last time instead: a watch looks at all rows.
    watchable: bool = True
    project: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """Every filter: the kind's own, and by project where it belongs to one."""
        return {**self.filters, **({"project": f"{self.project}__name"} if self.project else {})}

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def verbs(self) -> list[str]:
        """What can be done with this kind through its documents."""
        verbs = ["list", "get", "watch"] if self.watchable else ["list", "get"]
        if self.apply:
            verbs += ["apply", "patch"]
        return [*verbs, "delete"] if self.delete else verbs


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known; called by each app's `api` package."""
    _kinds[kind.plural] = kind
    return kind


def kinds() -> list[Kind]:
    """Every registered kind, by plural."""
    return [_kinds[plural] for plural in sorted(_kinds)]


def find_kind(name: str) -> Kind:
    """A kind by kind, plural, singular or short name; raises NotFoundError `kind_unknown`."""
    wanted = name.lower()
    for kind in _kinds.values():
        if wanted in {kind.plural, kind.singular, *kind.short_names}:
            return kind
    raise NotFoundError("kind_unknown", f"There is no kind “{name[:80]}”.")
