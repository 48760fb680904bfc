"""Which controller watches which cluster."""

from __future__ import annotations

from django.db import models

from fleet.models.cluster import Cluster


class WatchLease(models.Model):
    """Which controller watches a cluster, by the database's clock; see kubecarrier.controller."""

    cluster = models.OneToOneField(
        Cluster, on_delete=models.CASCADE, primary_key=True, related_name="watch_lease"
    )
    holder = models.CharField(max_length=100, blank=True)
    token = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.holder}"
