"""The console's pages of clusters, config items, nodes, namespaces, projects and operations."""

from fleet.admin import (
    cluster,
    cluster_grant,
    config_conflict,
    config_item,
    inventory,
    kubeconfig,
    node,
    observed,
    operation,
    project,
    resource_type,
)

__all__ = [
    "cluster",
    "cluster_grant",
    "config_conflict",
    "config_item",
    "inventory",
    "kubeconfig",
    "node",
    "observed",
    "operation",
    "project",
    "resource_type",
]
