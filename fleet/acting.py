"""Whom a call to a cluster acts as when a person waits for it.

What people ask for live is done with impersonation, so that the cluster's own
RBAC decides and its audit log names the person. Only what this module answers
is ever sent: a caller's own `Impersonate-*` headers go nowhere.
"""

from __future__ import annotations

from typing import Any

from accounts.builtin import ADMINISTRATORS_GROUP
from fleet.conditions import GRANTED, GrantReason
from fleet.kube import Identity
from fleet.models import Cluster, ClusterGrant
from kubecarrier.lib.errors import DeniedError

_BEING_CHANGED = frozenset({GrantReason.APPLIED, GrantReason.NOT_EFFECTIVE})
PREFIX = "kubecarrier:"
GROUP_PREFIX = "kubecarrier:group:"
_FIELD_MANAGER_LENGTH = 128  # the API server's own limit


def identity_for(user: Any, cluster: Cluster) -> Identity | None:
    """The identity that `user` has in the cluster; None: the portal's own account.

    Superusers are members of the administrators' group as soon as the cluster has
    confirmed its grant; before that they act with the portal's own account, because
    somebody has to be able to act. Everybody else is impersonated, whether the cluster
    knows them or not. Raises DeniedError for nobody: an empty identity would silently
    mean the portal itself.
    """
    name = person(user)
    groups = [f"{GROUP_PREFIX}{one}" for one in _groups(user, cluster)]
    if user.is_superuser:
        if not _knows_administrators(cluster):
            return None
        groups.append(ADMINISTRATORS_GROUP)
    return Identity(name, tuple(groups))


def _groups(user: Any, cluster: Cluster) -> list[str]:
    """The person's groups; where the portal's account may name some only, those that hold anything.

    A group without a grant there gives nothing there, and one that the account may not
    name would have the whole call refused.
    """
    rows = user.groups.all()
    if cluster.exchanged_at is not None:
        held = ClusterGrant.objects.filter(cluster=cluster, deletion_requested_at=None)
        rows = rows.filter(bindings__in=held.values("binding")).distinct()
    return list(rows.order_by("name").values_list("name", flat=True))


def _knows_administrators(cluster: Cluster) -> bool:
    """Confirmed once, it stays so while the grant is being changed: a kubeconfig adds a subject."""
    grants = ClusterGrant.objects.filter(cluster=cluster, binding__builtin=True)
    grant = grants.filter(deletion_requested_at=None, verified_at__isnull=False).first()
    granted = grant.condition(GRANTED) if grant else {}
    return granted.get("status") == "True" or granted.get("reason") in _BEING_CHANGED


def person(user: Any) -> str:
    """`kubecarrier:<username>`; raises DeniedError where there is no such person."""
    username = str(user.get_username() or "").strip() if getattr(user, "pk", None) else ""
    if not username or not user.is_active:
        raise DeniedError("identity_empty", "Nobody is logged in who could act in a cluster.")
    return f"{PREFIX}{username}"


def field_manager(user: Any) -> str:
    """The field manager of what `user` edits, so that a conflict can name the person."""
    return person(user)[:_FIELD_MANAGER_LENGTH]
