"""What only a probe writes: nodes and namespaces."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.cluster import Cluster
from kubecarrier.lib.audit import GuardedManager


class Observed(models.Model):
    """A row that only a probe writes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="%(class)ss")
    name = models.CharField(_("name"), max_length=253)
    labels = models.JSONField(default=dict)
    seen_at = models.DateTimeField(_("seen at"))

    objects: ClassVar[GuardedManager[Self]] = GuardedManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Node(Observed):
    """A node as the last probe saw it; quantities as on Cluster, `{}` and null where unknown."""

    ready = models.BooleanField(_("ready"))
    unschedulable = models.BooleanField(_("cordoned"), default=False)
    schedulable = models.BooleanField(
        _("takes pods"), default=True, help_text=_("Ready, not cordoned, no taint against pods.")
    )
    roles = models.JSONField(default=list)
    conditions = models.JSONField(default=list)
    taints = models.JSONField(default=list)
    kubelet_version = models.CharField(_("kubelet"), max_length=64, blank=True)
    capacity = models.JSONField(default=dict)
    allocatable = models.JSONField(default=dict)
    requested = models.JSONField(default=dict)
    usage = models.JSONField(null=True)

    class Meta(Observed.Meta):
        abstract = False
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="node_once")]


class Namespace(Observed):  # type: ignore[django-manager-missing]  # guardian names no manager
    """A namespace as the last probe saw it (`state` is Kubernetes' own Active or Terminating).

    `requested` is the sum of its pods, {} where unknown; `usage` null where unknown.
    """

    state = models.CharField(_("state"), max_length=32, blank=True)
    requested = models.JSONField(default=dict)
    usage = models.JSONField(null=True)

    class Meta(Observed.Meta):
        abstract = False
        verbose_name = _("namespace")
        verbose_name_plural = _("namespaces")
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="namespace_once")]
