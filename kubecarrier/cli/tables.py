"""Tables in kubectl's manner: upper-case headers, three spaces, ages such as `2d3h`."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kubecarrier.cli.clean import one_line

_GAP = "   "
_DAY = 86400
_YEAR = 365 * _DAY
NONE = "<none>"
UNKNOWN = "<unknown>"
Row = Sequence[str]


class Table:
    """Prints rows as they come; columns grow, and keep their width for later rows."""

    def __init__(self, headers: Row) -> None:
        self._headers = [header.upper() for header in headers]
        self._widths = [width_of(header) for header in self._headers]
        self._started = False

    def render(self, rows: Sequence[Row]) -> list[str]:
        """The lines of `rows`, under the headers the first time."""
        cells = [[one_line(cell) for cell in row] for row in rows]
        for row in cells:
            self._widths = [max(w, width_of(c)) for w, c in zip(self._widths, row, strict=True)]
        lines = [] if self._started else [self._line(self._headers)]
        self._started = True
        return lines + [self._line(row) for row in cells]

    def _line(self, row: Row) -> str:
        padded = [c + " " * (w - width_of(c)) for c, w in zip(row, self._widths, strict=True)]
        return _GAP.join(padded).rstrip()


def table(headers: Row, rows: Sequence[Row]) -> str:
    """A whole table as text."""
    return "\n".join(Table(headers).render(rows))


def width_of(text: str) -> int:
    """Terminal columns: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


# Clocks differ: what was made a moment ago on the server's is not yet to come.
_SKEW = 60


def age(moment: object, now: datetime | None = None) -> str:
    """The time since an RFC 3339 `moment`, as kubectl writes it; `<unknown>` if it is none."""
    try:
        then = datetime.fromisoformat(str(moment))
    except ValueError:
        return UNKNOWN
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    passed = int(((now or datetime.now(UTC)) - then).total_seconds())
    return duration(passed) if passed > -_SKEW else f"in {duration(-passed)}"


# Up to how many seconds, the unit, its seconds, and the smaller unit still shown:
# the steps of kubectl's HumanDuration.
_AGES: tuple[tuple[int, str, int, str, int], ...] = (
    (120, "s", 1, "", 0),
    (600, "m", 60, "s", 1),
    (3 * 3600, "m", 60, "", 0),
    (8 * 3600, "h", 3600, "m", 60),
    (2 * _DAY, "h", 3600, "", 0),
    (8 * _DAY, "d", _DAY, "h", 3600),
    (2 * _YEAR, "d", _DAY, "", 0),
    (8 * _YEAR, "y", _YEAR, "d", _DAY),
)


def duration(seconds: int) -> str:
    """Two units at most, the smaller only where it still matters: `5m`, `2d3h`."""
    seconds = max(seconds, 0)
    for below, unit, size, smaller, part in _AGES:
        if seconds < below:
            rest = seconds % size // part if part else 0
            return f"{seconds // size}{unit}{f'{rest}{smaller}' if rest else ''}"
    return f"{seconds // _YEAR}y"


def at_path(document: Any, path: str) -> Any:
    """The value at a dotted path; None where it ends. A key may hold dots itself."""
    if path == "":
        return document
    if not isinstance(document, dict):
        return None
    head, _, rest = path.partition(".")
    while True:
        if head in document:
            return at_path(document[head], rest)
        if not rest:
            return None
        more, _, rest = rest.partition(".")
        head = f"{head}.{more}"


def cell(value: Any, kind: str = "string") -> str:
    """A value as a table's cell; `kind` is the column's type in the API."""
    if kind == "date":
        return NONE if value is None else age(value)
    if value is None or value in ("", [], {}):
        return UNKNOWN if kind == "ready" else NONE
    if isinstance(value, bool):
        return str(value).lower() if kind != "ready" else str(value)
    if isinstance(value, list):
        return ",".join(cell(item) for item in value)
    if isinstance(value, dict):
        return ",".join(f"{key}={cell(item)}" for key, item in value.items())
    return str(value)
