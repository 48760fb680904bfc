"""Which rules and permissions make a role dangerous, and why: one line of the table each."""

from __future__ import annotations

import pytest

from accounts.policy_rules import dangers

RBAC = "rbac.authorization.k8s.io"


def rule(
    group: str, resource: str, *verbs: str, names: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    found = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return found | ({"resourceNames": list(names)} if names else {})


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (rule("", "secrets", "list"), "reads the values of secrets"),
        (rule("", "secrets", "get", names=("one",)), "reads the values of secrets"),
        (rule("", "pods", "create"), "creates workloads"),
        (rule("apps", "deployments", "patch"), "creates workloads"),
        (rule("batch", "*", "create"), "creates workloads"),
        (rule(RBAC, "roles", "escalate"), "gives roles more rights"),
        (rule(RBAC, "clusterroles", "bind"), "binds roles"),
        (rule("", "users", "impersonate"), "acts as other people"),
        (rule("", "serviceaccounts", "impersonate"), "acts as other people"),
        (rule("authentication.k8s.io", "uids", "impersonate"), "acts as other people"),
        (rule("", "nodes/proxy", "get"), "runs commands on any pod of a node"),
        (rule("", "serviceaccounts/token", "create"), "makes tokens of service accounts"),
        (rule("", "*/token", "create"), "makes tokens of service accounts"),
        (rule("", "pods/exec", "get"), "runs commands in pods"),
        (rule("", "pods/ephemeralcontainers", "patch"), "adds containers to running pods"),
        (
            rule("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create"),
            "through webhooks",
        ),
        (
            rule("certificates.k8s.io", "certificatesigningrequests/approval", "update"),
            "certificates",
        ),
        (rule("", "persistentvolumes", "create"), "reaches the files of nodes"),
        (rule("", "namespaces", "patch"), "a namespace's labels"),
        (rule("*", "*", "*"), "may do everything with everything"),
    ],
)
def test_a_rule_that_allows_escalation_is_named(one: dict[str, list[str]], reason: str) -> None:
    assert any(reason in said for said in dangers([one]))


@pytest.mark.parametrize(
    "one",
    [
        rule("", "configmaps", "get", "list", "create", "delete"),
        rule("", "pods", "get", "list", "delete"),
        rule("", "pods/log", "get"),
        rule("apps", "deployments/scale", "patch"),
        rule(RBAC, "roles", "get", "list", "create"),  # the API server's own check bounds it
        rule("example.com", "secrets", "get"),
        rule("", "nodes", "get", "list"),
    ],
)
def test_others_are_not(one: dict[str, list[str]]) -> None:
    assert dangers([one]) == []


@pytest.mark.parametrize(
    ("permission", "reason"),
    [
        ("bindings.create", "gives roles to people in the portal"),
        ("roles.edit", "changes what roles hold in the portal"),
        ("users.edit", "changes accounts in the portal"),
        ("groups.edit", "changes who is in which group in the portal"),
        ("configitems.reveal", "reveals secret values"),
        ("roles.view", ""),
        ("applications.edit", ""),
    ],
)
def test_permissions_of_the_portal(permission: str, reason: str) -> None:
    assert dangers([], [permission]) == ([reason] if reason else [])
