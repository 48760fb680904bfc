"""Bindings: who holds which role, and where."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.role import Role
from kubecarrier.lib.spec import SpecModel


class Binding(SpecModel):
    """Gives a role to people and groups: on the platform, in a project, on clusters, in namespaces.

    `scope` is one of `{"platform": true}`, `{"project": name}` and `{"clusters": [name],
    "selector": text, "namespaces": [name]}`. The built-in binding is that of the
    superusers, who hold everything without one; it is for the clusters.
    """

    status_columns: ClassVar[frozenset[str]] = frozenset({"held"})

    role = models.ForeignKey(
        Role, on_delete=models.PROTECT, related_name="bindings", verbose_name=_("role")
    )
    users = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="bindings", verbose_name=_("people")
    )
    groups = models.ManyToManyField(
        Group, blank=True, related_name="bindings", verbose_name=_("groups")
    )
    scope = models.JSONField(_("scope"), default=dict)
    builtin = models.BooleanField(_("built in"), default=False, editable=False)

    # On how many objects it gives rights, by sort of object.
    held = models.JSONField(default=dict, editable=False)

    class Meta(SpecModel.Meta):
        abstract = False
        verbose_name = _("binding")
        verbose_name_plural = _("bindings")
        ordering = ["name"]
