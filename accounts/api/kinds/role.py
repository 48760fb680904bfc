"""Roles as the API knows them."""

from __future__ import annotations

from typing import Any

from accounts.api.serializers import RoleSpecSerializer
from accounts.builtin import permissions_of, rules_of
from accounts.models import Role
from accounts.permissions import visible_roles
from accounts.policy_rules import dangers
from accounts.services.roles import role_apply, role_delete
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def role_status(role: Role) -> dict[str, Any]:
    """What it holds in effect, and why it is dangerous."""
    permissions, rules = permissions_of(role), rules_of(role)
    return {
        "builtIn": role.builtin,
        "permissions": len(permissions),
        "rules": len(rules),
        "dangers": dangers(rules, permissions),
    }


ROLE = register(
    Kind(
        kind="Role",
        plural="roles",
        short_names=("ro",),
        model=Role,
        description="What somebody may do, in the portal and in the clusters.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("BUILT-IN", "status.builtIn"),
            Column("PERMISSIONS", "status.permissions"),
            Column("RULES", "status.rules"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("DANGERS", "status.dangers", priority=1),
        ),
        spec_serializer=RoleSpecSerializer,
        status=role_status,
        rows=visible_roles,
        apply=role_apply,
        delete=role_delete,
        search=("name", "description"),
    )
)
