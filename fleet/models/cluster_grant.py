"""What a binding puts into one cluster."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Binding
from fleet.models.cluster import Cluster
from kubecarrier.lib.spec import NAME_MAX_LENGTH, TargetModel


class ClusterGrant(TargetModel):
    """A binding on one cluster: a ClusterRole, and who holds it there.

    Spec, derived from the binding: `wanted` is `{"rules", "subjects": [{"kind", "name"}],
    "namespaces": [name] | null}`; null is the whole cluster. Status: `objects_seen` is
    `[{"kind", "namespace", "name", "uid"}]`, `drift` what differed when it was last looked at.
    """

    status_columns: ClassVar[frozenset[str]] = frozenset({"objects_seen", "drift", "verified_at"})

    binding = models.ForeignKey(
        Binding, on_delete=models.PROTECT, related_name="grants", verbose_name=_("binding")
    )
    cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="grants", verbose_name=_("cluster")
    )
    name = models.CharField(
        _("name"), max_length=2 * NAME_MAX_LENGTH + 1, unique=True, help_text=_("binding.cluster")
    )
    wanted = models.JSONField(default=dict)

    objects_seen = models.JSONField(default=list, editable=False, db_column="objects")
    drift = models.JSONField(default=list, editable=False)
    verified_at = models.DateTimeField(_("verified at"), null=True, editable=False)

    class Meta(TargetModel.Meta):
        abstract = False
        verbose_name = _("cluster grant")
        verbose_name_plural = _("cluster grants")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["binding", "cluster"], name="clustergrant_once")
        ]

    def __str__(self) -> str:
        return self.name
