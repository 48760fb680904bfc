"""Seals over the audit."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.audit import UnauditedWriteError


class AuditSeal(models.Model):
    """One link of the chain over the audit: what it covers, its digest, who signed it.

    `leaves` are key and SHA-256 of each covered entry (`accounts.trail.chain`), so
    that a check can name the entry that was changed; prune empties them. What is
    signed (the statement) does not hold them but their digest.
    """

    class Purpose(models.TextChoices):
        """What a seal says."""

        ENTRIES = "entries", _("these entries were there")
        PRUNED = "pruned", _("the entries of earlier seals were removed")

    number = models.BigIntegerField(_("number"), primary_key=True)
    purpose = models.CharField(_("purpose"), max_length=8, choices=Purpose.choices)
    sealed_at = models.DateTimeField(_("sealed at"), db_index=True)
    first_id = models.BigIntegerField(_("first entry"))
    last_id = models.BigIntegerField(_("last entry"), help_text=_("The highest key up to here."))
    count = models.PositiveIntegerField(_("entries"))
    pruned_through = models.BigIntegerField(null=True)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    key_id = models.CharField(_("key"), max_length=64)
    public_key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    leaves = models.BinaryField()

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        ordering = ["number"]

    def __str__(self) -> str:
        return str(self.number)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise UnauditedWriteError("Seals are never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnauditedWriteError("Seals are never deleted.")
