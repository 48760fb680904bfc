"""How far rights reach in this app: its anchors, and its part of the catalogue of permissions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from fleet.choices import OWN_NAMESPACE
from fleet.models import (
    Cluster,
    ClusterGrant,
    ClusterGroupRight,
    ClusterUserRight,
    ConfigConflict,
    ConfigCopy,
    ConfigItem,
    InventoryObject,
    Kubeconfig,
    Namespace,
    NamespaceGroupRight,
    NamespaceUserRight,
    Node,
    Operation,
    Project,
    ProjectCopy,
    ProjectGroupRight,
    ProjectNamespace,
    ProjectUserRight,
)
from fleet.permissions import add_operated
from kubecarrier.lib import access, anchors, catalogue
from kubecarrier.lib.access import Reach
from kubecarrier.lib.anchors import Anchor, Place, Scope
from kubecarrier.lib.catalogue import (
    CLUSTER,
    CREATE,
    DELETE,
    EDIT,
    EVERYWHERE,
    NAMESPACE,
    PLATFORM,
    PROJECT,
    VIEW,
    Level,
    Subject,
    Verb,
)
from kubecarrier.lib.placement import Placement, resolve

_CLUSTERS = (PLATFORM, CLUSTER)
_PLACES = (PLATFORM, CLUSTER, NAMESPACE)


def register() -> None:
    """Called once at start."""
    catalogue.register(
        Subject(
            "clusters",
            _("Clusters"),
            (
                Verb("view", _("see"), Level.VIEW, anchors=_PLACES),
                Verb("create", _("import"), anchors=(PLATFORM,)),
                EDIT,
                Verb("operate", _("probe, pause and resume"), partial=True),
                Verb("credentials", _("change the credential"), Level.ADMIN),
                Verb("delete", _("remove from the fleet"), Level.ADMIN),
            ),
            _CLUSTERS,
        ),
        Subject("nodes", _("Nodes"), (VIEW, Verb("operate", _("cordon and drain"))), _CLUSTERS),
        Subject("namespaces", _("Namespaces"), (VIEW, CREATE, EDIT, DELETE), _PLACES),
        Subject(
            "projects",
            _("Projects"),
            # What a project may reach is not for its own people to widen.
            (VIEW, *(replace(verb, anchors=(PLATFORM,)) for verb in (CREATE, EDIT, DELETE))),
            (PLATFORM, PROJECT),
        ),
        Subject(
            "configitems",
            _("Config items"),
            (
                VIEW,
                CREATE,
                EDIT,
                DELETE,
                Verb("reveal", _("reveal the values of secrets")),
                Verb("rollback", _("roll back")),
                Verb("suspend", _("pause and resume")),
                Verb("adopt", _("adopt objects")),
            ),
        ),
        Subject("configcopies", _("Config copies"), (VIEW,)),
        Subject("configconflicts", _("Config conflicts"), (VIEW,)),
        Subject(
            "resources",
            _("Any object, live"),
            (
                VIEW,
                CREATE,
                EDIT,
                DELETE,
                Verb("logs", _("read the logs of pods"), Level.VIEW),
                Verb("scale", _("scale")),
                Verb("restart", _("restart")),
                Verb("suspend", _("pause and resume jobs")),
                Verb("reveal", _("reveal secrets"), Level.ADMIN),
            ),
            _PLACES,
        ),
        Subject("projectcopies", _("Projects on clusters"), (VIEW,), (PLATFORM, PROJECT, CLUSTER)),
        Subject("inventory", _("Inventory"), (VIEW,), _PLACES),
        Subject("resourcetypes", _("Resource types"), (VIEW,), _PLACES),
        Subject("operations", _("Operations of others"), (VIEW,), EVERYWHERE),
        Subject(
            "kubeconfigs",
            _("Kubeconfigs for people"),
            (
                Verb("create", _("get one of one's own"), Level.VIEW, anchors=EVERYWHERE),
                Verb("view", _("see those of others"), Level.ADMIN),
                Verb("delete", _("revoke those of others"), Level.ADMIN),
            ),
            _CLUSTERS,
        ),
        Subject("clustergrants", _("Cluster grants"), (VIEW,), _CLUSTERS),
    )
    anchors.register(
        Anchor(
            CLUSTER, Cluster, ClusterUserRight, ClusterGroupRight,
            cluster_ids, cluster_places, unknown_clusters,
        )
    )  # fmt: skip
    anchors.register(
        Anchor(
            NAMESPACE, Namespace, NamespaceUserRight, NamespaceGroupRight,
            namespace_ids, namespace_places,
        )
    )  # fmt: skip
    anchors.register(
        Anchor(
            PROJECT, Project, ProjectUserRight, ProjectGroupRight,
            project_ids, project_places, unknown_projects,
        )
    )  # fmt: skip
    # Which objects of a cluster somebody may touch, the cluster's own RBAC knows.
    below = ("clusters", "resources", "kubeconfigs")
    access.register_reach(Cluster, Reach("clusters", cluster="pk", below=below))
    access.register_reach(Kubeconfig, Reach("kubeconfigs", cluster="cluster", owner="user"))
    access.register_reach(Project, Reach("projects", project="pk"))
    access.register_reach(ConfigItem, Reach("configitems", project="project", targets="copies"))
    access.register_reach(
        ConfigCopy,
        Reach("configcopies", project="item__project", cluster="cluster", namespace="namespace"),
    )
    access.register_reach(
        ConfigConflict,
        Reach(
            "configconflicts", project="item__project",
            cluster="copy__cluster", namespace="copy__namespace",
        ),
    )  # fmt: skip
    access.register_reach(
        InventoryObject, Reach("inventory", cluster="cluster", namespace="namespace")
    )
    access.register_reach(ProjectCopy, Reach("projectcopies", project="project", cluster="cluster"))
    access.register_reach(Node, Reach("nodes", cluster="cluster"))
    access.register_reach(Namespace, Reach("namespaces", cluster="cluster", namespace="name"))
    access.register_reach(Operation, Reach("operations", owner="actor"))
    access.register_reach(ClusterGrant, Reach("clustergrants", cluster="cluster"))
    add_operated(Cluster, ConfigItem)


def chosen(scope: Scope) -> list[Cluster]:
    """The living clusters that a scope names or selects."""
    if not scope.get("clusters") and not scope.get("selector"):
        return []
    clusters = {c.name: c for c in Cluster.objects.filter(deletion_requested_at=None)}
    labels = {name: cluster.selector_labels() for name, cluster in clusters.items()}
    return [clusters[name] for name in sorted(resolve(Placement.of(scope), labels))]


def cluster_ids(scope: Scope) -> list[Any]:
    """The clusters that a scope holds as a whole."""
    return [] if scope.get("namespaces") else [cluster.pk for cluster in chosen(scope)]


def project_namespaces(name: str) -> QuerySet[Namespace]:
    """The namespaces that are a project's own: what stood there before is not, until it is adopted."""
    claims = ProjectNamespace.objects.filter(
        project__name=name, wanted=True, state__in=OWN_NAMESPACE,
        cluster=OuterRef("cluster"), name=OuterRef("name"),
    )  # fmt: skip
    return Namespace.objects.filter(Exists(claims))


def namespace_ids(scope: Scope) -> list[Any]:
    """The namespaces that a scope holds, those that are there; of a project, its own."""
    if scope.get("project"):
        return list(project_namespaces(scope["project"]).values_list("pk", flat=True))
    if not scope.get("namespaces"):
        return []
    rows = Namespace.objects.filter(cluster__in=chosen(scope), name__in=scope["namespaces"])
    return list(rows.values_list("pk", flat=True))


def project_ids(scope: Scope) -> list[Any]:
    """The project of a scope."""
    if not scope.get("project"):
        return []
    return list(Project.objects.filter(name=scope["project"]).values_list("pk", flat=True))


def project_places(scope: Scope) -> list[Place]:
    """The project itself."""
    return [((PROJECT, pk),) for pk in project_ids(scope)]


def unknown_projects(scope: Scope) -> list[str]:
    """The project of a scope where there is none of that name, or none that stays."""
    if not scope.get("project"):
        return []
    living = Project.objects.filter(name=scope["project"], deletion_requested_at=None)
    return [] if living.exists() else [scope["project"]]


def cluster_places(scope: Scope) -> list[Place]:
    """Each cluster; a selector reaches clusters that are not there yet: the platform."""
    if scope.get("namespaces"):
        return []
    named: list[Place] = [
        ((CLUSTER, pk),) for pk in cluster_ids({"clusters": scope.get("clusters")})
    ]
    return [(), *named] if scope.get("selector") else named


def namespace_places(scope: Scope) -> list[Place]:
    """Each namespace on each cluster: held there, or on the whole cluster; a project's, by the project."""
    if scope.get("project"):
        return project_places(scope)
    if not scope.get("namespaces"):
        return []
    named = list(_named_namespaces(scope))
    return [(), *named] if scope.get("selector") else named


def _named_namespaces(scope: Scope) -> Iterator[Place]:
    clusters = chosen({"clusters": scope.get("clusters")})
    rows = Namespace.objects.filter(Q(cluster__in=clusters), name__in=scope["namespaces"])
    known = {(cluster, name): pk for pk, cluster, name in rows.values_list("pk", "cluster", "name")}
    for cluster in clusters:
        for name in scope["namespaces"]:
            own = known.get((cluster.pk, name))
            yield ((CLUSTER, cluster.pk), *(((NAMESPACE, own),) if own else ()))


def unknown_clusters(scope: Scope) -> list[str]:
    """Names of a scope that no cluster has, or none that stays: the next one would inherit."""
    named = set(scope.get("clusters") or ())
    living = Cluster.objects.filter(deletion_requested_at=None)
    return sorted(named - set(living.values_list("name", flat=True)))
