"""Rules for the clusters by which their holder gets more: shown as dangerous, given by their holders only."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry, Binding, Role, User
from tests.db.rights import bind, client_of, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db
RBAC = "rbac.authorization.k8s.io"
#: What Kubernetes' own good practices name, and what is said of each.
DANGEROUS = {
    "escalate": (RBAC, "clusterroles", "escalate", "gives roles more rights"),
    "bind": (RBAC, "roles", "bind", "binds roles that the holder does not have"),
    "impersonate": ("", "users", "impersonate", "acts as other people"),
    "secrets": ("", "secrets", "list", "reads the values of secrets"),
    "workloads": ("apps", "deployments", "create", "creates workloads"),
    "nodes": ("", "nodes/proxy", "get", "runs commands on any pod of a node"),
    "tokens": ("", "serviceaccounts/token", "create", "makes tokens of service accounts"),
    "webhooks": (
        "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "update", "webhooks",
    ),
}  # fmt: skip
GRANTING = ("bindings.view", "bindings.create", "bindings.edit", "roles.view", "roles.create",
            "roles.edit", "users.view", "applications.view")  # fmt: skip


def rule(name: str) -> dict[str, Any]:
    group, resource, verb, _ = DANGEROUS[name]
    return {"apiGroups": [group], "resources": [resource], "verbs": [verb]}


@pytest.fixture
def gia(fleet: Portal) -> User:
    """She gives roles on the platform, and holds nothing in any cluster."""
    user = User.objects.create_user("gia", "gia@example.org", "a-long-password")
    role("granting", *GRANTING)
    bind(user, "granting")
    return user


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_role_with_them_is_marked_with_the_reason(fleet: Portal, name: str) -> None:
    spec = {"permissions": ["applications.view"], "rules": [rule(name)]}
    fleet.call("put", "roles/custom", {"spec": spec}, code=201)
    said = fleet.call("get", "roles/custom")["status"]["dangers"]
    assert any(DANGEROUS[name][3] in one for one in said), said
    fleet.call("put", "roles/custom", {"spec": {"permissions": ["applications.view"]}}, code=202)
    assert fleet.call("get", "roles/custom")["status"]["dangers"] == []


@pytest.mark.parametrize("name", DANGEROUS)
def test_who_lacks_them_gives_them_to_nobody(gia: User, name: str) -> None:
    """Not by a binding, not by adding them to a role that somebody has, not to herself."""
    client = client_of(gia)
    role("custom", "applications.view", rules=[rule(name)])
    role("harmless", "applications.view")
    bind(User.objects.create_user("mallory"), "harmless", name="harmless")
    for who in ("gia", "mallory"):
        spec = {"role": "custom", "users": [who], "scope": {"platform": True}}
        response = client.put("/api/v1/bindings/more", {"spec": spec}, format="json")
        assert response.status_code == 403, response.content
        assert response.json()["error"]["code"] == "grant_exceeds_own"
    wider = {"permissions": ["applications.view"], "rules": [rule(name)]}
    response = client.put("/api/v1/roles/harmless", {"spec": wider}, format="json")
    assert response.status_code == 403, response.content
    assert not Binding.objects.filter(name="more").exists()
    assert Role.objects.get(name="harmless").rules == []
    assert AuditEntry.objects.filter(event="denied", actor=gia).count() == 3
