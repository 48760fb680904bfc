"""Clusters over REST: each action parses, fetches with permission, calls one function, renders."""

from fleet.api.views.cluster import ClusterViewSet
from fleet.api.views.observed import NamespaceViewSet, NodeViewSet
from fleet.api.views.operation import OperationViewSet

__all__ = [
    "ClusterViewSet",
    "NamespaceViewSet",
    "NodeViewSet",
    "OperationViewSet",
]
