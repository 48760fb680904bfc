"""Clusters, what was seen in them, and what people asked for."""

from fleet.models.cluster import Cluster
from fleet.models.cluster_grant import ClusterGrant
from fleet.models.config_conflict import ConfigConflict
from fleet.models.config_copy import ConfigCopy
from fleet.models.config_item import ConfigItem, ConfigItemRevision
from fleet.models.drain import NodeDrain
from fleet.models.inventory import InventoryKind, InventoryObject
from fleet.models.kubeconfig import Kubeconfig
from fleet.models.observed import Namespace, Node, Observed
from fleet.models.operation import Operation, OperationTarget
from fleet.models.project import Project
from fleet.models.project_copy import ProjectCopy, ProjectNamespace
from fleet.models.resource_type import Catalogue, ResourceSchema, ResourceType, ServedResource
from fleet.models.rights import (
    ClusterGroupRight,
    ClusterUserRight,
    NamespaceGroupRight,
    NamespaceUserRight,
    ProjectGroupRight,
    ProjectUserRight,
)
from fleet.models.watch_lease import WatchLease

__all__ = [
    "Catalogue",
    "Cluster",
    "ClusterGrant",
    "ClusterGroupRight",
    "ClusterUserRight",
    "ConfigConflict",
    "ConfigCopy",
    "ConfigItem",
    "ConfigItemRevision",
    "InventoryKind",
    "InventoryObject",
    "Kubeconfig",
    "Namespace",
    "NamespaceGroupRight",
    "NamespaceUserRight",
    "Node",
    "NodeDrain",
    "Observed",
    "Operation",
    "OperationTarget",
    "Project",
    "ProjectCopy",
    "ProjectGroupRight",
    "ProjectNamespace",
    "ProjectUserRight",
    "ResourceSchema",
    "ResourceType",
    "ServedResource",
    "WatchLease",
]
