"""Whether somebody may do something in a cluster: asked of the cluster's own authorizer.

By SubjectAccessReview with the identity that the person has there (`fleet.acting`), so that the
answer is that of `kubectl auth can-i --as`. What cannot be asked raises, and is never a no.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from accounts.models import Binding
from accounts.review import deciding
from fleet import acting, addresses
from fleet.kube import Budget, Identity, Kube, discovery_of
from fleet.live.kinds import find_kind, named
from fleet.models import Cluster
from fleet.queries import connection_of
from kubecarrier.lib.errors import InvalidError

Json = dict[str, Any]
ANY = "*"
_BUDGET = Budget(connect=3, read=5, total=10)
_VERB = re.compile(r"[a-z]{2,40}|\*")
_OURS = re.compile(r'"kubecarrier:([^"/]+)(?:/[^"]*)?" of ')
# What the portal's own live pages and commands ask for the same act.
_PORTAL = {
    "get": "view", "list": "view", "watch": "view", "create": "create", "update": "edit",
    "patch": "edit", "delete": "delete", "deletecollection": "delete",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """A verb on a kind in kubectl's spelling (`deploy`, `deployments.apps`), or on a path (`/metrics`)."""

    verb: str
    resource: str
    subresource: str = ""
    name: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class ClusterDecision:
    """The cluster's answer. `binding` is ours where it said that one of ours allows it.

    `right` is what the portal asks for the same act through its own pages, and whether that is held.
    """

    allowed: bool
    reason: str
    acts_as: str
    groups: tuple[str, ...]
    binding: str = ""
    right: str = ""
    right_held: bool = False


def cluster_can_i(*, user: Any, cluster: Cluster, act: Act) -> ClusterDecision:
    """Raises InvalidError, NotFoundError for an unknown kind, KubeError, DeniedError for nobody."""
    _check(act)
    right = f"resources.{_PORTAL[act.verb]}" if act.verb in _PORTAL else ""
    held = bool(right) and deciding.may(user, right, cluster)
    if not user.is_active:
        text = "Switched off: the portal puts no grant of his into any cluster."
        return ClusterDecision(False, text, acting.PREFIX + user.username, (), right=right)
    identity = acting.identity_for(user, cluster)
    kube = portal_kube(cluster)
    status = kube.create(_review(identity, attributes_of(kube, act))).get("status") or {}
    reason = str(status.get("reason") or status.get("evaluationError") or "")
    return ClusterDecision(
        allowed=bool(status.get("allowed")) and not status.get("denied"),
        reason=reason,
        acts_as=identity.user if identity else "",
        groups=identity.groups if identity else (),
        binding=_binding(reason),
        right=right,
        right_held=held,
    )


def portal_kube(cluster: Cluster) -> Kube:
    """The cluster by the portal's own account, in the time that a person waits."""
    connection = addresses.guarded(connection_of(cluster), addresses.policy())
    return Kube(connection, budget=_BUDGET, discovery=discovery_of(connection))


def attributes_of(kube: Kube, act: Act) -> Json:
    """What the authorizer is asked: of a resource or of a path."""
    if act.resource.startswith("/"):
        return {"nonResourceAttributes": {"path": act.resource, "verb": act.verb}}
    found = {"verb": act.verb, "subresource": act.subresource, "name": act.name}
    if act.resource == ANY:
        found |= {"group": ANY, "resource": ANY, "namespace": act.namespace}
    else:
        kind = find_kind(kube, named(act.resource))
        place = act.namespace if kind.namespaced else ""
        found |= {"group": kind.group, "resource": kind.plural, "namespace": place}
    return {"resourceAttributes": {key: value for key, value in found.items() if value}}


def _review(identity: Identity | None, attributes: Json) -> Json:
    """Without an identity the portal's own account is who acts: it asks about itself."""
    kind = "SubjectAccessReview" if identity else "SelfSubjectAccessReview"
    spec: Json = dict(attributes)
    if identity:
        # What a real request has besides: everybody who is authenticated is in this group.
        groups = [*identity.groups, "system:authenticated"]
        spec |= {"user": identity.user, "groups": groups}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}


def _binding(reason: str) -> str:
    """The binding of the portal that the cluster names, where there is one."""
    found = _OURS.search(reason)
    if found is None or not Binding.objects.filter(name=found[1]).exists():
        return ""
    return found[1]


def _check(act: Act) -> None:
    if not _VERB.fullmatch(act.verb):
        raise InvalidError(
            "verb_invalid",
            f"“{act.verb[:80]}” is no verb of Kubernetes.",
            field="verb",
            hint="get, list, watch, create, update, patch, delete …",
        )
    if not act.resource:
        raise InvalidError("kind_missing", "Name a kind.", field="resource")
    for field in ("resource", "subresource", "name", "namespace"):
        if not getattr(act, field).isprintable():
            raise InvalidError("text_invalid", "A name holds printable characters.", field=field)
