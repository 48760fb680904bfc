"""`resource explain`: a field of a cluster's kind as text, as kubectl explain has it."""

from __future__ import annotations

import textwrap

from kubecarrier.cli.answers import Document

_WIDTH = 78


def described(found: Document) -> list[str]:
    """The field, and those directly below it with their descriptions."""
    field = _field(found)
    lines = _head(found, field)
    lines += ["DESCRIPTION:", *_wrapped(field.get("description") or "<none>", 4)]
    lines += _values(field)
    if fields := _fields(field):
        lines += ["", "FIELDS:"]
        for one in fields:
            lines += ["", f"  {_signature(one)}", *_wrapped(one.get("description") or "", 4)]
            lines += [f"    {line}" for line in _values(one) if line]
    return lines


def listed(found: Document) -> list[str]:
    """Names and types of everything below."""
    field = _field(found)
    return [*_head(found, field), "FIELDS:", *_tree(field, 1)]


def _head(found: Document, field: Document) -> list[str]:
    path = found.get("path") or []
    clusters = found.get("clusters") or []
    lines = [
        f"KIND:     {found.get('kind')}",
        f"VERSION:  {found.get('apiVersion')}",
        f"CLUSTERS: {', '.join(map(str, clusters))}",
    ]
    if path:
        lines.append(f"FIELD:    {'.'.join(map(str, path))} <{field.get('type')}>")
    return [*lines, ""]


def _tree(field: Document, depth: int) -> list[str]:
    lines = []
    for one in _fields(field):
        mark = " …" if one.get("more") else ""
        lines += [f"{'  ' * depth}{_signature(one)}{mark}", *_tree(one, depth + 1)]
    return lines


def _signature(field: Document) -> str:
    return f"{field.get('name')} <{field.get('type')}>" + (
        " -required-" if field.get("required") else ""
    )


def _values(field: Document) -> list[str]:
    lines = []
    if field.get("enum"):
        lines.append(f"ONE OF: {', '.join(map(str, field['enum']))}")
    if field.get("default") not in (None, {}, []):
        lines.append(f"DEFAULT: {field['default']}")
    return lines


def _field(found: Document) -> Document:
    field = found.get("field")
    return field if isinstance(field, dict) else {}


def _fields(field: Document) -> list[Document]:
    return [one for one in field.get("fields") or [] if isinstance(one, dict)]


def _wrapped(text: object, indent: int) -> list[str]:
    """Paragraphs of their own stay that."""
    blank = " " * indent
    lines: list[str] = []
    for paragraph in str(text).splitlines():
        lines += textwrap.wrap(paragraph, _WIDTH, initial_indent=blank, subsequent_indent=blank)
    return lines
