"""Config conflicts: the inbox of changes that were made in a cluster."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.choices import ConflictCause, ConflictChoice
from fleet.models.config_copy import ConfigCopy
from fleet.models.config_item import ConfigItem
from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.crypto import SealedField


class ConfigConflict(models.Model):
    """A change somebody made in a cluster, waiting for a person's choice.

    `found` holds the changed keys with what was found, sealed JSON `{key:
    base64 | null}`, also for config maps: what is in the inbox may have been
    meant for another place. Only key names are readable.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey(ConfigItem, on_delete=models.CASCADE, related_name="conflicts")
    copy = models.ForeignKey(ConfigCopy, on_delete=models.CASCADE, related_name="conflicts")
    cause = models.CharField(_("cause"), max_length=11, choices=ConflictCause.choices)
    keys = models.JSONField(_("keys"), default=list)
    found = SealedField()
    author_name = models.CharField(_("changed by"), max_length=200, blank=True)
    resource_version = models.CharField(max_length=40, blank=True)
    changed_at = models.DateTimeField(_("changed at"), null=True)
    created_at = models.DateTimeField(_("found at"), auto_now_add=True, db_index=True)
    open = models.BooleanField(_("open"), default=True, db_index=True)
    choice = models.CharField(
        _("decision"), max_length=6, choices=ConflictChoice.choices, blank=True
    )
    resolved_at = models.DateTimeField(_("decided at"), null=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        verbose_name = _("config conflict")
        verbose_name_plural = _("config conflicts")
        ordering = ["-created_at"]
        constraints = [
            # One waits per object at a time; what lost a race is over and may be there often.
            models.UniqueConstraint(
                fields=["copy"],
                condition=models.Q(open=True, cause=ConflictCause.WAITING.value),
                name="configconflict_waits_once",
            )
        ]

    def __str__(self) -> str:
        return ", ".join(self.keys[:5])
