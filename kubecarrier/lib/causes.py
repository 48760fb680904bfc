"""Who caused what a reconciler does: the person of the operation or of the last change.

A task carries no name. When its pass writes an audited row, the writer asks
here, so that nothing is looked up for the passes that change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.db import models

from kubecarrier.lib import audit


@dataclass(frozen=True, slots=True)
class Cause:
    """A person's request: its actor, and what ties it to the request's other entries."""

    actor: Any
    request_id: str = ""
    reason: str = ""


Finder = Callable[[type[models.Model], Any], Cause | None]
_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """`finder(model, pk)` answers the cause of the latest work on that row, or None."""
    _finders.append(finder)


def cause_of(model: type[models.Model], pk: Any) -> Cause | None:
    """The first cause that a finder knows; the app that was loaded last is asked first."""
    return next((cause for find in reversed(_finders) if (cause := find(model, pk))), None)


@contextmanager
def acting_for(model: type[models.Model], pk: Any) -> Iterator[None]:
    """What is audited inside is the work on that row, for whoever asked for it."""
    with audit.acting(replace(audit.current(), cause=lambda: cause_of(model, pk))):
        yield
