"""Cluster grants over REST: read only."""

from __future__ import annotations

from fleet.api import kinds
from kubecarrier.api.views import DocumentViewSet


class ClusterGrantViewSet(DocumentViewSet):
    """Grants, derived from bindings."""

    kind = kinds.CLUSTER_GRANT
    http_method_names = ["get", "head", "options"]
