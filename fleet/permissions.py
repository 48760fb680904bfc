"""Who may see and do what with this app's kinds: the only place where rows are fetched for people."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from fleet.models import (
    Cluster,
    ClusterGrant,
    ConfigConflict,
    ConfigCopy,
    ConfigItem,
    InventoryObject,
    Kubeconfig,
    Namespace,
    Node,
    Operation,
    Project,
    ProjectCopy,
    ResourceType,
    ServedResource,
)
from kubecarrier.lib import access


def visible_clusters(user: Any) -> QuerySet[Cluster]:
    """The clusters `user` may see: also those of which he holds only namespaces."""
    return Cluster.objects.visible_to(user)


def visible_nodes(user: Any) -> QuerySet[Node]:
    """The nodes of the clusters `user` may see."""
    return Node.objects.visible_to(user).select_related("cluster")


def visible_namespaces(user: Any) -> QuerySet[Namespace]:
    """The namespaces of the clusters `user` may see."""
    return Namespace.objects.visible_to(user).select_related("cluster")


def visible_operations(user: Any) -> QuerySet[Operation]:
    """One's own operations, and those on objects that `user` may see."""
    rows = Operation.objects.select_related("actor").prefetch_related("targets")
    if not access.active(user):
        return rows.none()
    if access.may(user, "operations.view"):
        return rows
    seen = Q(actor=user)
    for model in operated():
        seen |= Q(kind=model.__name__, object_id__in=access.visible(_all(model), user).values("pk"))
    return rows.filter(seen)


def visible_projects(user: Any) -> QuerySet[Project]:
    """The projects `user` may see."""
    return Project.objects.visible_to(user)


def visible_config_items(user: Any) -> QuerySet[ConfigItem]:
    """The config items `user` may see."""
    return ConfigItem.objects.visible_to(user).select_related("project")


def visible_config_copies(user: Any) -> QuerySet[ConfigCopy]:
    """The config copies `user` may see."""
    return ConfigCopy.objects.visible_to(user).select_related("item", "cluster", "revision")


def visible_config_conflicts(user: Any) -> QuerySet[ConfigConflict]:
    """The config conflicts `user` may see."""
    rows = ConfigConflict.objects.visible_to(user)
    return rows.select_related("item", "copy__cluster", "resolved_by")


def visible_inventory(user: Any) -> QuerySet[InventoryObject]:
    """The objects in the clusters `user` may see, each with its `cluster_name`."""
    rows = InventoryObject.objects.visible_to(user).defer("text")
    return rows.annotate(cluster_name=F("cluster__name"))


def visible_resource_types(user: Any) -> QuerySet[ResourceType]:
    """The kinds that the clusters `user` may see serve."""
    served = ServedResource.objects.filter(type=OuterRef("pk"), cluster__in=visible_clusters(user))
    return ResourceType.objects.filter(Exists(served))


def visible_project_copies(user: Any) -> QuerySet[ProjectCopy]:
    """The projects `user` may see, on their clusters."""
    return ProjectCopy.objects.visible_to(user).select_related("project", "cluster")


def visible_grants(user: Any) -> QuerySet[ClusterGrant]:
    """The grants on the clusters where `user` may see bindings."""
    rows = ClusterGrant.objects.select_related("binding", "cluster")
    return access.visible(rows, user)


def visible_kubeconfigs(user: Any) -> QuerySet[Kubeconfig]:
    """One's own, and those of others on the clusters where `user` may see them."""
    return Kubeconfig.objects.visible_to(user).select_related("cluster", "user")


_operated: list[Any] = []


def add_operated(*models: Any) -> None:
    """Operations on these are seen by whoever sees the object; told by each app at start."""
    _operated.extend(models)


def operated() -> list[Any]:
    """The models whose objects operations are on."""
    return list(_operated)


def _all(model: Any) -> QuerySet[Any]:
    rows: QuerySet[Any] = model.objects.all()
    return rows
