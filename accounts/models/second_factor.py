"""A second factor of a local account: codes of an authenticator app, and recovery codes."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.crypto import SealedField


class SecondFactor(models.Model):
    """`confirmed_at` empty: begun, never used. `last_step` is the time step used last: no code twice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    secret = SealedField()
    recovery = models.JSONField(default=list, editable=False)  # keyed hashes
    last_step = models.BigIntegerField(default=0, editable=False)
    confirmed_at = models.DateTimeField(_("since"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    def __str__(self) -> str:
        return str(self.user)
