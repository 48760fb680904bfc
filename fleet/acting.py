"""Whom a call to a cluster acts as when a person waits for it.

What people ask for live is done with impersonation, so that the cluster's own
RBAC decides and its audit log names the person. Only what this module answers
is ever sent: a caller's own `Impersonate-*` headers go nowhere.
"""

from __future__ import annotations

from typing import Any

from fleet.kube import Identity
from kubecarrier.lib.errors import DeniedError

PREFIX = "kubecarrier:"
GROUP_PREFIX = "kubecarrier:group:"
_FIELD_MANAGER_LENGTH = 128  # the API server's own limit


def identity_for(user: Any) -> Identity | None:
    """The identity that `user` has in clusters; None: the portal's own account.

    Superusers act with the portal's own account: they hold no binding, so no cluster
    knows them, and somebody has to be able to act where nobody was granted anything
    yet. Everybody else is impersonated, and may what the ClusterGrants of their
    bindings (or others) give them there. Raises DeniedError for nobody: an empty
    identity would silently mean the portal itself.
    """
    name = person(user)
    if user.is_superuser:
        return None
    groups = user.groups.order_by("name").values_list("name", flat=True)
    return Identity(name, tuple(f"{GROUP_PREFIX}{group}" for group in groups))


def person(user: Any) -> str:
    """`kubecarrier:<username>`; raises DeniedError where there is no such person."""
    username = str(user.get_username() or "").strip() if getattr(user, "pk", None) else ""
    if not username or not user.is_active:
        raise DeniedError("identity_empty", "Nobody is logged in who could act in a cluster.")
    return f"{PREFIX}{username}"


def field_manager(user: Any) -> str:
    """The field manager of what `user` edits, so that a conflict can name the person."""
    return person(user)[:_FIELD_MANAGER_LENGTH]
