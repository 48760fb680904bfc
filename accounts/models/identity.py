"""Who a person is at the place that vouches for them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.crypto import SealedField


class IdentitySource(models.TextChoices):
    """What kind of place that is."""

    OIDC = "oidc", _("OIDC provider")
    LDAP = "ldap", _("LDAP directory")


class Identity(models.Model):
    """A user as an issuer and a subject: never as an e-mail address, which can change hands.

    `groups` are what was seen last. `check_due_at` is when the provider has to
    be asked again; `refresh_token` is what it is asked with.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities"
    )
    source = models.CharField(_("source"), max_length=8, choices=IdentitySource.choices)
    issuer = models.CharField(_("issuer"), max_length=500)
    subject = models.CharField(_("subject"), max_length=255)
    groups = models.JSONField(_("groups"), default=list, blank=True)
    refresh_token = SealedField()
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, editable=False)
    # Set when its end switched the user off: coming back there switches it on again.
    ended_at = models.DateTimeField(_("ended at"), null=True, editable=False)
    check_due_at = models.DateTimeField(null=True, db_index=True, editable=False)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once")]

    def __str__(self) -> str:
        return f"{self.subject} ({self.issuer})"
