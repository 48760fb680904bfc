"""Projects: what a team may use, and the namespaces that are its own."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.placement import Placement
from kubecarrier.lib.spec import SpecModel


class Project(SpecModel):  # type: ignore[django-manager-missing]  # guardian names no manager
    """Namespaces over clusters, their quota, and what may be placed in them.

    `namespaces` is `[{"name", "adopt", "quota"}]`; `allow` is `{"clusters",
    "repositories", "kinds", "clusterKinds", "namespaces"}` (`fleet.projects.rules`);
    `quota` is `{"hard", "limits"}` for each namespace, quantities as texts. Members
    are no part of it: they come from bindings. `totals` is what was last seen of all
    its namespaces (`fleet.reconcilers.project.totals`).
    """

    status_columns: ClassVar[frozenset[str]] = frozenset({"totals"})

    placement = models.JSONField(_("placement"), default=dict, blank=True)
    namespaces = models.JSONField(_("namespaces"), default=list, blank=True)
    namespace_labels = models.JSONField(_("labels of the namespaces"), default=dict, blank=True)
    allow = models.JSONField(_("allowed"), default=dict, blank=True)
    quota = models.JSONField(_("quota"), default=dict, blank=True)

    require_reason = models.BooleanField(
        _("reason required"),
        default=False,
        help_text=_("Who changes something in the project must say why."),
    )

    totals = models.JSONField(default=dict, editable=False)

    class Meta(SpecModel.Meta):
        abstract = False
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["name"]

    @property
    def placed(self) -> Placement:
        """On which clusters its namespaces are."""
        return Placement.of(self.placement)

    @property
    def namespace_names(self) -> list[str]:
        """The namespaces that are its own, on each of its clusters."""
        return [str(item["name"]) for item in self.namespaces]

    def namespace(self, name: str) -> dict[str, Any]:
        """What is said of one of its namespaces, or `{}`."""
        return next((dict(item) for item in self.namespaces if item["name"] == name), {})
