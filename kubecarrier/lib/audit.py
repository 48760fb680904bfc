"""The one wrapper around django-auditlog: who did it, through what, and why.

auditlog's own context leaks receivers when nested and reads the user before
DRF has authenticated; ours is one context variable with a lazy actor, read
when the entry is written (`accounts.models.AuditEntry.save`).

`GuardedQuerySet` refuses the writes that auditlog cannot see (`update`,
`bulk_*`): status columns go through `status_update`, and everything else
needs `unaudited(reason)`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from auditlog import get_logentry_model
from django.db import models

if TYPE_CHECKING:
    from kubecarrier.lib.whereabouts import Place

M = TypeVar("M", bound=models.Model)


class Channel(StrEnum):
    """The way by which a change came in."""

    CONSOLE = "console"
    API = "api"
    CLI = "cli"
    COMMAND = "command"
    GIT = "git"
    RECONCILER = "reconciler"


class Outcome(StrEnum):
    """What became of an act."""

    OK = "ok"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Denial:
    """An act that was refused: the permission it needs, and on what (None: the platform).

    `find` answers a row that is looked for only after the answer was sent, because
    what is out of scope must not take longer than what does not exist.
    """

    permission: str
    row: models.Model | None = None
    find: Callable[[], models.Model | None] | None = None


@dataclass(frozen=True, slots=True)
class AuditContext:
    """Who is acting. `actor` is lazy: DRF authenticates after the middleware ran."""

    channel: Channel
    actor: Callable[[], Any] = lambda: None
    request_id: str = ""
    reason: str = ""
    #: The reason is the portal's own words: it is kept, and answers nobody who asks for one.
    worded: bool = False
    address: str | None = None
    #: For a reconciler: who asked for what it works on (`kubecarrier.lib.causes`), when asked.
    cause: Callable[[], Any] = lambda: None
    #: What was refused meanwhile; the edge writes it once the refusal's transaction is over.
    denials: list[Denial] = field(default_factory=list)


_context: ContextVar[AuditContext | None] = ContextVar("kubecarrier_audit", default=None)
_unaudited: ContextVar[str | None] = ContextVar("kubecarrier_unaudited", default=None)


def current() -> AuditContext:
    """The acting context; outside of any, a management command acts."""
    return _context.get() or AuditContext(Channel.COMMAND)


@contextmanager
def acting(context: AuditContext) -> Iterator[AuditContext]:
    """Every change inside is recorded as `context`'s; the outer one returns after."""
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)


@contextmanager
def because(reason: str) -> Iterator[None]:
    """The same actor, with a reason for what is inside."""
    with acting(replace(current(), reason=reason, worded=False)):
        yield


@contextmanager
def worded(reason: str) -> Iterator[None]:
    """What is inside is explained by these words, where the person gave no reason."""
    if current().reason:
        yield
        return
    with acting(replace(current(), reason=reason[:500], worded=True)):
        yield


@contextmanager
def unaudited(reason: str) -> Iterator[None]:
    """Allow bulk writes on guarded models inside; `reason` is for the reader of the code."""
    token = _unaudited.set(reason)
    try:
        yield
    finally:
        _unaudited.reset(token)


def named_unaudited() -> bool:
    """Whether a bulk write is allowed here, by `unaudited`."""
    return _unaudited.get() is not None


def as_actor(user: Any) -> AbstractContextManager[AuditContext]:
    """The same request, acting as `user`: somebody who is just logging in."""
    return acting(replace(current(), actor=lambda: user))


def denied(permission: str, row: Any = None) -> None:
    """Note that the acting person was refused; asked several times, it is one act."""
    denials = current().denials
    row = row if isinstance(row, models.Model) else None
    if all((one.permission, one.row) != (permission, row) for one in denials):
        denials.append(Denial(permission, row))


def hidden(permission: str, find: Callable[[], models.Model | None]) -> None:
    """Note that something was answered as not existing; `find` tells later whether it does."""
    current().denials.append(Denial(permission, find=find))


def event(
    name: str,
    row: models.Model,
    *,
    said: str = "",
    changes: dict[str, Any] | None = None,
    result: Outcome = Outcome.OK,
    place: Place | None = None,
) -> None:
    """Something that changes no audited column, but has to be on record: a login, a refusal.

    `said` is for people, `changes` are pairs of before and after by field (of an
    object in a cluster, say); neither holds a secret. `place`: an act on something
    inside `row`, an object of a cluster; where it is, reasons may be asked for.
    """
    # Imported late: models import this module while the apps are still being loaded.
    from django.contrib.contenttypes.models import ContentType

    entries: Any = get_logentry_model()
    entry = entries(
        content_type=ContentType.objects.get_for_model(row),
        object_pk=str(row.pk),
        object_repr=str(row)[:200],
        action=entries.Action.ACCESS,
        event=name[:40],
        changes_text=said[:500],
        changes=changes,
        result=result.value,
    )
    entry.about, entry.place = row, place
    entry.save()


def new_request_id() -> str:
    """An id that ties one request's log lines, audit entries and tasks together."""
    return uuid.uuid4().hex


class UnauditedWriteError(RuntimeError):
    """A bulk write on a guarded model would have left no audit entry."""


class GuardedQuerySet(models.QuerySet[M]):
    """A queryset whose bulk writes must be named as unaudited."""

    def _guard(self, what: str) -> None:
        if not named_unaudited():
            raise UnauditedWriteError(f"{self.model.__name__}.{what} would leave no audit entry")

    def update(self, **kwargs: Any) -> int:
        self._guard("update")
        return super().update(**kwargs)

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[M]:
        self._guard("bulk_create")
        return super().bulk_create(*args, **kwargs)

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        self._guard("bulk_update")
        return super().bulk_update(*args, **kwargs)

    def status_update(self, **columns: Any) -> int:
        """A conditional UPDATE of status columns, which are not audited."""
        allowed: frozenset[str] = self.model.all_status_columns()  # type: ignore[attr-defined]
        spec = set(columns) - allowed
        if spec:
            raise UnauditedWriteError(f"{self.model.__name__}: {sorted(spec)} are not status")
        return super().update(**columns)

    def visible_to(self, user: Any) -> GuardedQuerySet[M]:
        """The rows `user` may see, by the rights he holds (`kubecarrier.lib.access`)."""
        # Imported late: the question needs this module for who acts.
        from kubecarrier.lib import access

        return access.visible(self, user)  # type: ignore[return-value]


_Manager = models.Manager.from_queryset(GuardedQuerySet)


class GuardedManager(_Manager[M]):
    """The manager of every audited model."""


def may_operate(user: Any) -> bool:
    """Whether `user` may use the portal at all: somebody known and active.

    What he finds there is what he holds rights on: without any, nothing.
    """
    return bool(user and user.is_authenticated and user.is_active)


#: A colon is in no person's name: the form of people's names does not allow it.
MACHINE_PREFIX = "sa:"


def is_machine(user: Any) -> bool:
    """Whether this is the user of a service account: it has tokens and never a session."""
    return str(getattr(user, "username", "")).startswith(MACHINE_PREFIX)
