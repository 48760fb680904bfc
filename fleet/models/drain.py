"""Drains of nodes: who asked, how, and how far they are."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from fleet.models.cluster import Cluster
from fleet.models.operation import Operation
from kubecarrier.lib.spec import ReconciledModel


class NodeDrain(ReconciledModel):
    """One asking to empty a node; its operation is the record, this is what a worker goes on with.

    `actor` is whom the evictions are done as. `finished_at` says that nothing is
    left to do, whatever became of it; `cancelled_at` that a person wants it to end.
    """

    status_columns: ClassVar[frozenset[str]] = frozenset({"pods_left", "finished_at"})

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="drains")
    node = models.CharField(max_length=253)
    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="+")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    force = models.BooleanField(default=False)
    delete_empty_dir = models.BooleanField(default=False)
    grace_period_seconds = models.PositiveIntegerField(null=True)
    deadline_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    pods_left = models.PositiveIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta(ReconciledModel.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "node"],
                condition=models.Q(finished_at=None),
                name="one_drain_at_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id}/{self.node}"
