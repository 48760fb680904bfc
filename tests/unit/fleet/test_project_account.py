"""What the account of a project may, from its rules and from what a cluster serves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fleet.grants.project_account import STORAGE, ProjectAccount, grants
from fleet.projects.rules import Rules
from fleet.resource import Resource
from kubecarrier.lib.placement import Placement

ID = UUID("0f3a1b2c-0000-4000-8000-000000000001")
RBAC = "rbac.authorization.k8s.io"
SERVED = (
    Resource("", "v1", "pods", "Pod", True, subresources=frozenset({"log", "exec"})),
    Resource("", "v1", "resourcequotas", "ResourceQuota", True),
    Resource("", "v1", "nodes", "Node", False),
    Resource("apps", "v1", "deployments", "Deployment", True, subresources=frozenset({"scale"})),
    Resource(RBAC, "v1", "roles", "Role", True),
    Resource(RBAC, "v1", "clusterroles", "ClusterRole", False),
    Resource("example.com", "v1", "widgets", "Widget", True),
    Resource("security.openshift.io", "v1", "securitycontextconstraints", "SCC", False),
)


def account(**rules: Any) -> ProjectAccount:
    return ProjectAccount("shop", ID, Rules("shop", Placement(), **rules), ("a", "b"))


def writes(found: list[dict[str, Any]], group: str) -> tuple[list[str], list[str]]:
    """Resources and verbs of the group's rule, beside reading and Helm's storage."""
    rules = [rule for rule in found if rule["apiGroups"] == [group] and rule != STORAGE]
    return (rules[0]["resources"], rules[0]["verbs"]) if rules else ([], [])


def test_who_it_is() -> None:
    one = account()
    assert one.identity.user == "kubecarrier-project:shop:0f3a1b2c"
    assert one.mark == f"project/{ID}"


def test_kinds_by_name_and_quotas_left_out() -> None:
    (inside,) = grants(account(), SERVED)
    rules = [dict(rule) for rule in inside.rules]
    assert inside.namespaces == ("a", "b")
    assert writes(rules, "") == (["pods", "pods/exec", "pods/log"], ["*"])
    assert writes(rules, "apps") == (["deployments", "deployments/scale"], ["*"])
    assert writes(rules, "example.com") == (["widgets"], ["*"])
    everything = [rule for rule in rules if "*" in rule["resources"]]
    assert [rule["verbs"] for rule in everything] == [["get", "list", "watch"]]


def test_roles_without_escalate_and_bind() -> None:
    (inside,) = grants(account(), SERVED)
    resources, verbs = writes([dict(rule) for rule in inside.rules], RBAC)
    assert resources == ["roles"]
    assert not {"*", "escalate", "bind"} & set(verbs)


def test_what_is_not_in_a_namespace_only_where_it_is_allowed() -> None:
    (inside,) = grants(account(), SERVED)
    named = {name for rule in inside.rules for name in rule["resources"]}
    assert not named & {"nodes", "clusterroles", "securitycontextconstraints"}
    inside, outside = grants(account(cluster_kinds=("ClusterRole",)), SERVED)
    assert outside.namespaces is None
    assert [dict(rule) for rule in outside.rules] == [
        {"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["*"]}
    ]


@pytest.mark.parametrize("kinds", [("!*",), ("*", "!Secret"), ()])
def test_helm_keeps_its_releases_whatever_is_allowed(kinds: tuple[str, ...]) -> None:
    (inside,) = grants(account(kinds=kinds), SERVED)
    assert STORAGE in inside.rules


def test_what_carries_its_mark_is_its_own_only_with_its_name_and_subject() -> None:
    one = account()
    metadata = {
        "name": "kubecarrier:project:shop:0f3a1b2c",
        "labels": {"app.kubernetes.io/managed-by": "kubecarrier"},
        "annotations": {"kubecarrier.io/owner": one.mark},
    }
    subject = {"kind": "User", "name": one.identity.user}
    assert one.has({"metadata": metadata, "subjects": [subject]})
    assert not one.has(
        {"metadata": metadata, "subjects": [subject, {"kind": "User", "name": "eve"}]}
    )
    assert not one.has({"metadata": {**metadata, "name": "eve"}, "subjects": [subject]})
    assert not one.has({"metadata": {**metadata, "annotations": {}}, "subjects": [subject]})
