"""The roles that every portal has, and the group that superusers act as in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubecarrier.lib import catalogue
from kubecarrier.lib.catalogue import Level

ADMIN, EDITOR, VIEWER = "cluster-admin", "editor", "viewer"
LEVELS = {ADMIN: Level.ADMIN, EDITOR: Level.EDIT, VIEWER: Level.VIEW}
DESCRIPTIONS = {
    ADMIN: "Everything, in the portal and in the clusters.",
    EDITOR: "Edits everything; deletes no cluster, grants nothing, changes no credential.",
    VIEWER: "Sees everything except secret values.",
}
ADMINISTRATORS_BINDING = "administrators"
# Superusers are members of it in every cluster.
ADMINISTRATORS_GROUP = "kubecarrier:administrators"

Rule = dict[str, list[str]]
_READ = ["get", "list", "watch"]
_WRITE = ["create", "update", "patch", "delete", "deletecollection"]
# Group → what a viewer reads there. Secrets are left out on purpose: a list of them is their values.
_SEEN: dict[str, list[str]] = {
    "": ["bindings", "configmaps", "endpoints", "events", "limitranges", "namespaces",
         "namespaces/status", "nodes", "nodes/status", "persistentvolumeclaims",
         "persistentvolumeclaims/status", "persistentvolumes", "pods", "pods/log", "pods/status",
         "replicationcontrollers", "replicationcontrollers/scale",
         "replicationcontrollers/status", "resourcequotas", "resourcequotas/status",
         "serviceaccounts", "services", "services/status"],
    "apps": ["controllerrevisions", "daemonsets", "daemonsets/status", "deployments",
             "deployments/scale", "deployments/status", "replicasets", "replicasets/scale",
             "replicasets/status", "statefulsets", "statefulsets/scale", "statefulsets/status"],
    "autoscaling": ["horizontalpodautoscalers", "horizontalpodautoscalers/status"],
    "batch": ["cronjobs", "cronjobs/status", "jobs", "jobs/status"],
    "discovery.k8s.io": ["endpointslices"],
    "events.k8s.io": ["events"],
    "networking.k8s.io": ["ingressclasses", "ingresses", "ingresses/status", "networkpolicies"],
    "policy": ["poddisruptionbudgets", "poddisruptionbudgets/status"],
    "storage.k8s.io": ["csidrivers", "csinodes", "storageclasses", "volumeattachments"],
    "apiextensions.k8s.io": ["customresourcedefinitions"],
    "metrics.k8s.io": ["nodes", "pods"],
}  # fmt: skip
_WRITTEN: dict[str, list[str]] = {
    "": ["configmaps", "persistentvolumeclaims", "pods", "pods/eviction",
         "replicationcontrollers", "replicationcontrollers/scale", "services"],
    "apps": ["daemonsets", "deployments", "deployments/scale", "replicasets",
             "replicasets/scale", "statefulsets", "statefulsets/scale"],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "networking.k8s.io": ["ingresses", "networkpolicies"],
    "policy": ["poddisruptionbudgets"],
}  # fmt: skip
# What nodes.operate asks of a cluster beside evictions: cordon, labels, taints.
_OPERATED: dict[str, list[str]] = {"": ["nodes"]}


def _rules(listed: dict[str, list[str]], verbs: list[str]) -> list[Rule]:
    return [
        {"apiGroups": [group], "resources": resources, "verbs": verbs}
        for group, resources in listed.items()
    ]


_VIEWER_RULES = _rules(_SEEN, _READ)
RULES: dict[str, list[Rule]] = {
    VIEWER: _VIEWER_RULES,
    EDITOR: [*_VIEWER_RULES, *_rules(_WRITTEN, _WRITE), *_rules(_OPERATED, ["patch"])],
    ADMIN: [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ],
}


def permissions_of(role: Any) -> list[str]:
    """What a role holds in the portal; of a built-in role, what the catalogue has today."""
    if role.builtin:
        return catalogue.up_to(LEVELS[role.name])
    return [name for name in role.permissions if name in catalogue.known()]


def rules_of(role: Any) -> Sequence[Any]:
    """What a role holds in the clusters."""
    return RULES[role.name] if role.builtin else role.rules
