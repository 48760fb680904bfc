"""One error hierarchy for the whole portal, so that each edge needs one renderer.

A door, a service or a query raises a `KubeCarrierError` (or a subclass of its
own module); the API, the admin, the CLI and conditions each render it in one
place. `code` is stable and machine-readable; `message` is a sentence for a
person and never holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar


class KubeCarrierError(Exception):
    """An error with a stable code, a message for a person, and data.

    `field` is a dotted path into the document the caller sent (`spec.server`),
    `hint` says what to do next, `data` is JSON-serialisable detail.
    `http_status` is what an HTTP edge answers.
    """

    http_status: ClassVar[int] = 400

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        hint: str | None = None,
        **data: Any,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.hint = hint
        self.data = data

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code}: {self.message})"


@contextmanager
def at_field(field: str) -> Iterator[None]:
    """Errors from inside that name no field name this one: a parser does not know what it reads."""
    try:
        yield
    except KubeCarrierError as error:
        error.field = error.field or field
        raise


class InvalidError(KubeCarrierError):
    """What the caller sent is wrong; sending it again does not help."""


class NotFoundError(KubeCarrierError):
    """Not there, or not for this caller: the two must look the same."""

    http_status = 404


class DeniedError(KubeCarrierError):
    """The caller may see the object but not do this with it."""

    http_status = 403


class ConflictError(KubeCarrierError):
    """The object's present state forbids the request."""

    http_status = 409


class PreconditionError(KubeCarrierError):
    """The object changed since the caller read it (If-Match)."""

    http_status = 412


class TransientError(KubeCarrierError):
    """Something outside failed in a way that a later try may cure."""

    http_status = 503


class TerminalError(KubeCarrierError):
    """Something outside refused for good: only a person can help."""

    http_status = 422
