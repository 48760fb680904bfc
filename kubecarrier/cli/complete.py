"""Completion of kinds and names from the server: quick, and silent when it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from kubecarrier.cli.session import connection, globals_of

if TYPE_CHECKING:
    from kubecarrier.cli.api import Api

_SECONDS = 2.0
_MOST = 200

Completer = Callable[[typer.Context, str], list[str]]


def names_of(plural: str) -> Completer:
    """Completes the names of one kind."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        return _quietly(lambda: _names(ctx, plural, incomplete))

    return complete


def kinds(ctx: typer.Context, incomplete: str) -> list[str]:
    """Completes the plural of a kind."""
    return _quietly(lambda: _kinds(ctx, incomplete))


def names_of_kind(ctx: typer.Context, incomplete: str) -> list[str]:
    """Completes names of the kind that stands before them on the line."""
    return _quietly(lambda: _names_of_kind(ctx, incomplete))


def _kinds(ctx: typer.Context, incomplete: str) -> list[str]:
    from kubecarrier.cli.kinds import Kinds

    found = [kind.plural for kind in Kinds.fetch(_api(ctx)).all]
    return [plural for plural in found if plural.startswith(incomplete)]


def _names(ctx: typer.Context, plural: str, incomplete: str) -> list[str]:
    from kubecarrier.cli.output import name_of

    items = _api(ctx).items(plural, {"fields": "metadata.name", "search": incomplete}, _MOST)
    return [name_of(item) for item in items if name_of(item).startswith(incomplete)]


def _names_of_kind(ctx: typer.Context, incomplete: str) -> list[str]:
    from kubecarrier.cli.kinds import Kinds

    kind = Kinds.fetch(_api(ctx)).find(str(ctx.params.get("kind")))
    return _names(ctx, kind.plural, incomplete)


def _api(ctx: typer.Context) -> Api:
    from kubecarrier.cli.api import Api

    return Api(replace(connection(globals_of(ctx)), timeout=_SECONDS))


def _quietly(found: Callable[[], list[str]]) -> list[str]:
    # A shell shows whatever a completion prints in the middle of the line.
    try:
        return found()
    except Exception:  # noqa: BLE001
        return []
