"""The record of what was done."""

from __future__ import annotations

from typing import Any

from auditlog.models import AbstractLogEntry
from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib import audit


class AuditEntry(AbstractLogEntry):  # type: ignore[misc]
    """One change of one object, or one event: who, through what, why, before and after.

    `save` takes the acting context (kubecarrier.lib.audit) at the moment of
    writing, in the same transaction as the change: if it cannot be written,
    the change is refused.
    """

    channel = models.CharField(_("channel"), max_length=12, db_index=True)
    request_id = models.CharField(_("request id"), max_length=64, blank=True, db_index=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    event = models.CharField(_("event"), max_length=40, blank=True)

    class Meta(AbstractLogEntry.Meta):  # type: ignore[misc]
        abstract = False
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [models.Index(fields=["content_type", "object_pk", "-timestamp"])]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            context = audit.current()
            actor = context.actor()
            if self.actor_id is None and getattr(actor, "pk", None):
                self.actor, self.actor_email = actor, actor.email
            self.channel = context.channel
            self.request_id = context.request_id[:64]
            self.reason = context.reason[:500]
            self.remote_addr = context.address
        super().save(*args, **kwargs)
