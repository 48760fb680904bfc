"""The record of what was done."""

from __future__ import annotations

from typing import Any, NoReturn

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib import audit, whereabouts
from kubecarrier.lib.audit import Channel, Outcome, UnauditedWriteError
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.spec import SpecModel

#: Through these a person acts, who can be asked for a reason.
_PERSONAL = frozenset({Channel.CONSOLE, Channel.API, Channel.CLI})


class EntryQuerySet(models.QuerySet["AuditEntry"]):
    """Entries are written one by one and never changed; the database's triggers say so too."""

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnauditedWriteError("Audit entries are never changed; prune removes old ones.")

    update = _refuse
    delete = _refuse
    bulk_update = _refuse
    bulk_create = _refuse


# mypy cannot follow a manager made at run time.
class EntryManager(LogEntryManager.from_queryset(EntryQuerySet)):  # type: ignore[misc]
    """auditlog's manager over a queryset that only reads; keeps the row that an entry is about."""

    def create(self, *, about: models.Model | None = None, **columns: Any) -> AuditEntry:
        entry = AuditEntry(**columns)
        entry.about = about
        entry.save(force_insert=True, using=self.db)
        return entry

    def log_create(self, instance: models.Model, force_log: bool = False, **columns: Any) -> Any:
        return super().log_create(instance, force_log, about=instance, **columns)

    def log_m2m_changes(
        self, changed_queryset: Any, instance: Any, operation: str, field_name: str, **columns: Any
    ) -> Any:
        return super().log_m2m_changes(
            changed_queryset, instance, operation, field_name, about=instance, **columns
        )


class AuditEntry(AbstractLogEntry):  # type: ignore[misc]
    """One change of one object, or one event: who, through what, why, before and after.

    `save` takes the acting context (kubecarrier.lib.audit) at the moment of
    writing, in the same transaction as the change: if it cannot be written,
    the change is refused. Names are kept beside the keys, and the keys are no
    constraints: an entry outlives whom and what it tells of, unchanged.
    """

    content_type = models.ForeignKey(
        ContentType, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("actor"),
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,  # `audit_own` begins with it
        related_name="+",
    )
    actor_name = models.CharField(_("who"), max_length=150, blank=True)
    kind = models.CharField(_("kind"), max_length=60, blank=True)
    cluster = models.CharField(_("cluster"), max_length=253, blank=True)
    cluster_uid = models.UUIDField(null=True)
    project = models.CharField(_("project"), max_length=253, blank=True)
    project_uid = models.UUIDField(null=True)
    namespace = models.CharField(_("namespace"), max_length=253, blank=True, default="")
    channel = models.CharField(_("channel"), max_length=12, db_index=True)
    request_id = models.CharField(_("request id"), max_length=64, blank=True, db_index=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    event = models.CharField(_("event"), max_length=40, blank=True)
    result = models.CharField(_("result"), max_length=8, default=Outcome.OK.value)

    #: The row it tells of, where the writer has it at hand.
    about: models.Model | None = None
    #: Where the act was, for something inside that row.
    place: whereabouts.Place | None = None
    #: Whether who asked may read all of it (`accounts.trail.history`).
    whole: bool = True

    objects = EntryManager()

    class Meta(AbstractLogEntry.Meta):  # type: ignore[misc]
        abstract = False
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["content_type", "object_pk", "-timestamp"]),
            models.Index(fields=["-timestamp", "-id"], name="audit_when"),
            models.Index(fields=["actor_name", "-timestamp"], name="audit_who"),
            models.Index(fields=["kind", "object_repr", "-timestamp"], name="audit_what"),
            models.Index(fields=["cluster", "-timestamp"], name="audit_cluster"),
            models.Index(fields=["project", "-timestamp"], name="audit_project"),
            # Whoever may see the entries of a scope only: by key, since names change hands.
            models.Index(fields=["cluster_uid", "-timestamp", "-id"], name="audit_in_cluster"),
            models.Index(fields=["project_uid", "-timestamp", "-id"], name="audit_in_project"),
            models.Index(fields=["actor", "-timestamp", "-id"], name="audit_own"),
            models.Index(fields=["event", "-timestamp"], name="audit_event"),
            models.Index(fields=["result", "-timestamp"], name="audit_result"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise UnauditedWriteError("Audit entries are never changed.")
        self._take_actor(audit.current())
        self._take_place()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnauditedWriteError("Audit entries are never deleted; prune removes old ones.")

    @property
    def did(self) -> str:
        """`created`, `changed`, `deleted`, or the event's name."""
        return self.event or {0: "created", 1: "changed", 2: "deleted"}.get(self.action, "opened")

    @property
    def created_at(self) -> Any:
        """The name that every other kind has for it."""
        return self.timestamp

    def _take_actor(self, context: audit.AuditContext) -> None:
        """The acting person; a reconciler acts for whoever asked for what it works on."""
        actor = context.actor()
        cause = None if getattr(actor, "pk", None) else context.cause()
        if cause is not None:
            actor = cause.actor
        if self.actor_id is None and getattr(actor, "pk", None):
            self.actor, self.actor_email = actor, actor.email
        if self.actor is not None:
            self.actor_name = self.actor.get_username()
        self.channel = context.channel
        self.request_id = (getattr(cause, "request_id", "") or context.request_id)[:64]
        self.reason = (context.reason or getattr(cause, "reason", ""))[:500]
        self.remote_addr = context.address

    def _take_place(self) -> None:
        row = self.about
        found = whereabouts.place_of(row) if row is not None else whereabouts.NOWHERE
        place = self.place or found
        self.kind = str(row._meta.object_name) if row is not None else self._kind_of_type()
        self.object_repr = str(self.object_repr)[:200]  # type: ignore[has-type]  # auditlog's
        self.cluster, self.cluster_uid = place.cluster[:253], place.cluster_id
        self.project, self.project_uid = place.project[:253], place.project_id
        self.namespace = place.namespace[:253]
        given = self.reason and not audit.current().worded
        if self._needs_reason(row, place) and not given:
            raise InvalidError(
                "reason_required",
                "A reason is asked for here.",
                field="reason",
                hint="Give one: --reason, X-KubeCarrier-Reason, or the field “Reason”.",
            )

    def _needs_reason(self, row: Any, place: whereabouts.Place) -> bool:
        """What the project demands, or the platform for whatever people name and edit."""
        everywhere = settings.KUBECARRIER_REQUIRE_REASON and isinstance(row, SpecModel)
        change = self.action != self.Action.ACCESS
        act = self.place is not None and self.result == Outcome.OK
        wanted = (place.asks_reason and (change or act)) or (everywhere and change)
        return wanted and self.channel in _PERSONAL

    def _kind_of_type(self) -> str:
        model = self.content_type.model_class()
        return model.__name__ if model else ""
