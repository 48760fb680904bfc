"""Which groups of a provider or a directory are which groups here."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.identity import IdentitySource
from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.spec import NAME_MAX_LENGTH, name_validators


class IdentityMapping(models.Model):
    """Whoever is in `value` there is in `group` here; memberships follow at each login and check."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        _("name"), max_length=NAME_MAX_LENGTH, unique=True, validators=name_validators
    )
    labels = models.JSONField(_("labels"), default=dict, blank=True)
    source = models.CharField(_("source"), max_length=8, choices=IdentitySource.choices)
    value = models.CharField(
        _("group there"), max_length=500,
        help_text=_("As the claim holds it; for LDAP the group's name or its whole DN."),
    )  # fmt: skip
    group = models.ForeignKey(
        Group, verbose_name=_("group here"), on_delete=models.CASCADE, related_name="+"
    )
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        verbose_name = _("identity mapping")
        verbose_name_plural = _("identity mappings")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "value", "group"], name="identity_mapping_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
