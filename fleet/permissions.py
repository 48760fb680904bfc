"""Who may see and do what with this app's kinds: the only place where rows are fetched for people."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from fleet.models import Cluster, Namespace, Node, Operation
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.errors import NotFoundError


def visible_clusters(user: Any) -> QuerySet[Cluster]:
    """The clusters `user` may see."""
    return Cluster.objects.visible_to(user)


def visible_nodes(user: Any) -> QuerySet[Node]:
    """The nodes of the clusters `user` may see."""
    return Node.objects.visible_to(user).select_related("cluster")


def visible_namespaces(user: Any) -> QuerySet[Namespace]:
    """The namespaces of the clusters `user` may see."""
    return Namespace.objects.visible_to(user).select_related("cluster")


def visible_operations(user: Any) -> QuerySet[Operation]:
    """The operations `user` may see."""
    return Operation.objects.visible_to(user).select_related("actor").prefetch_related("targets")


def access_cluster(user: Any, name: str) -> Cluster:
    """The cluster of that name; raises NotFoundError when absent or out of scope."""
    cluster = visible_clusters(user).filter(name=name).first() if may_operate(user) else None
    if cluster is None:
        raise NotFoundError("not_found", f"There is no cluster “{name[:100]}”.")
    return cluster
