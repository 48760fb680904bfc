"""Clusters as paths name them."""

from __future__ import annotations

from typing import Any

from fleet.models import Cluster
from fleet.permissions import visible_clusters
from kubecarrier.lib import audit
from kubecarrier.lib.errors import NotFoundError


def cluster_named(user: Any, name: str) -> Cluster:
    """Raises NotFoundError; out of scope and absent look the same, and what was hidden is on record."""
    if "\0" not in name:
        if row := visible_clusters(user).filter(name=name).first():
            return row
        audit.hidden("clusters.view", Cluster.objects.filter(name=name).first)
    raise NotFoundError("not_found", f"There is no cluster “{name[:100]}”.")
