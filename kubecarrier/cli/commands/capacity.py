"""capacity: where is room, and what wastes most?"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kubecarrier.cli import options
from kubecarrier.cli.answers import Document
from kubecarrier.cli.options import OnCluster, Output, Project
from kubecarrier.cli.output import Format, echo, note, write_data
from kubecarrier.cli.session import connect
from kubecarrier.cli.tables import NONE, UNKNOWN, table


class By(StrEnum):
    """What a line is of."""

    CLUSTER = "cluster"
    NAMESPACE = "namespace"
    PROJECT = "project"


class Order(StrEnum):
    """Which resource decides what comes first."""

    CPU = "cpu"
    MEMORY = "memory"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(capacity)


def capacity(
    ctx: typer.Context,
    *,
    fits: Annotated[
        str, typer.Option(help="Only what has room for this: cpu=40,memory=64Gi.")
    ] = "",
    by: Annotated[By, typer.Option(help="Per cluster, namespace or project.")] = By.CLUSTER,
    order: Annotated[Order, typer.Option(help="Which resource decides the order.")] = Order.CPU,
    cluster: OnCluster = "",
    project: Project = "",
    limit: options.Limit = 0,
    output: Output = Format.TABLE,
) -> None:
    """Print requested, used, offered and allowed: over- and under-used first.

    With --fits, where there is room, the most first. What is not known is `<unknown>`, never 0.
    """
    params = {
        "by": by.value, "order": order.value, "fits": fits, "cluster": cluster, "project": project,
        "limit": str(limit) if limit else "",
    }  # fmt: skip
    found = connect(ctx).get("capacity", {key: text for key, text in params.items() if text})
    items = found.get("items") or []
    if not output.is_table:
        write_data(found, output)
        return
    if items:
        headers, rows = _rows(by, items, fits=bool(fits))
        echo(table(headers, rows))
    else:
        note("No resources found.")
    if unknown := found.get("unknown"):
        note(f"Not known of: {', '.join(map(str, unknown))}.")


def _rows(by: By, items: list[Document], *, fits: bool) -> tuple[list[str], list[list[str]]]:
    first = ["Cluster", "Namespace", "Project"] if by is By.NAMESPACE else [by.value]
    of = ["quota", "free"] if by is not By.CLUSTER else ["allocatable", "free", "block"]
    headers = [*first]
    for name in ("CPU", "MEM"):
        headers += [f"{name}-req", f"{name}-used", *(f"{name}-{_SHORT[key]}" for key in of)]
    headers += ["Nodes"] if fits and by is By.CLUSTER else ["Standing"]
    rows = []
    for item in items:
        cells = _first(by, item)
        for name, written in (("cpu", _cores), ("memory", _bytes)):
            part = item.get(name) or {}
            cells += [written(part.get(key), UNKNOWN) for key in ("requested", "used")]
            cells += [written(part.get(key), NONE) for key in of]
        last = item.get("nodes") if fits and by is By.CLUSTER else item.get("standing")
        rows.append([*cells, str(last)])
    return headers, rows


_SHORT = {"allocatable": "alloc", "quota": "quota", "free": "free", "block": "block"}


def _first(by: By, item: Document) -> list[str]:
    if by is not By.NAMESPACE:
        return [str(item.get("name"))]
    return [str(item.get("cluster")), str(item.get("name")), str(item.get("project") or NONE)]


def _cores(value: object, missing: str) -> str:
    """Millicores as cores."""
    return f"{value / 1000:g}" if isinstance(value, int) else missing


def _bytes(value: object, missing: str) -> str:
    """Bytes with one digit after the point at most."""
    if not isinstance(value, int):
        return missing
    for suffix, size in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if abs(value) >= size:
            return f"{round(value / size, 1):g}{suffix}"
    return str(value)
