"""Roles: what somebody may do, here and in the clusters."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.spec import SpecModel


class Role(SpecModel):
    """Permissions of the portal and rules of Kubernetes, given to people by bindings.

    `permissions` is a list of names of the catalogue; `rules` is a list of PolicyRules
    as Kubernetes writes them. What a built-in role holds is in `accounts.builtin`:
    their rows are names to point at and are never edited.
    """

    permissions = models.JSONField(_("permissions"), default=list, blank=True)
    rules = models.JSONField(_("rules in clusters"), default=list, blank=True)
    requires_second_factor = models.BooleanField(
        _("second factor required"), default=False,
        help_text=_("Whoever has the role, anywhere, must have a second factor."),
    )  # fmt: skip
    builtin = models.BooleanField(_("built in"), default=False, editable=False)

    class Meta(SpecModel.Meta):
        abstract = False
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["name"]
