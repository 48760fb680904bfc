"""Kubeconfigs that were handed out to people: which, until when, and what became of them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.choices import KubeconfigEnd
from fleet.models.cluster import Cluster
from kubecarrier.lib.spec import ReconciledModel

# RFC 1123 label: as long as the name of a service account is kept.
ACCOUNT_LENGTH = 63


class Kubeconfig(ReconciledModel):
    """One file for one person and one cluster; the token in it is stored nowhere.

    Behind it stands a service account of its own in the cluster: deleting that ends
    exactly this file. `account_uid` is empty until the cluster made it. Until `ended_at`
    the account was not seen to be gone, whatever was asked for.
    """

    status_columns: ClassVar[frozenset[str]] = frozenset({"ended_at"})

    cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="kubeconfigs", verbose_name=_("cluster")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("person"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="kubeconfigs",
    )
    # Stays when the person goes.
    username = models.CharField(_("person"), max_length=150)
    account = models.CharField(_("service account"), max_length=ACCOUNT_LENGTH, unique=True)
    account_uid = models.CharField(max_length=64, blank=True, editable=False)
    expires_at = models.DateTimeField(_("ends"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    revoked_because = models.CharField(
        _("because"), max_length=16, choices=KubeconfigEnd.choices, blank=True, editable=False
    )

    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta(ReconciledModel.Meta):
        abstract = False
        verbose_name = _("kubeconfig")
        verbose_name_plural = _("kubeconfigs")
        indexes = [models.Index(fields=["-created_at", "-id"], name="kubeconfig_newest")]

    def __str__(self) -> str:
        return f"{self.username} · {self.cluster}"

    @property
    def expired(self) -> bool:
        """The token ended by itself."""
        return self.expires_at <= timezone.now()

    @property
    def dying(self) -> bool:
        """Its account has to go from the cluster."""
        return self.revoked_at is not None or self.expired

    @property
    def live(self) -> bool:
        """It may be used, as far as is known here."""
        return self.ended_at is None and not self.dying
