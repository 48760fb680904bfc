"""Who may have a kubeconfig of a cluster, and what the accounts behind kubeconfigs are bound to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.builtin import permissions_of
from accounts.models import Binding
from fleet.grants.accounts import subject
from fleet.models import Cluster, ClusterGrant, Kubeconfig
from kubecarrier.lib import access

PERMISSION = "kubeconfigs.create"


def live(rows: QuerySet[Kubeconfig] | None = None) -> QuerySet[Kubeconfig]:
    """The kubeconfigs that work, as far as is known here."""
    rows = Kubeconfig.objects.all() if rows is None else rows
    return rows.filter(ended_at=None, revoked_at=None, expires_at__gt=timezone.now())


def subjects(binding: Binding, clusters: Iterable[Cluster]) -> dict[Any, list[dict[str, str]]]:
    """Per cluster the accounts to which a binding gives what it gives the person."""
    who = Q(user__bindings=binding) | Q(user__groups__bindings=binding)
    if binding.builtin:
        who = Q(user__is_superuser=True)
    rows = live().filter(who, cluster__in=list(clusters), user__is_active=True)
    found: dict[Any, list[dict[str, str]]] = {}
    for cluster, account in rows.order_by("account").values_list("cluster", "account").distinct():
        found.setdefault(cluster, []).append(subject(account))
    return found


def clusters_of(user: Any) -> QuerySet[Cluster]:
    """The clusters in which `user` holds anything: also by a project, through which none is seen."""
    rows = ClusterGrant.objects.filter(binding__in=_bindings(user), deletion_requested_at=None)
    return Cluster.objects.filter(pk__in=rows.values("cluster"))


def may_have(user: Any, cluster: Cluster, grants: Iterable[ClusterGrant]) -> bool:
    """Whether `user` may get a kubeconfig: by a right on the cluster, or by a role held in it."""
    if access.may(user, PERMISSION, cluster):
        return True
    return any(PERMISSION in permissions_of(grant.binding.role) for grant in grants)


def grants_of(user: Any, cluster: Cluster) -> list[ClusterGrant]:
    """What `user` holds in a cluster, himself or by a group; a grant in no namespace is none."""
    rows = ClusterGrant.objects.filter(
        cluster=cluster, binding__in=_bindings(user), deletion_requested_at=None
    )
    listed = rows.select_related("binding__role")
    return [grant for grant in listed if grant.wanted.get("namespaces") != []]


def _bindings(user: Any) -> Any:
    if user is None or not user.is_active:
        return Binding.objects.none().values("pk")
    held = Q(users=user) | Q(groups__user=user)
    if user.is_superuser:
        held |= Q(builtin=True)
    return Binding.objects.filter(held).values("pk")


def accounts_in(grants: Iterable[ClusterGrant]) -> set[str]:
    """The accounts of kubeconfigs that these grants bind."""
    return {
        one["name"]
        for grant in grants
        for one in grant.wanted.get("subjects", ())
        if one["kind"] == "ServiceAccount"
    }


def carrying(row: Kubeconfig) -> list[ClusterGrant]:
    """The grants that bind the account of a kubeconfig now."""
    rows = ClusterGrant.objects.filter(cluster=row.cluster_id, deletion_requested_at=None)
    listed = rows.select_related("binding__role")
    return [grant for grant in listed if row.account in accounts_in([grant])]
