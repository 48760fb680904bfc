"""Projects on clusters: one row per cluster, and one per namespace there."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.choices import NamespaceState
from fleet.models.cluster import Cluster
from fleet.models.project import Project
from kubecarrier.lib.audit import GuardedManager
from kubecarrier.lib.spec import NAME_MAX_LENGTH, TargetModel


class ProjectCopy(TargetModel):
    """A project on one cluster. `refused` is `[{"name", "by"}]`: namespaces that another project has there."""

    status_columns: ClassVar[frozenset[str]] = frozenset({"seen_at", "corrections"})

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="copies")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="project_copies")
    name = models.CharField(
        _("name"), max_length=2 * NAME_MAX_LENGTH + 1, unique=True, help_text=_("project.cluster")
    )
    refused = models.JSONField(default=list, editable=False)

    seen_at = models.DateTimeField(_("seen at"), null=True, editable=False)
    corrections = models.JSONField(default=list, editable=False)

    class Meta(TargetModel.Meta):
        abstract = False
        verbose_name = _("project on a cluster")
        verbose_name_plural = _("projects on clusters")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "cluster"], name="projectcopy_once")
        ]

    def __str__(self) -> str:
        return self.name


class ProjectNamespace(models.Model):
    """A namespace of a project on one cluster: the claim on it, what is wanted, what was seen.

    Written by the project's service: everything up to `delete_asked`; `wanted` is false
    while it is being let go, and the claim stands until that is done. The rest is the
    reconciler's and the watch's: `quota` is the ResourceQuota's `{"hard", "used"}`,
    null where there is none or it was not seen.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="claims")
    copy = models.ForeignKey(ProjectCopy, on_delete=models.CASCADE, related_name="claims")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="claims")
    name = models.CharField(_("namespace"), max_length=63)
    wanted = models.BooleanField(default=True)
    adopt = models.BooleanField(default=False)
    labels = models.JSONField(default=dict)
    hard = models.JSONField(default=dict)
    limits = models.JSONField(default=dict)
    delete_asked = models.BooleanField(default=False)

    state = models.CharField(
        _("state"), max_length=12, choices=NamespaceState.choices, default=NamespaceState.UNSEEN
    )
    message = models.CharField(max_length=500, blank=True)
    made = models.BooleanField(_("made by the portal"), default=False)
    quota = models.JSONField(null=True)
    seen_at = models.DateTimeField(null=True)

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], name="projectnamespace_once")
        ]

    def __str__(self) -> str:
        return self.name
