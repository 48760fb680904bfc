"""Clusters over REST: each action parses, fetches with permission, calls one function, renders."""

from fleet.api.views.cluster import ClusterViewSet
from fleet.api.views.cluster_grant import ClusterGrantViewSet
from fleet.api.views.config_item import (
    ConfigConflictViewSet,
    ConfigCopyViewSet,
    ConfigItemViewSet,
)
from fleet.api.views.inventory import InventoryViewSet
from fleet.api.views.kubeconfig import KubeconfigViewSet
from fleet.api.views.observed import NamespaceViewSet, NodeViewSet
from fleet.api.views.operation import OperationViewSet
from fleet.api.views.project import ProjectCopyViewSet, ProjectViewSet
from fleet.api.views.resource_type import ResourceTypeViewSet

__all__ = [
    "ClusterGrantViewSet",
    "ClusterViewSet",
    "ConfigConflictViewSet",
    "ConfigCopyViewSet",
    "ConfigItemViewSet",
    "InventoryViewSet",
    "KubeconfigViewSet",
    "NamespaceViewSet",
    "NodeViewSet",
    "OperationViewSet",
    "ProjectCopyViewSet",
    "ProjectViewSet",
    "ResourceTypeViewSet",
]
