"""What a person sees while a command waits: a live table on a terminal, else plain lines.

It goes to stderr, so that `-o json` keeps stdout for itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from kubecarrier.cli.clean import one_line
from kubecarrier.cli.output import note


@dataclass(frozen=True, slots=True)
class Target:
    """One target (a release, a cluster) and how far it is."""

    name: str
    status: str
    message: str = ""


class Progress(Protocol):
    """Shows the present state; called again with every look."""

    def show(self, title: str, targets: Sequence[Target]) -> None:
        """Replace what is shown."""


class PlainProgress:
    """A line for each target when it changes: for logs and pipes."""

    def __init__(self) -> None:
        self._last: dict[str, Target] = {}
        self._title = ""

    def show(self, title: str, targets: Sequence[Target]) -> None:
        """Print what is new since the last call."""
        if title != self._title and not targets:
            note(one_line(title))
        self._title = title
        for target in targets:
            if self._last.get(target.name) != target:
                self._last[target.name] = target
                tail = f": {target.message}" if target.message else ""
                note(one_line(f"{target.name} {target.status}{tail}"))


class LiveProgress:
    """A table that is drawn over itself."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def show(self, title: str, targets: Sequence[Target]) -> None:
        """Draw it anew."""
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 3))
        grid.add_row(Text(one_line(title), style="bold"))
        for target in targets:
            cells = (target.name, target.status, target.message)
            grid.add_row(*(Text(one_line(cell)) for cell in cells))
        self._live.update(grid, refresh=True)


@contextmanager
def progress() -> Iterator[Progress]:
    """The form that suits stderr; rich itself obeys NO_COLOR."""
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield LiveProgress(live)
