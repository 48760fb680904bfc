"""Where something is whose place its columns do not say: for the audit (`kubecarrier.lib.whereabouts`)."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import ApiToken, Binding, ServiceAccount
from accounts.trail import history
from fleet.models import Cluster, Project, ProjectNamespace
from kubecarrier.lib import whereabouts
from kubecarrier.lib.whereabouts import NOWHERE, Place, at

_INSIDE = {
    "resource-": "resources.view",
    "node-": "nodes.view",
    "kubeconfig-issued": "kubeconfigs.view",
}


def register() -> None:
    """Called once at start."""
    whereabouts.register(Binding, of_binding)
    whereabouts.register(ServiceAccount, of_service_account)
    whereabouts.register(ApiToken, of_token)
    # Acts on what is in a cluster: its row is seen by more people than that.
    for prefix, permission in _INSIDE.items():
        history.register_inside(prefix, permission)


def in_namespace(cluster: Cluster, namespace: str) -> Place:
    """An object there: what stands in a project's namespace is the project's."""
    if not namespace:
        return at(cluster=cluster)
    claims = ProjectNamespace.objects.filter(cluster=cluster, name=namespace)
    claim = claims.select_related("project").first()
    return at(cluster=cluster, namespace=namespace, project=claim.project if claim else None)


def of_binding(row: Binding) -> Place:
    """Its scope, where that is one project, or one cluster, or one namespace of a cluster."""
    scope = row.scope
    names = scope.get("clusters") or []
    several = len(names) != 1 or bool(scope.get("selector"))
    namespaces = scope.get("namespaces") or []
    return at(
        project=_named(Project.objects.all(), scope.get("project", "")),
        cluster=None if several else _named(Cluster.objects.all(), names[0]),
        namespace=namespaces[0] if len(namespaces) == 1 else "",
    )


def of_service_account(row: ServiceAccount) -> Place:
    """The project that owns it, which it names."""
    return at(project=_named(Project.objects.all(), row.project))


def of_token(row: ApiToken) -> Place:
    """That of the service account whose token it is; a person's is nowhere."""
    owner = ServiceAccount.objects.filter(user_id=row.user_id).first()
    return of_service_account(owner) if owner else NOWHERE


def _named[M: (Cluster, Project)](rows: QuerySet[M], name: str) -> M | None:
    return rows.filter(name=name).first() if name else None
