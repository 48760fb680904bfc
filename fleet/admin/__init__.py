"""The console's pages of clusters, nodes, namespaces and operations."""

from fleet.admin import cluster, observed, operation

__all__ = [
    "cluster",
    "observed",
    "operation",
]
