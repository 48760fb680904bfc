"""How long the audit is kept."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.spec import NAME_MAX_LENGTH, name_validators


class AuditPolicy(models.Model):
    """A time for which entries are kept, and why. Of several the longest counts: none shortens another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        _("name"), max_length=NAME_MAX_LENGTH, unique=True, validators=name_validators
    )
    labels = models.JSONField(_("labels"), default=dict, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=2000)
    retention_days = models.PositiveIntegerField(
        _("kept for (days)"), help_text=_("0 keeps everything.")
    )
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    #: What holds with all of them together, where a page of rows was asked for.
    effective: int | None = None

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        verbose_name = _("audit policy")
        verbose_name_plural = _("audit policies")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
