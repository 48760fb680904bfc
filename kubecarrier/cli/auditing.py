"""The audit for people and for pipes: pages of records, then what comes."""

from __future__ import annotations

import csv
import io
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kubecarrier.cli.answers import Document, is_transient
from kubecarrier.cli.api import Api, path_of
from kubecarrier.cli.errors import CliError, usage_error
from kubecarrier.cli.output import as_json, echo, note
from kubecarrier.cli.tables import Table, cell

_PATH = path_of("auditentries")
_AGO = re.compile(r"^(\d{1,6})([smhdw])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LOOK_SECONDS = 2.0
# A transaction may commit after a later one was shown: this far back is looked at again.
_OVERLAP = timedelta(seconds=60)
_COLUMNS = ("at", "actor", "channel", "did", "kind", "object", "result")
_WIDE = (*_COLUMNS, "cluster", "namespace", "project", "address", "requestId", "reason", "said")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Record = dict[str, Any]
Printer = Callable[[Sequence[Record]], None]


def moment(text: str, option: str) -> str:
    """`2h` (ago) or a time as RFC 3339; a time without an offset is this machine's."""
    if not text:
        return ""
    if ago := _AGO.match(text):
        try:
            then = datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError as error:
            raise usage_error(f"{option} {text}: that is before all times.") from error
        return _rfc(then)
    try:
        return _rfc(datetime.fromisoformat(text))
    except ValueError as error:
        raise usage_error(f"{option} {text}: expected 2h, 3d or 2030-01-31T12:00.") from error


def kind_of(api: Api, text: str) -> str:
    """The kind that somebody means by `clusters` or `cl`; what is no kind of the API stays."""
    if not text:
        return ""
    from kubecarrier.cli.kinds import Kinds

    known = (kind for kind in Kinds.fetch(api).all if text.lower() in kind.names)
    return next((kind.kind for kind in known), text)


def printer_of(form: str) -> Printer:
    """How records are written, as they come."""
    match form:
        case "json":
            return lambda records: _write("".join(f"{as_json(r, indent=None)}\n" for r in records))
        case "csv":
            return _Csv()
        case _:
            return _Rows(_WIDE if form == "wide" else _COLUMNS)


def show(api: Api, filters: dict[str, str], printer: Printer, *, limit: int, follow: bool) -> None:
    """Print what the filters leave, the newest last; then with `follow` what comes."""
    found = _records(api, filters, limit)
    if found or follow:
        printer(found)
    else:
        note("No entries found.")
    if follow:
        _follow(api, filters, printer, found)


def _records(api: Api, filters: dict[str, str], limit: int) -> list[Record]:
    return [_record(document) for document in reversed(api.items(_PATH, filters, limit))]


def _record(document: Document) -> Record:
    status = document.get("status")
    if not isinstance(status, dict):
        raise CliError("The server's entry has no status.", code="bad_answer")
    return status


def _follow(api: Api, filters: dict[str, str], printer: Printer, shown: list[Record]) -> None:
    """Ask again from a little before the last look: an entry is shown when it is there, once."""
    seen = {record.get("id") for record in shown}
    since = datetime.now(UTC) - _OVERLAP
    while True:
        time.sleep(_LOOK_SECONDS)
        asked = datetime.now(UTC)
        try:
            found = _records(api, {**filters, "since": _rfc(since)}, 0)
        except CliError as error:
            if not is_transient(error):
                raise
            note(f"warning: {error.message} Trying again.")
            continue
        fresh = [record for record in found if record.get("id") not in seen]
        printer(fresh)
        sys.stdout.flush()
        seen = {record.get("id") for record in found} | seen if fresh else seen
        since = asked - _OVERLAP


def _rfc(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _write(text: str) -> None:
    sys.stdout.write(text)


class _Rows:
    """A table; times are of this machine."""

    def __init__(self, columns: Sequence[str]) -> None:
        heads = {"at": "when", "actor": "who", "requestId": "request"}
        self._columns = columns
        self._table = Table([heads.get(column, column) for column in columns])

    def __call__(self, records: Sequence[Record]) -> None:
        if records:
            rows = [[_shown(record, column) for column in self._columns] for record in records]
            echo("\n".join(self._table.render(rows)))


def _shown(record: Record, column: str) -> str:
    value = record.get(column)
    if column == "at":
        try:
            return datetime.fromisoformat(str(value)).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        except ValueError:
            return cell(value)
    return cell(value) if value is not None else "-"


class _Csv:
    """Comma separated, with a header once; no cell begins like a formula."""

    def __init__(self) -> None:
        self._columns: list[str] = []

    def __call__(self, records: Sequence[Record]) -> None:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        if not self._columns:
            self._columns = [*_WIDE, "objectId", "changes"]
            writer.writerow(self._columns)
        for record in records:
            writer.writerow([_guarded(record.get(column)) for column in self._columns])
        _write(buffer.getvalue())


def _guarded(value: Any) -> str:
    """A spreadsheet runs what begins like a formula; an apostrophe makes it text."""
    text = "" if value is None else value if isinstance(value, str) else as_json(value, indent=None)
    return f"'{text}" if text.startswith(_FORMULA) else text
