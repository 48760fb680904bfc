"""Tables in kubectl's manner: upper-case headers, three spaces, ages such as `2d3h`."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kubecarrier.cli.clean import one_line

_GAP = "   "
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


def age(moment: object, now: datetime | None = None) -> str:
    """The time since an RFC 3339 `moment`, as kubectl writes it; `<unknown>` if it is none."""
    try:
        then = datetime.fromisoformat(str(moment))
    except ValueError:
        return UNKNOWN
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return duration(int(((now or datetime.now(UTC)) - then).total_seconds()))


def duration(seconds: int) -> str:
    """Two units at most, the second only where it still matters (kubectl's HumanDuration)."""
    seconds = max(seconds, 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if days < 2:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 2 * 365:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d") if days < 8 * 365 else f"{days // 365}y"


def _two(first: int, unit: str, second: int, smaller: str) -> str:
    return f"{first}{unit}{second}{smaller}" if second else f"{first}{unit}"


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
