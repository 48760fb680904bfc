"""Service accounts: whom a machine logs in as."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.spec import NAME_MAX_LENGTH, name_validators


class ServiceAccount(models.Model):
    """A user without a password: it has tokens, and never a session.

    `project` is the name of the project that owns it; empty: the platform. `project_uid` is its
    key: whoever makes another project of that name gets none of its machines.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        _("name"), max_length=NAME_MAX_LENGTH, unique=True, validators=name_validators
    )
    labels = models.JSONField(_("labels"), default=dict, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=2000)
    project = models.CharField(_("project"), max_length=NAME_MAX_LENGTH, blank=True, db_index=True)
    project_uid = models.UUIDField(null=True, editable=False, db_index=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="service_account"
    )
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        verbose_name = _("service account")
        verbose_name_plural = _("service accounts")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
