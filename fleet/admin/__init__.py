"""The console's pages of clusters, nodes, namespaces, projects and operations."""

from fleet.admin import cluster, observed, operation, project

__all__ = [
    "cluster",
    "observed",
    "operation",
    "project",
]
