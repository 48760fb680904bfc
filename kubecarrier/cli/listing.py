"""`get`: documents of a kind as a table, as data, and as they change."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from kubecarrier.cli.answers import Document, is_transient
from kubecarrier.cli.api import Api, Params, path_of
from kubecarrier.cli.errors import CliError
from kubecarrier.cli.kinds import Kind
from kubecarrier.cli.output import (
    Format,
    as_json,
    as_yaml,
    echo,
    list_of,
    name_of,
    note,
    result_line,
    write_data,
)
from kubecarrier.cli.tables import Table

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Query:
    """What to list. With `names`, those documents; otherwise what the filters leave."""

    names: tuple[str, ...] = ()
    selector: str = ""
    search: str = ""
    limit: int = 0
    filters: dict[str, str] = field(default_factory=dict)

    @property
    def params(self) -> Params:
        """The query parameters of the list."""
        wanted = {"labelSelector": self.selector, "search": self.search, **self.filters}
        return {key: value for key, value in wanted.items() if value}


def get(api: Api, kind: Kind, query: Query, form: Format, *, watch: bool = False) -> None:
    """Print the documents, then with `watch` their changes until Ctrl-C."""
    printer = Printer(kind, form, single=len(query.names) == 1)
    documents = fetch(api, kind, query)
    if watch:
        printer.stream(documents)
        _follow(api, kind, query, printer, documents)
    else:
        printer.whole(documents)


def fetch(api: Api, kind: Kind, query: Query) -> list[Document]:
    """The documents; raises CliError for a name that does not exist."""
    if query.names:
        return [api.get(path_of(kind.plural, name)) for name in query.names]
    return api.items(path_of(kind.plural), query.params, query.limit)


class Printer:
    """Writes documents in one format. A single document stands without a list around it."""

    def __init__(self, kind: Kind, form: Format, *, single: bool = False) -> None:
        self._kind, self._form, self._single = kind, form, single
        self._wide = form is Format.WIDE
        self._table = Table([column.name for column in kind.shown(wide=self._wide)])

    def whole(self, documents: list[Document]) -> None:
        """All at once."""
        if self._form in (Format.JSON, Format.YAML):
            write_data(documents[0] if self._single else list_of(documents), self._form)
        elif documents:
            self.stream(documents)
        else:
            note("No resources found.")

    def stream(self, documents: list[Document]) -> None:
        """One after the other; JSON as one line each, YAML as documents of a stream."""
        if self._form.is_table and documents:
            rows = [self._kind.row(document, wide=self._wide) for document in documents]
            echo("\n".join(self._table.render(rows)))
        for document in documents:
            self._data(document)
        sys.stdout.flush()

    def _data(self, document: Document) -> None:
        match self._form:
            case Format.JSON:
                sys.stdout.write(as_json(document, indent=None) + "\n")
            case Format.YAML:
                sys.stdout.write("---\n" + as_yaml(document))
            case Format.NAME:
                echo(f"{self._kind.singular}/{name_of(document)}")

    def deleted(self, document: Document) -> None:
        """A document that went away while it was watched."""
        if self._form in (Format.JSON, Format.YAML):
            self.stream([document])
        else:
            echo(result_line(self._kind.singular, name_of(document), "deleted"))
            sys.stdout.flush()


def _follow(api: Api, kind: Kind, query: Query, printer: Printer, shown: list[Document]) -> None:
    """Print changes until interrupted. A server that ends the stream is asked again.

    Each stream begins with everything as ADDED, so what was shown already is
    left out, and nothing between two streams is missed.
    """
    seen = {name_of(document): document for document in shown}
    pause = _FIRST_PAUSE
    while True:
        try:
            for change, document in _changes(api, kind, query):
                pause = _FIRST_PAUSE
                _show(change, document, printer, seen)
        except CliError as error:
            if not is_transient(error):
                raise
            note(f"warning: {error.message} Trying again in {pause:.0f} s.")
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _show(change: str, document: Document, printer: Printer, seen: dict[str, Document]) -> None:
    name = name_of(document)
    if change == "DELETED":
        seen.pop(name, None)
        printer.deleted(document)
    elif seen.get(name) != document:
        seen[name] = document
        printer.stream([document])


def _changes(api: Api, kind: Kind, query: Query) -> Iterator[tuple[str, Document]]:
    """The changes of one stream: type and document, bookmarks left out."""
    one = query.names[0] if len(query.names) == 1 else None
    path = path_of(kind.plural, one) if one else path_of(kind.plural)
    with api.events(path, {} if one else query.params) as events:
        for event in events:
            if event.event != "change":
                continue
            change = _parsed(event)
            document = change.get("object")
            wanted = not query.names or (
                isinstance(document, dict) and name_of(document) in query.names
            )
            if isinstance(document, dict) and change.get("type") != "BOOKMARK" and wanted:
                yield str(change.get("type")), document


def _parsed(event: object) -> Document:
    import json

    try:
        change = json.loads(getattr(event, "data", ""))
    except (ValueError, RecursionError):
        change = None
    if not isinstance(change, dict):
        raise CliError("The server sent a change that cannot be read.", code="bad_answer")
    return change
