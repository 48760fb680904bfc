"""`resource get` and `describe`: one table for several clusters, or the objects as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.clusters import Result
from kubecarrier.cli.describing import described
from kubecarrier.cli.output import Format, echo, name_of, note, write_data
from kubecarrier.cli.resources import Kind
from kubecarrier.cli.tables import NONE, age, cell, table

Rows = tuple[list[Document], list[Document]]


def print_rows(results: Sequence[Result[Rows]], *, wide: bool, everywhere: bool) -> None:
    """Rows under their columns; clusters with the same columns stand in one table."""
    groups: dict[tuple[str, ...], list[list[str]]] = {}
    several = len(results) > 1
    for result in results:
        if result.value is None:
            continue
        columns, rows = result.value
        shown = [
            (position, str(column.get("name")))
            for position, column in enumerate(columns)
            if wide or not column.get("priority")
        ]
        spaces = everywhere and any(row["metadata"]["namespace"] for row in rows)
        before = ("Cluster",) * several + ("Namespace",) * spaces
        headers = (*before, *(name for _, name in shown))
        for row in rows:
            cells = [result.cluster] * several + [row["metadata"]["namespace"]] * spaces
            cells += [_cell(row["cells"], position) for position, _ in shown]
            groups.setdefault(headers, []).append(cells)
    if groups:
        echo("\n\n".join(table(headers, rows) for headers, rows in groups.items()))
    elif all(result.value is not None for result in results):
        note("No resources found.")


def _cell(cells: Any, position: int) -> str:
    value = cells[position] if position < len(cells) else None
    return str(value) if isinstance(value, str) and value else cell(value)


def print_objects(results: Sequence[Result[list[Document]]], form: Format, *, single: bool) -> None:
    """JSON or YAML: one object, a List, or a List for each of several clusters."""
    found = {result.cluster: result.value for result in results if result.value is not None}
    if not found:
        return
    if len(results) > 1:
        write_data({"clusters": {name: _list(items) for name, items in found.items()}}, form)
        return
    (items,) = found.values()
    write_data(items[0] if single and items else _list(items), form)


def _list(items: list[Document]) -> Document:
    return {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}


def print_names(results: Sequence[Result[tuple[Kind, list[str]]]]) -> None:
    """`deployment.apps/web`, after the cluster where there are several."""
    for result in results:
        if result.value is None:
            continue
        kind, names = result.value
        before = f"{result.cluster} " if len(results) > 1 else ""
        for name in names:
            echo(f"{before}{kind.shown}/{name}")


def described_object(obj: Document, events: list[Document], owners: Document) -> str:
    """Everything about an object, for people."""
    metadata = dict(obj.get("metadata") or {})
    rest = {k: v for k, v in obj.items() if k not in {"apiVersion", "kind", "metadata", "status"}}
    spec = rest.pop("spec", None)
    status = dict(obj.get("status") or {})
    for condition in status.get("conditions") or []:
        if isinstance(condition, dict) and condition.get("lastTransitionTime"):
            condition["lastTransitionAt"] = condition["lastTransitionTime"]
    metadata["name"] = name_of(obj)
    head = {"kind": obj.get("kind"), "metadata": metadata, "spec": spec or rest, "status": status}
    lines = [described(head)]
    tree = [f"{one['kind']}/{one['name']}" for one in owners.get("owners") or []]
    lines.append(f"Owned by: {', '.join(tree) or NONE}")
    lines += ["Owns:", *_tree(owners.get("dependents") or [], 1)]
    if not events:
        return "\n".join([*lines, f"Events: {NONE}"])
    rows = [
        [
            cell(one.get("type")),
            cell(one.get("reason")),
            age(one.get("lastAt")),
            cell(one.get("source")),
            cell(one.get("message")),
        ]
        for one in events
    ]
    text = table(("Type", "Reason", "Age", "From", "Message"), rows)
    return "\n".join([*lines, "Events:", *(f"  {line}" for line in text.splitlines())])


def _tree(entries: list[Document], depth: int) -> list[str]:
    lines = []
    for one in entries:
        lines.append(f"{'  ' * depth}{one.get('kind')}/{one.get('name')}")
        lines += _tree(one.get("dependents") or [], depth + 1)
    return lines or ([f"  {NONE}"] if depth == 1 else [])
