"""API tokens."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager
from knox.settings import CONSTANTS

from kubecarrier.lib.audit import GuardedQuerySet


# mypy cannot follow a manager made at run time.
class GuardedTokenManager(AuthTokenManager.from_queryset(GuardedQuerySet)):  # type: ignore[misc]
    """knox's, whose bulk writes must be named as unaudited."""


class ApiToken(AbstractAuthToken):  # type: ignore[misc]
    """A hashed token with a title; the token itself is shown once, at its making.

    Its key is an id of its own: knox would make the hash the key, and a key
    stands in addresses, documents and audit entries.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=100, default="token")
    scopes = models.JSONField(_("scopes"), default=list, blank=True)
    networks = models.JSONField(_("allowed networks"), default=list, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = GuardedTokenManager()

    last_used_at = models.DateTimeField(_("last used at"), null=True, editable=False)
    last_used_address = models.GenericIPAddressField(_("last used from"), null=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        indexes = [models.Index(fields=["-created", "-id"], name="apitoken_newest")]

    def __str__(self) -> str:
        return f"{self.title} ({self.token_key[:8]}…)"

    @property
    def created_at(self) -> Any:
        """The name that documents use."""
        return self.created
