"""Lists as the server prints them: its own columns, page by page, with a search by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fleet.kube import Kube, Resource
from fleet.kube_errors import Gone
from fleet.live.session import Session
from kubecarrier.lib.errors import ConflictError

Json = dict[str, Any]

_SEARCH_PAGE = 500
_SEARCH_PAGES = 10  # what one request looks through at most; the continue token goes on from there
_COLUMNS: list[Json] = [
    {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0},
    {"name": "Created", "type": "date", "format": "", "description": "", "priority": 0},
]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for; empty texts mean no limit. `search` is a part of the name."""

    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""
    search: str = ""
    limit: int = 50
    continue_token: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One object: `cells` in the order of the columns, as the server prints them."""

    cells: tuple[Any, ...]
    name: str
    namespace: str
    uid: str
    resource_version: str
    created_at: str
    labels: dict[str, str]
    deleting: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One page. `remaining` None: the server cannot tell. `scanned`: rows a search looked at."""

    columns: tuple[Json, ...]
    rows: tuple[Row, ...]
    continue_token: str
    remaining: int | None
    resource_version: str
    scanned: int


def resource_table(session: Session, kind: Resource, query: Query) -> Table:
    """One page of objects; raises what the door raises, ConflictError when the token is too old.

    A search goes through whole pages until it has found enough, so that no row
    is lost between two pages: it may answer a few more than `limit`.
    """
    session.require("resources.view")
    with session.doing(f"list {kind.plural}"), fresh_token():
        return _searched(session.kube, kind, query)


@contextmanager
def fresh_token() -> Iterator[None]:
    """A continue token that is too old is told to people as what it is."""
    try:
        yield
    except Gone as error:
        raise ConflictError(
            "continue_expired", "The list has moved on since its first page was read.",
            field="continue", hint="Begin again with the first page.",
        ) from error  # fmt: skip


def row_of(session: Session, kind: Resource, *, namespace: str, name: str) -> Table:
    """One object as a table of one row, as `kubectl get` prints it; raises NotFound."""
    session.require("resources.view")
    with session.doing(f"get {kind.kind} {namespace}/{name}"):
        answer = session.kube.table(kind, namespace=namespace or None, name=name)
    return _table(answer, list(_rows(answer)), scanned=1)


def _searched(kube: Kube, kind: Resource, query: Query) -> Table:
    found: list[Row] = []
    token, scanned = query.continue_token, 0
    size = _SEARCH_PAGE if query.search else query.limit
    for _ in range(_SEARCH_PAGES):
        answer = kube.table(
            kind,
            namespace=query.namespace or None,
            label_selector=query.label_selector or None,
            field_selector=query.field_selector or None,
            limit=size,
            continue_token=token,
        )
        rows = list(_rows(answer))
        scanned += len(rows)
        found += [row for row in rows if query.search.lower() in row.name.lower()]
        token = str((answer.get("metadata") or {}).get("continue") or "")
        if not token or not query.search or len(found) >= query.limit:
            break
    return _table(answer, found, scanned=scanned)


def _table(answer: Json, rows: list[Row], *, scanned: int) -> Table:
    metadata = answer.get("metadata") or {}
    columns = answer.get("columnDefinitions") if answer.get("kind") == "Table" else _COLUMNS
    return Table(
        columns=tuple(columns or ()),
        rows=tuple(rows),
        continue_token=str(metadata.get("continue") or ""),
        remaining=metadata.get("remainingItemCount"),
        resource_version=str(metadata.get("resourceVersion") or ""),
        scanned=scanned,
    )


def _rows(answer: Json) -> Iterator[Row]:
    """Rows of a Table, of a List, or of the single object where the server knows no tables."""
    if answer.get("kind") == "Table":
        for row in answer.get("rows") or ():
            yield _row(row.get("cells") or (), (row.get("object") or {}).get("metadata") or {})
        return
    items = answer.get("items", [answer])
    for item in items or ():
        metadata = item.get("metadata") or {}
        yield _row((metadata.get("name"), metadata.get("creationTimestamp")), metadata)


def _row(cells: Any, metadata: Json) -> Row:
    """Annotations are left out: kubectl keeps a copy of whole Secrets in one."""
    return Row(
        cells=tuple(cells),
        name=str(metadata.get("name") or ""),
        namespace=str(metadata.get("namespace") or ""),
        uid=str(metadata.get("uid") or ""),
        resource_version=str(metadata.get("resourceVersion") or ""),
        created_at=str(metadata.get("creationTimestamp") or ""),
        labels=dict(metadata.get("labels") or {}),
        deleting=bool(metadata.get("deletionTimestamp")),
    )
