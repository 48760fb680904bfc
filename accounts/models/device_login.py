"""Logins by device code: a command line waits while a person says yes in a browser (RFC 8628)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class DeviceAnswer(models.TextChoices):
    """What the person said."""

    PENDING = "pending", _("Nobody answered yet")
    APPROVED = "approved", _("Let in")
    DENIED = "denied", _("Refused")


class DeviceLogin(models.Model):
    """One login that waits. Both codes are stored as keyed hashes; collecting the token deletes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device_hash = models.CharField(max_length=64, unique=True, editable=False)
    user_hash = models.CharField(max_length=64, unique=True, editable=False)
    client = models.CharField(_("client"), max_length=100)
    address = models.GenericIPAddressField(_("address"), null=True)
    scopes = models.JSONField(_("scopes"), default=list, blank=True)
    answer = models.CharField(
        max_length=8, choices=DeviceAnswer.choices, default=DeviceAnswer.PENDING
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    interval_seconds = models.PositiveIntegerField()
    polled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("waiting login")
        verbose_name_plural = _("waiting logins")

    def __str__(self) -> str:
        return self.client
