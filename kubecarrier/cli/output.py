"""Where text leaves the program: stdout for results, stderr for everything else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.clean import clean, escape_unsafe, one_line
from kubecarrier.cli.errors import CliError


class Format(StrEnum):
    """The forms of `-o`."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"

    @property
    def is_table(self) -> bool:
        """Whether people read it."""
        return self in (Format.TABLE, Format.WIDE)


def echo(text: str = "") -> None:
    """A line (or several) to stdout, safe for a terminal."""
    sys.stdout.write(clean(text) + "\n")


def note(text: str) -> None:
    """A line to stderr, safe for a terminal."""
    sys.stdout.flush()
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def as_json(value: Any, indent: int | None = 4) -> str:
    """JSON without loss: control characters are escaped, not removed."""
    return escape_unsafe(json.dumps(value, indent=indent, ensure_ascii=False))


def as_yaml(value: Any) -> str:
    """YAML without loss, ending with a newline."""
    from kubecarrier.cli import yamlio

    return yamlio.dump(value)


def write_data(value: Any, form: Format) -> None:
    """`value` as JSON or YAML to stdout."""
    sys.stdout.write(as_json(value) + "\n" if form is Format.JSON else as_yaml(value))


def list_of(items: Sequence[Document]) -> Document:
    """Several documents as one, in kubectl's form."""
    return {"apiVersion": "kubecarrier.io/v1", "kind": "List", "metadata": {}, "items": list(items)}


def name_of(document: Document) -> str:
    """The name in the document's metadata; empty if it has none."""
    meta = document.get("metadata")
    return str(meta.get("name") or "") if isinstance(meta, dict) else ""


def result_line(kind: str, name: str, verb: str, *, dry_run: bool = False) -> str:
    """`application/web configured`, as kubectl says it."""
    suffix = " (server dry run)" if dry_run else ""
    return one_line(f"{kind.lower()}/{name} {verb}{suffix}")


def report(error: CliError) -> None:
    """An error to stderr: message and code, then field, hint and request id."""
    note(f"error: {one_line(error.message)} ({one_line(error.code)})")
    for label, value in (
        ("field", error.field),
        ("hint", error.hint),
        ("request id", error.request_id),
    ):
        if value:
            note(f"  {label}: {one_line(value)}")
    for line in _details(error.data):
        note(f"  {line}")


def _details(data: Document) -> list[str]:
    """The difference of a failed precondition, the further problems of a bad document."""
    lines = []
    difference = data.get("difference")
    if isinstance(difference, str):
        lines += difference.splitlines()
    elif isinstance(difference, list):
        lines += [_difference(item) for item in difference if isinstance(item, dict)]
    problems = data.get("problems")
    if isinstance(problems, list) and len(problems) > 1:
        lines += [f"{p.get('field')}: {p.get('message')}" for p in problems if isinstance(p, dict)]
    return lines


def _difference(item: Document) -> str:
    yours, theirs = (json.dumps(item.get(key), ensure_ascii=False) for key in ("yours", "theirs"))
    return f"{item.get('path')}: yours {yours}, theirs {theirs}"


def use_colour() -> bool:
    """Colours only on a terminal, and never against NO_COLOR (https://no-color.org)."""
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
