"""Who is logged in to the console, from where, since when."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.agents import short_agent
from accounts.models.identity import Identity


class LoginMethod(models.TextChoices):
    """How somebody came in."""

    PASSWORD = "password", _("password")
    LDAP = "ldap", _("LDAP")
    OIDC = "oidc", _("single sign-on")


class LoginSession(models.Model):
    """One browser. Ending it deletes the row and Django's session; a session without its row is none."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="login_sessions"
    )
    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.CASCADE, related_name="login_sessions"
    )
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    method = models.CharField(_("logged in by"), max_length=8, choices=LoginMethod.choices)
    # The provider's name of the session, by which it says that it is over.
    sid = models.CharField(max_length=255, blank=True, db_index=True, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True)
    agent = models.CharField(_("browser"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    last_seen_at = models.DateTimeField(_("last seen at"))

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.user} ({self.address})"

    @property
    def browser(self) -> str:
        """`Firefox, Linux`."""
        return short_agent(self.agent)
