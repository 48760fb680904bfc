"""A preview as text: one unified diff for each group of clusters that change alike."""

from __future__ import annotations

import sys
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.clean import clean
from kubecarrier.cli.errors import CliError, ExitCode
from kubecarrier.cli.output import Format, note, use_colour, write_data

_RESET = "\x1b[0m"
_COLOURS = {"+++": "\x1b[1m", "---": "\x1b[1m", "@@": "\x1b[36m", "+": "\x1b[32m", "-": "\x1b[31m"}


def has_difference(preview: Document) -> bool:
    """Whether anything would change anywhere."""
    return any(_changes(group) for group in groups_of(preview))


def groups_of(preview: Document) -> list[Document]:
    """The groups of the answer."""
    groups = preview.get("groups")
    return [g for g in groups if isinstance(g, dict)] if isinstance(groups, list) else []


def rendered(preview: Document, *, colour: bool) -> str:
    """The groups that change, each under the names of its clusters. Safe for a terminal."""
    parts = []
    for group in groups_of(preview):
        if _changes(group):
            parts += [_header(group), coloured(str(group.get("diff") or ""), colour)]
    return "\n".join(part.rstrip("\n") for part in parts)


def show(preview: Document, form: Format) -> bool:
    """Print a preview, and return whether it differs; raises CliError where a cluster gave none.

    What a cluster would not say is never "no difference".
    """
    failed = [group for group in groups_of(preview) if group.get("error")]
    differs = has_difference(preview)
    if not form.is_table:
        write_data(preview, form)
    elif differs:
        sys.stdout.write(rendered(preview, colour=use_colour()) + "\n")
    elif not failed:
        note("No difference.")
    sys.stdout.flush()
    if failed:
        raise CliError(
            "There is no preview of " + "; ".join(_failure(group) for group in failed),
            code="preview_incomplete", exit_code=ExitCode.USAGE,
            hint="What is printed above is of the other clusters alone." if differs else None,
        )  # fmt: skip
    return differs


def _failure(group: Document) -> str:
    clusters = ", ".join(str(name) for name in group.get("clusters") or [])
    error = group["error"] if isinstance(group["error"], dict) else {}
    return clean(f"{clusters}: {error.get('message') or error.get('code') or 'unknown error'}")


def _changes(group: Document) -> bool:
    return bool(group.get("diff")) or any(_count(value) for value in _summary(group).values())


def _header(group: Document) -> str:
    clusters = [str(name) for name in group.get("clusters") or []]
    counts = ", ".join(f"{_count(value)} {key}" for key, value in _summary(group).items())
    return clean(f"# {', '.join(clusters)} ({len(clusters)}): {counts or 'changed'}")


def _summary(group: Document) -> Document:
    summary = group.get("summary")
    return summary if isinstance(summary, dict) else {}


def _count(value: Any) -> int:
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) else 0


def coloured(diff: str, colour: bool) -> str:
    """A unified diff, cleaned and then coloured."""
    return "\n".join(_line(line, colour) for line in clean(diff).splitlines())


def _line(line: str, colour: bool) -> str:
    start = next((code for mark, code in _COLOURS.items() if line.startswith(mark)), "")
    return f"{start}{line}{_RESET}" if colour and start else line
